//! The rate curve as a clock: how many requests are due by a moment, and the moment by which so
//! many are.
//!
//! A rate of straight lines has a cumulative rate of parabolas, which is inverted in closed form;
//! so a varying rate needs no thinning, and one draw gives one arrival.

use crate::engine::{Span, Time};
use crate::sim::spec::Rate;

/// The cumulative rate, read forwards.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pieces: Vec<Piece>,
    /// The piece that the last inversion ended in.
    here: usize,
}

/// A straight piece of the rate; the last one goes on for ever at a constant rate.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it starts, in seconds.
    start: f64,
    /// Rate there, per second.
    rate: f64,
    /// Change of the rate per second.
    slope: f64,
    /// Requests due before it.
    before: f64,
}

impl Curve {
    pub(super) fn new(rate: &Rate) -> Self {
        let (first, last) = (rate.0[0], rate.0[rate.0.len() - 1]);
        let mut knots = vec![(0.0, first.1)];
        knots.extend(rate.0.iter().map(|&(at, rate)| (at.as_secs_f64(), rate)));
        let mut pieces = Vec::with_capacity(knots.len());
        let mut before = 0.0;
        for pair in knots.windows(2) {
            let ((start, rate), (end, end_rate)) = (pair[0], pair[1]);
            let length = end - start;
            if length > 0.0 {
                pieces.push(Piece { start, rate, slope: (end_rate - rate) / length, before });
                before += 0.5 * (rate + end_rate) * length;
            }
        }
        pieces.push(Piece { start: last.0.as_secs_f64(), rate: last.1, slope: 0.0, before });
        Self { pieces, here: 0 }
    }

    /// Requests that are ever due; infinite unless the rate ends at zero.
    pub(super) fn total(&self) -> f64 {
        let last = self.pieces[self.pieces.len() - 1];
        if last.rate > 0.0 { f64::INFINITY } else { last.before }
    }

    /// Requests due by `seconds`.
    pub(super) fn due(&self, seconds: f64) -> f64 {
        let after = self.pieces.partition_point(|piece| piece.start <= seconds).max(1);
        let piece = self.pieces[after - 1];
        let x = (seconds - piece.start).max(0.0);
        piece.before + x * (piece.rate + 0.5 * piece.slope * x)
    }

    /// The moment by which `due` requests are due, in seconds; `due` must not fall from call to
    /// call and must be below [`Curve::total`].
    #[inline]
    pub(super) fn seconds(&mut self, due: f64) -> f64 {
        while self.here + 1 < self.pieces.len() && due >= self.pieces[self.here + 1].before {
            self.here += 1;
        }
        let piece = self.pieces[self.here];
        let need = due - piece.before;
        if piece.slope == 0.0 {
            return piece.start + need / piece.rate;
        }
        // The root of slope/2 · x² + rate · x = need that does not cancel.
        let root = libm::sqrt((piece.rate * piece.rate + 2.0 * piece.slope * need).max(0.0));
        piece.start + 2.0 * need / (piece.rate + root)
    }

    /// As [`Curve::seconds`], as a moment; never from [`Curve::total`] on.
    #[inline]
    pub(super) fn time(&mut self, due: f64) -> Time {
        if due < self.total() {
            Time::ZERO + Span::from_secs_f64(self.seconds(due))
        } else {
            Time::NEVER
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(knots: &[(u64, f64)]) -> Curve {
        Curve::new(&Rate(knots.iter().map(|&(at, rate)| (Span::from_secs(at), rate)).collect()))
    }

    #[test]
    fn inverting_undoes_accumulating() {
        // Constant, ramp up, step down, ramp to nothing, pause, constant.
        let shape = [(10, 100.0), (20, 300.0), (20, 50.0), (30, 0.0), (40, 0.0), (40, 80.0)];
        let mut forwards = curve(&shape);
        let reference = curve(&shape);
        let mut last = 0.0;
        for n in 0..50_000 {
            let due = f64::from(n) * 0.1;
            let at = forwards.seconds(due);
            assert!(at >= last, "time goes back at {due}");
            assert!((reference.due(at) - due).abs() < 1e-6, "{due} at {at}");
            last = at;
        }
        assert_eq!(reference.due(10.0), 1000.0);
        assert_eq!(reference.due(20.0), 3000.0);
        assert_eq!(reference.due(30.0), 3250.0);
        assert_eq!(reference.due(40.0), 3250.0);
        assert_eq!(forwards.seconds(3250.0 + 80.0 * 60.0), 100.0);
    }

    #[test]
    fn a_rate_that_ends_at_zero_ends_the_arrivals() {
        let mut ends = curve(&[(0, 10.0), (5, 10.0), (5, 0.0)]);
        assert_eq!(ends.total(), 50.0);
        assert!(ends.time(49.9) < Time::from_secs(5));
        assert_eq!(ends.time(50.0), Time::NEVER);
        assert_eq!(curve(&[(0, 0.0)]).time(0.0), Time::NEVER);
    }
}
