//! Open loop: arrivals that come whatever happens to those before.
//!
//! Gaps have mean 1 on the clock of requests due, and [`Curve`] turns that clock into time. Bursts
//! and pauses of an on-off process have lengths in time; what is due during a pause is jumped over,
//! and within a burst requests come so much denser that the rate is met on average.

use crate::engine::Time;
use crate::sim::quantile::Law;
use crate::sim::spec::{Gaps, Rate};
use crate::sim::stream::Stream;

use super::gaps::Renewal;
use super::rate::Curve;

/// The arrivals of one open-loop class.
#[derive(Debug)]
pub(crate) struct Open {
    curve: Curve,
    gaps: Renewal,
    /// The next arrival, on the clock of requests due and as a moment.
    due: f64,
    at: Time,
    bursts: Option<Bursts>,
}

impl Open {
    /// Arrivals of class `entity` under `seed`.
    pub(crate) fn new(gaps: Gaps, rate: &Rate, seed: u64, entity: u64) -> Self {
        let mut curve = Curve::new(rate);
        let (renewal, first) = Renewal::new(gaps, Stream::new(seed, "gaps", entity));
        let mut bursts = match gaps {
            Gaps::OnOff { on, off } => {
                let lengths = Stream::new(seed, "bursts", entity);
                Some(Bursts::new(on.as_secs_f64(), off.as_secs_f64(), lengths, &curve))
            }
            _ => None,
        };
        let due = match &mut bursts {
            Some(bursts) => bursts.place(bursts.begin + first * bursts.duty, &curve),
            None => first,
        };
        let at = curve.time(due);
        Self { curve, gaps: renewal, due, at, bursts }
    }

    #[inline]
    pub(crate) fn peek(&self) -> Time {
        self.at
    }

    /// Goes on to the next arrival.
    #[inline]
    pub(crate) fn pop(&mut self) {
        let gap = self.gaps.next();
        self.due = match &mut self.bursts {
            None => self.due + gap,
            Some(bursts) => bursts.place(self.due + gap * bursts.duty, &self.curve),
        };
        self.at = self.curve.time(self.due);
    }
}

/// Alternating bursts and pauses of exponential lengths.
#[derive(Debug)]
struct Bursts {
    on: f64,
    off: f64,
    lengths: Stream,
    /// Share of time in bursts.
    duty: f64,
    /// Beginning of the present burst, on the clock of requests due.
    begin: f64,
    /// Its end, in seconds and on the clock of requests due.
    end_s: f64,
    end: f64,
}

impl Bursts {
    /// Found in the middle of a burst or pause; exponential lengths have no memory.
    fn new(on: f64, off: f64, mut lengths: Stream, curve: &Curve) -> Self {
        let duty = on / (on + off);
        let paused = crate::engine::luck::unit(lengths.next()) >= duty;
        let mut draw = |mean: f64| mean * Law::Exponential.at(lengths.next());
        let start_s = if paused { draw(off) } else { 0.0 };
        let end_s = start_s + draw(on);
        let (begin, end) = (curve.due(start_s), curve.due(end_s));
        Self { on, off, lengths, duty, begin, end_s, end }
    }

    /// Moves a due count that lies past the end of the burst into the burst where it belongs.
    #[inline]
    fn place(&mut self, mut due: f64, curve: &Curve) -> f64 {
        while due >= self.end && self.end < curve.total() {
            let over = due - self.end;
            let start_s = self.end_s + self.off * Law::Exponential.at(self.lengths.next());
            self.end_s = start_s + self.on * Law::Exponential.at(self.lengths.next());
            (self.begin, self.end) = (curve.due(start_s), curve.due(self.end_s));
            due = self.begin + over;
        }
        due
    }
}
