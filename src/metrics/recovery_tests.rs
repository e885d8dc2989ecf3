//! Recovery metrics on tapes whose answer is known.

use super::super::fixture::{add_fault, calm, spoil};
use super::*;

const THIRD: f64 = 1.0 / 3.0;

fn dipped(from: usize, to: usize, good: f64) -> Tape {
    let mut tape = calm(240, 12, 100);
    add_fault(&mut tape, (90.0, 150.0), &[0, 1, 2, 3], 1_200, |_| THIRD);
    spoil(&mut tape, from, to, good);
    tape
}

#[test]
fn users_are_well_again_at_the_end_of_the_last_low_window() {
    // Bad from 90 to 104: the last window with a bad second is [103, 108).
    assert_eq!(time_to_recover_user(&dipped(90, 104, 0.67), 0), Value::Known(18.0));
}

#[test]
fn a_second_dip_after_a_pause_counts() {
    let mut tape = dipped(90, 104, 0.67);
    spoil(&mut tape, 150, 152, 0.5);
    assert_eq!(time_to_recover_user(&tape, 0), Value::Known(66.0));
}

#[test]
fn no_dip_is_zero_and_chance_is_no_dip() {
    assert_eq!(time_to_recover_user(&dipped(90, 90, 1.0), 0), Value::Known(0.0));
    // 98.7 % of 6,000 is below 0.99, by less than the bound (98.6 %).
    assert_eq!(time_to_recover_user(&dipped(90, 150, 0.987), 0), Value::Known(0.0));
    assert_eq!(time_to_recover_user(&dipped(90, 150, 0.984), 0), Value::Known(60.0));
}

#[test]
fn a_dip_to_the_end_of_the_watch_is_censored_there() {
    let mut tape = dipped(90, 240, 0.67);
    tape.measured_until = Time::from_secs(230);
    assert_eq!(time_to_recover_user(&tape, 0), Value::Censored { at_s: 140.0 });
}

#[test]
fn the_watch_ends_where_the_next_fault_begins() {
    let mut tape = dipped(90, 240, 0.67);
    add_fault(&mut tape, (200.0, 220.0), &[5], 1_200, |_| THIRD);
    assert_eq!(time_to_recover_user(&tape, 0), Value::Censored { at_s: 110.0 });
    assert_eq!(user_window_s(&tape, 0), 110.0);
}

#[test]
fn requests_under_way_at_onset_do_not_lower_the_baseline() {
    // The last 8 s before onset are cut; with them in the baseline a good share of 0.95 would pass.
    let mut tape = dipped(82, 90, 0.3);
    spoil(&mut tape, 90, 120, 0.95);
    assert_eq!(time_to_recover_user(&tape, 0), Value::Known(33.0));
}

#[test]
fn without_traffic_or_past_there_is_no_recovery() {
    let mut tape = calm(60, 3, 0);
    add_fault(&mut tape, (30.0, 40.0), &[0], 0, |_| 0.0);
    assert!(matches!(time_to_recover_user(&tape, 0), Value::Undefined { .. }));
    assert!(matches!(time_to_recover_share(&tape, 0), Value::Undefined { .. }));
}

#[test]
fn a_share_is_back_when_it_stays_for_ten_seconds() {
    let mut tape = calm(240, 12, 100);
    add_fault(&mut tape, (90.0, 150.0), &[0, 1, 2, 3], 1_200, |t| match t {
        90..165 => 0.0,
        165..168 => THIRD, // a false start
        168..175 => 0.1,
        _ => THIRD,
    });
    assert_eq!(time_to_recover_share(&tape, 0), Value::Known(25.0));
}

#[test]
fn a_share_that_never_left_is_back_at_once_and_one_that_stays_away_is_censored() {
    assert_eq!(time_to_recover_share(&dipped(90, 90, 1.0), 0), Value::Known(0.0));
    let mut tape = calm(240, 12, 100);
    add_fault(&mut tape, (90.0, 150.0), &[0], 1_200, |t| if t < 90 { 0.1 } else { 0.0 });
    assert_eq!(time_to_recover_share(&tape, 0), Value::Censored { at_s: 90.0 });
}

#[test]
fn a_fault_to_the_end_of_the_run_has_no_time_after_it() {
    let mut tape = calm(240, 12, 100);
    add_fault(&mut tape, (90.0, 240.0), &[0], 1_200, |t| if t < 95 { 0.1 } else { 0.0 });
    spoil(&mut tape, 90, 95, 0.9);
    assert!(matches!(time_to_recover_share(&tape, 0), Value::Undefined { .. }));
    assert_eq!(time_to_recover_user(&tape, 0), Value::Known(9.0));
}

#[test]
fn long_bins_are_windows_of_their_own() {
    let mut tape = dipped(90, 104, 0.67);
    tape.bin = Span::from_secs(10);
    tape.horizon = Span::from_secs(2_400);
    tape.measured_until = Time::from_secs(2_400);
    tape.faults[0].start = Time::from_secs(900);
    tape.faults[0].end = Time::from_secs(1_500);
    assert_eq!(time_to_recover_user(&tape, 0), Value::Known(140.0));
}
