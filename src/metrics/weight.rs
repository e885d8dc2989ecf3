//! When the policy's own weights react to a fault.
//!
//! A weight is in the policy's own unit, so only its fall against itself is looked at, and the time
//! is never ranked across policies.

use crate::policy::RouteView;

use super::phase::{UNSEEN, Watch};
use super::tape::Tape;
use super::value::Value;

/// A weight has fallen at this part of its value at onset.
const FALLEN: f64 = 0.9;

/// From f0 to the first view in which the weights of the faulted routes together are at most 0.9 of
/// what they were at f0. Censored at f1, in seconds. Views are taken at the policy's own ticks.
pub fn time_to_weight(tape: &Tape, fault: usize) -> Value {
    let watch = Watch::new(tape, fault);
    if watch.fault.start >= watch.until {
        return Value::Undefined { reason: UNSEEN };
    }
    let weight = |views: &[RouteView]| {
        watch.fault.routes.iter().map(|route| views[*route as usize].weight).sum::<f64>()
    };
    let onset = tape.views.partition_point(|(at, _)| *at <= watch.fault.start);
    let (before, after) = tape.views.split_at(onset);
    let start = before.last().map_or(0.0, |(_, views)| weight(views));
    if start <= 0.0 {
        return Value::Undefined { reason: "no weights were shown at the onset" };
    }
    let end = watch.until.min(watch.fault.end);
    let fallen = after.iter().find(|(_, views)| weight(views) <= FALLEN * start);
    match fallen.filter(|(at, _)| *at < end) {
        Some((at, _)) => Value::Known(at.since(watch.fault.start).as_secs_f64()),
        None => Value::Censored { at_s: watch.during_s() },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add_fault, calm};
    use super::*;
    use crate::engine::Time;

    fn with_weights(of_faulted: impl Fn(u64) -> f64) -> Tape {
        let mut tape = calm(240, 3, 100);
        add_fault(&mut tape, (92.0, 150.0), &[0, 1], 300, |_| 0.66);
        for second in (0..240).step_by(5) {
            let view = |weight| RouteView { weight, ..RouteView::default() };
            let views = vec![view(of_faulted(second)), view(500.0), view(100.0)];
            tape.views.push((Time::from_secs(second), views));
        }
        tape
    }

    #[test]
    fn the_first_tick_with_a_tenth_less_weight_is_the_answer() {
        // 1,000 at the onset: 900 is reached when one of the two is at 400.
        let tape = with_weights(|t| match t {
            0..95 => 500.0,
            95 => 401.0,
            100 => 400.0,
            _ => 500.0,
        });
        assert_eq!(time_to_weight(&tape, 0), Value::Known(8.0));
    }

    #[test]
    fn weights_that_fall_before_or_after_the_fault_say_nothing_of_it() {
        let tape = with_weights(|t| if (30..60).contains(&t) || t >= 150 { 0.0 } else { 500.0 });
        assert_eq!(time_to_weight(&tape, 0), Value::Censored { at_s: 58.0 });
        let mut blind = with_weights(|_| 500.0);
        blind.views.clear();
        assert!(matches!(time_to_weight(&blind, 0), Value::Undefined { .. }));
    }
}
