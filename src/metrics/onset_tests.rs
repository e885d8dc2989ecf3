//! Onset metrics on tapes whose answer is known.

use super::super::fixture::{add_fault, calm};
use super::*;
use crate::engine::Time;

fn known(value: Value) -> f64 {
    value.known().unwrap_or_else(|| panic!("{value:?}"))
}

fn share(third: f64, changes: &[(u64, f64)]) -> impl Fn(u64) -> f64 {
    move |t| changes.iter().rev().find(|(from, _)| *from <= t).map_or(third, |(_, share)| *share)
}

#[test]
fn a_drop_to_a_third_and_then_to_nothing_is_noticed_and_drained_in_turn() {
    let mut tape = calm(240, 12, 100);
    add_fault(
        &mut tape,
        (90.0, 150.0),
        &[0, 1, 2, 3],
        1_200,
        share(0.33, &[(93, 0.11), (97, 0.0)]),
    );
    assert_eq!(known(time_to_detect(&tape, 0)), 3.0);
    assert_eq!(known(time_to_drain(&tape, 0)), 7.0);
    // 3 s at the full share, 4 s at a third, 53 s at nothing.
    assert_eq!(known(leak(&tape, 0)), 1_200.0 * (3.0 * 0.33 + 4.0 * 0.11));
    assert!((known(leak_ratio(&tape, 0)) - (3.0 + 4.0 / 3.0) / 60.0).abs() < 1e-9);
}

#[test]
fn a_fault_that_nobody_notices_is_censored_at_its_end_and_leaks_all() {
    let mut tape = calm(240, 12, 100);
    add_fault(&mut tape, (90.0, 150.0), &[0, 1, 2, 3], 1_200, |_| 0.33);
    assert_eq!(time_to_detect(&tape, 0), Value::Censored { at_s: 60.0 });
    assert_eq!(time_to_drain(&tape, 0), Value::Censored { at_s: 60.0 });
    assert_eq!(known(leak_ratio(&tape, 0)), 1.0);
}

#[test]
fn a_fault_that_attracts_traffic_leaks_more_than_blind_routing() {
    let mut tape = calm(240, 3, 400);
    add_fault(&mut tape, (90.0, 150.0), &[0], 1_200, share(1.0 / 3.0, &[(90, 2.0 / 3.0)]));
    assert_eq!(known(leak_ratio(&tape, 0)), 2.0);
}

#[test]
fn a_reaction_within_the_first_second_takes_no_time() {
    let mut tape = calm(240, 12, 100);
    add_fault(&mut tape, (90.4, 150.0), &[0], 1_200, share(0.08, &[(90, 0.03), (91, 0.0)]));
    assert_eq!(known(time_to_detect(&tape, 0)), 0.0);
    assert!((known(time_to_drain(&tape, 0)) - 0.6).abs() < 1e-9);
}

#[test]
fn thin_traffic_is_judged_over_a_longer_window() {
    // 4 a second to the set: one second with 2 or 0 of them is chance and not a reaction.
    let mut tape = calm(240, 3, 4);
    add_fault(&mut tape, (90.0, 150.0), &[0], 12, |t| match t {
        95 => 1.0 / 6.0,
        110.. => 0.0,
        _ => 1.0 / 3.0,
    });
    assert_eq!(known(time_to_detect(&tape, 0)), 20.0);
}

#[test]
fn what_cannot_be_judged_says_why() {
    let mut tape = calm(240, 3, 100);
    add_fault(&mut tape, (3.0, 60.0), &[0], 300, |_| 0.3);
    add_fault(&mut tape, (90.0, 100.0), &[1], 300, |_| 0.0);
    add_fault(&mut tape, (239.0, 300.0), &[2], 300, |_| 0.3);
    tape.measured_until = Time::from_secs(230);
    let reason = |fault| match time_to_detect(&tape, fault) {
        Value::Undefined { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason(0).contains("minute before"));
    assert!(reason(1).contains("no traffic"));
    assert!(reason(2).contains("last measured"));
}

#[test]
fn the_baseline_leaves_out_the_seconds_of_another_fault() {
    let mut tape = calm(240, 3, 100);
    let shape = share(1.0 / 3.0, &[(50, 0.0), (80, 1.0 / 3.0), (105, 0.1)]);
    add_fault(&mut tape, (50.0, 80.0), &[0], 300, &shape);
    add_fault(&mut tape, (100.0, 120.0), &[0], 300, &shape);
    assert_eq!(known(time_to_detect(&tape, 1)), 5.0);
    assert_eq!(known(leak_ratio(&tape, 1)), (5.0 + 15.0 * 0.3) / 20.0);
}
