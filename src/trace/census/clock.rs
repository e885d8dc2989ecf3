//! What is odd about a log's stamps: out of order, copied, jumping, in steps.

use crate::engine::Span;
use crate::trace::entry::Entry;

/// Fingerprints of recent rows; copies further apart may be missed.
const PRINTS: usize = 1 << 16;

/// Whether a distance between stamps is a multiple of a step, but for a clock's noise of a six-hundredth.
pub(crate) fn keeps_step(far: u64, step: u64) -> bool {
    let rest = far % step;
    rest.min(step - rest) <= step / 600
}

/// Stamps enough to know a step by.
const LOOKED: u64 = 200_000;
/// Steps that are looked for, from the finest on.
const STEPS: [u64; 7] = [
    100_000_000,
    1_000_000_000,
    2_000_000_000,
    3_000_000_000,
    5_000_000_000,
    10_000_000_000,
    60_000_000_000,
];

/// Looks at stamps as they come.
#[derive(Debug)]
pub(super) struct Watch {
    first: Option<u64>,
    low: u64,
    high: u64,
    last: u64,
    back: u64,
    descending: u64,
    jump: Option<Jump>,
    prints: Box<[u64]>,
    copies: u64,
    zone: Option<Option<i16>>,
    zones: u64,
    /// Stamps that are not at a multiple of each of [`STEPS`] after the first.
    off: [u64; STEPS.len()],
    /// Stamps looked at for that.
    looked: u64,
}

/// A stamp that is before the one above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// Its line.
    pub line: u64,
    /// How far back.
    pub back: Span,
}

/// What is odd about a log's stamps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Rows with a stamp before that of the row above.
    pub out_of_order: u64,
    /// Whether the newest row comes first.
    pub newest_first: bool,
    /// The farthest jump back.
    pub farthest: Option<Jump>,
    /// Rows that are the same as a row shortly before them.
    pub copies: u64,
    /// How often the zone of stamps changes from one row to the next.
    pub zone_changes: u64,
    /// Whether stamps have no zone.
    pub without_zone: bool,
    /// Stamps are multiples of this, if it is a tenth of a second or more.
    pub step: Option<Span>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            first: None,
            low: u64::MAX,
            high: 0,
            last: 0,
            back: 0,
            descending: 0,
            jump: None,
            prints: vec![0; PRINTS].into_boxed_slice(),
            copies: 0,
            zone: None,
            zones: 0,
            off: [0; STEPS.len()],
            looked: 0,
        }
    }
}

impl Watch {
    pub(super) fn see(&mut self, entry: &Entry) {
        let at = entry.at;
        let first = *self.first.get_or_insert(at);
        if self.looked < LOOKED {
            self.looked += 1;
            let far = at.abs_diff(first);
            for (off, step) in self.off.iter_mut().zip(STEPS) {
                *off += u64::from(!keeps_step(far, step));
            }
        }
        (self.low, self.high) = (self.low.min(at), self.high.max(at));
        if at < self.last {
            self.back += 1;
            let jump = Jump { line: entry.line, back: Span(self.last - at) };
            if self.jump.is_none_or(|farthest| farthest.back < jump.back) {
                self.jump = Some(jump);
            }
        }
        self.descending += u64::from(at <= self.last);
        self.last = at;
        let print = entry.print | 1;
        let place = &mut self.prints[(print >> 1) as usize % PRINTS];
        self.copies += u64::from(*place == print);
        *place = print;
        if self.zone.is_some_and(|zone| zone != entry.zone) {
            self.zones += 1;
        }
        self.zone = Some(entry.zone);
    }

    /// The first stamp, and the distance to the last.
    pub(super) fn range(&self) -> (u64, Span) {
        (self.low, Span(self.high - self.low))
    }

    /// The coarsest step that nearly all stamps keep.
    fn step(&self, rows: u64) -> Option<Span> {
        let looked = self.looked;
        let keeps = |(_, off): &(u64, u64)| rows > 1 && off * 50 <= looked;
        STEPS.into_iter().zip(self.off).rfind(keeps).map(|(step, _)| Span(step))
    }

    pub(super) fn clock(&self, rows: u64) -> Clock {
        let newest_first = rows > 2 && self.descending * 10 > (rows - 1) * 9 && self.back > 0;
        Clock {
            out_of_order: self.back,
            newest_first,
            farthest: if newest_first { None } else { self.jump },
            copies: self.copies,
            zone_changes: self.zones,
            without_zone: self.zone == Some(None),
            step: self.step(rows),
        }
    }
}
