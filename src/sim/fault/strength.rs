//! How strong a fault is at a moment: its shape, in [0, 1].

use crate::engine::{Span, Time};

use super::Shape;

/// Strength of a fault that lasts from `start` to `end`; 0 outside.
pub fn strength(shape: Shape, start: Time, end: Time, now: Time) -> f64 {
    if now < start || now >= end {
        return 0.0;
    }
    let (since, left) = (now.since(start), end.since(now));
    let part = |done: Span, whole: Span| {
        if whole.0 == 0 { 1.0 } else { (done.0 as f64 / whole.0 as f64).min(1.0) }
    };
    match shape {
        Shape::Block => 1.0,
        Shape::Recover { fall } => part(left, fall),
        Shape::Ramp { rise, fall } => part(since, rise).min(part(left, fall)),
        Shape::Flap { on, off } => {
            let period = (on.0 + off.0).max(1);
            f64::from(u8::from(since.0 % period < on.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(shape: Shape, secs: u64) -> f64 {
        strength(shape, Time::from_secs(100), Time::from_secs(200), Time::from_secs(secs))
    }

    #[test]
    fn shapes_rise_and_fall_where_they_say() {
        assert_eq!([99, 100, 199, 200].map(|s| at(Shape::Block, s)), [0.0, 1.0, 1.0, 0.0]);
        let recover = Shape::Recover { fall: Span::from_secs(50) };
        assert_eq!([100, 150, 175, 190].map(|s| at(recover, s)), [1.0, 1.0, 0.5, 0.2]);
        let ramp = Shape::Ramp { rise: Span::from_secs(20), fall: Span::from_secs(10) };
        assert_eq!([100, 110, 120, 195].map(|s| at(ramp, s)), [0.0, 0.5, 1.0, 0.5]);
        let flap = Shape::Flap { on: Span::from_secs(5), off: Span::from_secs(10) };
        assert_eq!([100, 104, 105, 114, 115, 120].map(|s| at(flap, s)), [1., 1., 0., 0., 1., 0.]);
    }
}
