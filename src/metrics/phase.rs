//! The time around one fault: what counts as before, how long we watch after it, and the share of
//! traffic that the faulted routes get.
//!
//! Series of shares have one-second bins from time zero, so a moment is known to the second: a
//! second counts from the one that holds f0 (or f1), and a time before that moment is clipped to
//! zero.

use crate::engine::{Span, Time};

use super::tape::{FaultTape, Tape};
use super::value::Value;

/// The baseline is taken from this long before a fault.
const BASELINE: Span = Span::from_secs(60);
/// Least clean time for a baseline, in seconds (our choice).
const BASELINE_LEAST: u64 = 5;
/// Arrivals so shortly before onset are not part of the baseline: the fault meets them under way
/// (our choice).
pub(super) const UNDER_WAY: Span = Span::from_secs(10);
/// A share is judged over so many seconds that this many first attempts to the set are expected:
/// then chance alone halves it with probability 5e-5 (our choice).
const JUDGED_ON: f64 = 50.0;
/// Longest such window, in seconds (our choice).
const WINDOW_MOST: u64 = 30;

pub(super) const NO_BASELINE: &str = "less than 5 s without a fault in the minute before";
pub(super) const UNSEEN: &str = "begins after the last measured request";
pub(super) const TO_THE_END: &str = "the fault lasts as long as we watch";
pub(super) const UNUSED: &str = "no traffic to the faulted routes before the fault";

/// One fault of a tape, and the time in which what happens is its doing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch<'a> {
    pub(super) tape: &'a Tape,
    pub(super) fault: &'a FaultTape,
    /// The last measured arrival, or the start of the first other fault that begins when this one
    /// is over.
    pub(super) until: Time,
}

impl<'a> Watch<'a> {
    pub(super) fn new(tape: &'a Tape, index: usize) -> Self {
        let fault = &tape.faults[index];
        let next = others(tape, index).map(|other| other.start).filter(|start| *start >= fault.end);
        let until = next.fold(tape.measured_until, Time::min);
        Self { tape, fault, until }
    }

    /// How long we watch from onset, in seconds.
    pub(super) fn window_s(&self) -> f64 {
        self.until.since(self.fault.start).as_secs_f64()
    }

    /// How long we watch of the fault itself, in seconds from onset.
    pub(super) fn during_s(&self) -> f64 {
        self.until.min(self.fault.end).since(self.fault.start).as_secs_f64()
    }

    /// How long we watch from the fault's end, in seconds.
    pub(super) fn after_s(&self) -> f64 {
        self.until.since(self.fault.end).as_secs_f64()
    }

    /// Whether [from, to) lies in the minute before onset, `lead` before it, clear of every other
    /// fault.
    pub(super) fn is_baseline(&self, from: Time, to: Time, lead: Span) -> bool {
        let start = self.fault.start;
        let near = from >= start.back(BASELINE) && to <= start.back(lead);
        let clear = |other: &FaultTape| to <= other.start || from >= other.end;
        near && self.tape.faults.iter().all(|other| other.start >= start || clear(other))
    }

    /// Seconds from onset to second `at`, zero if it holds the onset.
    pub(super) fn after_onset(&self, at: u64) -> f64 {
        Time::from_secs(at).since(self.fault.start).as_secs_f64()
    }
}

fn others(tape: &Tape, index: usize) -> impl Iterator<Item = &FaultTape> {
    tape.faults.iter().enumerate().filter(move |(i, _)| *i != index).map(|(_, fault)| fault)
}

/// Arrivals of some bins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Arrivals {
    pub(super) good: u64,
    pub(super) offered: u64,
    /// Length of the bins together.
    pub(super) length: Span,
}

impl Arrivals {
    /// Those of the bins that begin and end within [from, to).
    pub(super) fn within(tape: &Tape, from: Time, to: Time) -> Self {
        Self::of(tape, |start, end| start >= from && end <= to)
    }

