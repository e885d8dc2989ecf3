//! Replay of shifted copies of a trace on top of each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::Span;
use crate::engine::luck::unit;
use crate::sim::spec::Row;
use crate::sim::stream::Stream;

use super::{NOTHING, Part, Played, copy_of};

/// Plays copies of rows held in memory, each as an endless loop of its own.
#[derive(Debug)]
pub(super) struct Superposed {
    rows: Vec<Row>,
    period: u64,
    copies: Vec<Copy>,
    /// The next row of each copy: (when, copy, index of the row).
    cursors: BinaryHeap<Reverse<(u64, u32, u32)>>,
    /// Probability with which a row of the last copy is played: the fraction of the number of
    /// copies.
    last: f64,
    luck: Stream,
}

/// A copy starts in the middle of the trace, so many nanoseconds in, at this row.
#[derive(Clone, Copy, Debug)]
struct Copy {
    shift: u64,
    first: u32,
}

impl Superposed {
    /// Each copy starts at a random place of the trace, independently: counts then keep their index
    /// of dispersion while their variation falls with the root of the number of copies (evenly
    /// spaced copies would come out smoother than a Poisson process). Quantised stamps are spread
    /// when the rows are loaded, alike for every copy.
    pub(super) fn new(part: &Part, copies: f64, spread: Span, mut luck: Stream) -> Self {
        let period = part.period.0;
        let mut rows: Vec<Row> = part.open().collect();
        for row in &mut rows {
            let shifted = match spread.0 {
                0 => row.at.0,
                width => row.at.0 + (unit(luck.next()) * width as f64) as u64,
            };
            row.at = Span(shifted.min(period - 1));
        }
        rows.sort_by_key(|row| row.at);
        let count = if rows.is_empty() { 0 } else { copies.ceil() as u32 };
        let last = copies - f64::from(count.saturating_sub(1));
        let mut superposed =
            Self { rows, period, copies: Vec::new(), cursors: BinaryHeap::new(), last, luck };
        for number in 0..count {
            let place = unit(superposed.luck.next());
            let shift = ((place * period as f64) as u64).min(period - 1);
            let first = superposed.rows.partition_point(|row| row.at.0 < shift);
            let first = (first % superposed.rows.len()) as u32;
            superposed.copies.push(Copy { shift, first });
            superposed.follow(number, first, 0);
        }
        superposed
    }

    pub(super) fn pop(&mut self) -> Played {
        loop {
            let Some(Reverse((at, number, index))) = self.cursors.pop() else {
                return NOTHING;
            };
            let row = self.rows[index as usize];
            let next = (index + 1) % self.rows.len() as u32;
            let again = u64::from(next == self.copies[number as usize].first);
            self.follow(number, next, at / self.period + again);
            let is_last = number as usize + 1 == self.copies.len();
            if !is_last || unit(self.luck.next()) < self.last {
                return Played::new(at, &row, copy_of(at / self.period, u64::from(number)));
            }
        }
    }

    /// Puts the cursor of a copy on a row in its n-th round.
    fn follow(&mut self, number: u32, index: u32, round: u64) {
        let shift = self.copies[number as usize].shift;
        let place = (self.rows[index as usize].at.0 + self.period - shift) % self.period;
        self.cursors.push(Reverse((round * self.period + place, number, index)));
    }
}
