//! State metrics on tapes whose answer is known.

use super::super::fixture::{add_fault, calm, change};
use super::*;
use Health::{Degraded, Failed, Healthy, Recovering};

fn faulted() -> Tape {
    let mut tape = calm(360, 4, 100);
    add_fault(&mut tape, (90.0, 150.0), &[0, 1], 400, |_| 0.5);
    tape
}

#[test]
fn the_first_bad_state_of_any_faulted_route_is_the_detection() {
    let mut tape = faulted();
    change(&mut tape, 91.0, 3, Healthy, Failed); // not of the set
    change(&mut tape, 93.5, 1, Healthy, Degraded);
    change(&mut tape, 95.0, 0, Healthy, Failed);
    assert_eq!(time_to_state(&tape, 0), Value::Known(3.5));
}

#[test]
fn a_degraded_route_is_not_failed_yet() {
    let mut tape = faulted();
    change(&mut tape, 93.5, 1, Healthy, Degraded);
    assert_eq!(time_to_failed(&tape, 0), Value::Censored { at_s: 60.0 });
    change(&mut tape, 97.0, 1, Degraded, Failed);
    assert_eq!(time_to_failed(&tape, 0), Value::Known(7.0));
    assert_eq!(time_to_state(&tape, 0), Value::Known(3.5));
}

#[test]
fn a_route_that_was_bad_already_is_detected_at_once() {
    let mut tape = faulted();
    change(&mut tape, 80.0, 0, Healthy, Degraded);
    assert_eq!(time_to_state(&tape, 0), Value::Known(0.0));
}

#[test]
fn a_silent_policy_is_censored_and_one_without_states_is_not_asked() {
    let mut tape = faulted();
    assert!(matches!(time_to_state(&tape, 0), Value::Undefined { .. }));
    assert!(matches!(false_alarms_per_route_hour(&tape), Value::Undefined { .. }));
    change(&mut tape, 200.0, 3, Healthy, Degraded);
    assert_eq!(time_to_state(&tape, 0), Value::Censored { at_s: 60.0 });
}

#[test]
fn only_a_quick_return_to_failed_is_a_flap() {
    let mut tape = faulted();
    change(&mut tape, 95.0, 0, Healthy, Failed);
    change(&mut tape, 125.0, 0, Failed, Recovering);
    change(&mut tape, 130.0, 0, Recovering, Failed); // flap: 5 s after
    change(&mut tape, 160.0, 0, Failed, Recovering);
    change(&mut tape, 230.0, 0, Recovering, Failed); // 70 s after: not a flap
    change(&mut tape, 131.0, 3, Failed, Recovering);
    change(&mut tape, 132.0, 3, Recovering, Failed); // not of the set
    assert_eq!(flaps(&tape, 0), Value::Known(1.0));
    assert_eq!(transitions_per_route_hour(&tape), Value::Known(7.0 / (4.0 * 0.1)));
}

#[test]
fn alarms_count_where_and_while_nothing_is_wrong() {
    let mut tape = faulted();
    change(&mut tape, 50.0, 0, Healthy, Degraded); // false: before the fault
    change(&mut tape, 95.0, 0, Degraded, Failed); // not from Healthy
    change(&mut tape, 269.0, 1, Healthy, Degraded); // within the grace of 120 s
    change(&mut tape, 100.0, 2, Healthy, Degraded); // false: its route has no fault
    // Calm: two routes for 360 s, two for 90 s before and 90 s after the grace.
    let hours = (2.0 * 360.0 + 2.0 * 180.0) / 3_600.0;
    assert_eq!(false_alarms_per_route_hour(&tape), Value::Known(2.0 / hours));
}