    /// Those of the clean part of the minute before onset; `None` where that is too short, or
    /// nothing in it was good.
    pub(super) fn before(watch: &Watch<'_>) -> Option<Self> {
        let before = Self::of(watch.tape, |from, to| watch.is_baseline(from, to, UNDER_WAY));
        (before.length.0 >= BASELINE_LEAST * 1_000_000_000 && before.good > 0).then_some(before)
    }

    /// Good over offered.
    pub(super) fn good_share(self) -> f64 {
        self.good as f64 / self.offered as f64
    }

    fn of(tape: &Tape, takes: impl Fn(Time, Time) -> bool) -> Self {
        let mut sum = Self::default();
        for (i, bin) in tape.arrivals.iter().enumerate() {
            let from = Time(i as u64 * tape.bin.0);
            if takes(from, from + tape.bin) {
                sum.good += u64::from(bin.good);
                sum.offered += u64::from(bin.offered);
                sum.length = sum.length + tape.bin;
            }
        }
        sum
    }
}

/// The second that holds a moment.
pub(super) const fn second(at: Time) -> u64 {
    at.0 / 1_000_000_000
}

/// The share of first attempts that goes to the faulted set, against its baseline s*.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares<'a> {
    pub(super) watch: Watch<'a>,
    /// s*: first attempts to the set over those for its models, pooled over the clean baseline
    /// seconds.
    pub(super) baseline: f64,
    /// First attempts to the set per second in those seconds.
    pub(super) per_second: f64,
    /// Seconds over which a share is judged; 1 from 50 first attempts to the set per second on.
    pub(super) window: u64,
    /// Seconds that are watched to the end: second `k` is watched if `k < seconds`.
    pub(super) seconds: u64,
}

impl<'a> Shares<'a> {
    /// # Errors
    /// The value that every metric of shares has when there is no baseline.
    pub(super) fn new(watch: Watch<'a>) -> Result<Self, Value> {
        let fault = watch.fault;
        if fault.start >= watch.until {
            return Err(Value::Undefined { reason: UNSEEN });
        }
        let (mut first, mut base, mut clean) = (0, 0, 0);
        let onset = second(fault.start);
        for k in onset.saturating_sub(60)..onset {
            if watch.is_baseline(Time::from_secs(k), Time::from_secs(k + 1), Span::ZERO) {
                first += count(&fault.first_per_s, k, 1);
                base += count(&fault.base_per_s, k, 1);
                clean += 1;
            }
        }
        if clean < BASELINE_LEAST {
            return Err(Value::Undefined { reason: NO_BASELINE });
        }
        if first == 0 {
            return Err(Value::Undefined { reason: UNUSED });
        }
        let per_second = first as f64 / clean as f64;
        Ok(Self {
            watch,
            baseline: first as f64 / base as f64,
            per_second,
            window: ((JUDGED_ON / per_second).ceil() as u64).clamp(1, WINDOW_MOST),
            seconds: second(watch.until),
        })
    }

    /// (First attempts to the set, first attempts for its models) in [from, from + length) seconds.
    pub(super) fn counts(&self, from: u64, length: u64) -> (u64, u64) {
        let length = length.min(self.seconds.saturating_sub(from));
        let fault = self.watch.fault;
        (count(&fault.first_per_s, from, length), count(&fault.base_per_s, from, length))
    }

    /// The share in [from, from + length) over the baseline; `None` where nobody asked for those
    /// models.
    pub(super) fn ratio(&self, from: u64, length: u64) -> Option<f64> {
        let (first, base) = self.counts(from, length);
        (base > 0).then(|| first as f64 / base as f64 / self.baseline)
    }
}

fn count(per_second: &[u32], from: u64, length: u64) -> u64 {
    let bins = per_second.iter().skip(from as usize).take(length as usize);
    bins.map(|n| u64::from(*n)).sum()
}
