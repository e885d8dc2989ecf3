//! Overshoot and settling on tapes whose answer is known.

use super::super::fixture::{add_fault, calm};
use super::*;

fn swinging(share: impl Fn(u64) -> f64) -> Tape {
    let mut tape = calm(240, 12, 400);
    add_fault(&mut tape, (90.0, 150.0), &[0, 1, 2], 4_800, share);
    tape
}

#[test]
fn an_overshoot_is_the_greatest_bin_over_the_baseline() {
    let tape = swinging(|t| match t {
        90..155 => 0.0,
        155..160 => 0.4,
        160..170 => 0.3,
        _ => 0.25,
    });
    assert!((overshoot(&tape, 0).known().unwrap() - 0.6).abs() < 1e-9);
    assert_eq!(settling(&tape, 0), Value::Known(20.0));
}

#[test]
fn what_chance_explains_is_neither_overshoot_nor_unrest() {
    // 24,000 attempts a bin at 0.25: three standard deviations are 0.84 points of 25.
    let tape = swinging(|t| if t < 150 { 0.25 } else { 0.258 });
    assert_eq!(overshoot(&tape, 0), Value::Known(0.0));
    assert_eq!(settling(&tape, 0), Value::Known(0.0));
}

#[test]
fn a_share_that_stays_off_is_never_settled() {
    let tape = swinging(|t| if t < 150 { 0.25 } else { 0.2 });
    assert_eq!(overshoot(&tape, 0), Value::Known(0.0));
    assert_eq!(settling(&tape, 0), Value::Censored { at_s: 90.0 });
}

#[test]
fn nothing_is_said_about_the_time_after_a_fault_without_end() {
    let mut tape = swinging(|_| 0.25);
    tape.faults[0].end = Time::from_secs(240);
    assert!(matches!(overshoot(&tape, 0), Value::Undefined { .. }));
    assert!(matches!(settling(&tape, 0), Value::Undefined { .. }));
}
