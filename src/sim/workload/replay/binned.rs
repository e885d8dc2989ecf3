//! Replay in place: rows are multiplied and spread within their own bin of time.

use std::fmt;

use crate::engine::Span;
use crate::engine::luck::{mix, unit};
use crate::sim::spec::Row;
use crate::sim::stream::Stream;

use super::{NOTHING, Part, Played, copy_of};

/// Plays one bin after another; holds the copies of one bin.
pub(super) struct Binned {
    part: Part,
    /// The present round through the part, with the next row looked at.
    rows: std::iter::Peekable<Box<dyn Iterator<Item = Row> + Send>>,
    /// Start of the present round in nanoseconds.
    round: u64,
    /// Mean number of copies of a row.
    copies: f64,
    /// Width of a bin in nanoseconds; 0 = rows keep their stamps.
    width: u64,
    luck: Stream,
    /// What is left of the present bin, latest first.
    bin: Vec<Played>,
}

impl fmt::Debug for Binned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binned").field("round", &self.round).finish_non_exhaustive()
    }
}

impl Binned {
    pub(super) fn new(part: Part, copies: f64, spread: Span, luck: Stream) -> Self {
        let rows = part.open().peekable();
        Self { part, rows, round: 0, copies, width: spread.0, luck, bin: Vec::new() }
    }

    pub(super) fn pop(&mut self) -> Played {
        if self.part.count == 0 || self.copies <= 0.0 {
            return NOTHING;
        }
        loop {
            match self.bin.pop() {
                Some(played) => return played,
                None => self.fill(),
            }
        }
    }

    /// Takes the rows of the next bin that has any. Bins are cut from the start of the round; the
    /// last one may end early, so that rounds do not overlap.
    fn fill(&mut self) {
        let Some(&first) = self.rows.peek() else {
            self.round += self.part.period.0;
            self.rows = self.part.open().peekable();
            return;
        };
        let Some(bin) = first.at.0.checked_div(self.width) else {
            // No width: the row keeps its stamp.
            self.rows.next();
            self.copy(first, first.at.0, 0);
            return;
        };
        let start = bin * self.width;
        let end = start + self.width;
        let width = end.min(self.part.period.0.max(start + 1)) - start;
        while let Some(row) = self.rows.next_if(|row| row.at.0 < end) {
            self.copy(row, start, width);
        }
        // Latest first; a stable sort keeps the order of rows and copies among ties.
        self.bin.reverse();
        self.bin.sort_by_key(|played| std::cmp::Reverse(played.at));
    }

    fn copy(&mut self, row: Row, start: u64, width: u64) {
        let luck = self.luck.next();
        let whole = self.copies as u64;
        let extra = unit(mix(luck, u64::MAX)) < self.copies - whole as f64;
        for copy in 0..whole + u64::from(extra) {
            let within = ((u128::from(mix(luck, copy)) * u128::from(width)) >> 64) as u64;
            let number = copy_of(self.round / self.part.period.0, copy);
            self.bin.push(Played::new(self.round + start + within, &row, number));
        }
    }
}
