//! How fast a policy forgives: the error part of its own score after a fault.

use crate::engine::{Span, Time};
use crate::policy::RouteView;

use super::phase::{TO_THE_END, Watch};
use super::tape::Tape;
use super::value::Value;

/// From when on the rest is looked at: the time in which the published balancer promises to forgive.
const LATER: Span = Span::from_secs(30);

/// The greatest sum of the error parts of the faulted routes' scores in a view from 30 s after f1 on, over
/// their greatest sum in a view of the fault. A route that nobody uses forgives by itself; whether it is
/// still forgiven when its traffic comes back is part of the question.
pub fn penalty_left(tape: &Tape, fault: usize) -> Value {
    let watch = Watch::new(tape, fault);
    let penalty = |views: &[RouteView]| {
        watch.fault.routes.iter().map(|route| views[*route as usize].parts[0]).sum::<f64>()
    };
    let between = |from: Time, to: Time| {
        let views = tape.views.iter().filter(move |(at, _)| from <= *at && *at < to);
        views.map(|(_, views)| penalty(views)).reduce(f64::max)
    };
    let most = between(watch.fault.start, watch.fault.end).filter(|most| *most > 0.0);
    match (most, between(watch.fault.end + LATER, watch.until)) {
        (Some(most), Some(left)) => Value::Known(left / most),
        (None, _) => Value::Undefined { reason: "no error penalty was shown during the fault" },
        (_, None) => Value::Undefined { reason: TO_THE_END },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add_fault, calm};
    use super::*;

    fn with_penalty(seconds: u64, of_faulted: impl Fn(u64) -> f64) -> Tape {
        let mut tape = calm(seconds, 3, 100);
        add_fault(&mut tape, (92.0, 151.0), &[0, 1], 300, |_| 0.66);
        for second in (0..seconds).step_by(5) {
            let view = |part| RouteView { parts: [part, 0.9, 0.9, 0.9], ..RouteView::default() };
            let views = vec![view(of_faulted(second)), view(0.1), view(0.8)];
            tape.views.push((Time::from_secs(second), views));
        }
        tape
    }

    #[test]
    fn what_is_left_is_the_most_in_any_view_after_half_a_minute() {
        // The most is 0.7 + 0.1 at 150 s, for what came before and after the fault is not part of it.
        let tape = with_penalty(240, |t| match t {
            0..92 | 155 | 180 => 0.9,
            185 => 0.2,
            210 => 0.3,
            151.. => 0.1,
            _ => t as f64 / 150.0 * 0.7,
        });
        let Value::Known(left) = penalty_left(&tape, 0) else { panic!("no value") };
        assert!((left - 0.5).abs() < 1e-12, "{left}");
    }

    #[test]
    fn without_a_penalty_or_a_view_after_it_nothing_is_known() {
        let mut tape = with_penalty(240, |_| 0.0);
        for view in tape.views.iter_mut().flat_map(|(_, views)| views) {
            view.parts[0] = 0.0;
        }
        assert!(matches!(penalty_left(&tape, 0), Value::Undefined { .. }));
        let short = with_penalty(184, |_| 0.5);
        assert_eq!(penalty_left(&short, 0), Value::Undefined { reason: TO_THE_END });
    }
}
