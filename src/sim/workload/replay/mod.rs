//! Replay of a trace, looped to any length and brought to any rate.
//!
//! * *In place*: each row becomes k copies (the fraction of k is carried by luck), spread at random
//!   over the row's own second (or over `spread`), so that the count of every second is scaled and
//!   bursts stay.
//! * *Superpose*: k copies of the trace, each from a random place of it, on top of each other:
//!   bursts are smoothed away as k grows.
//! * *Compress*: time runs faster.
//!
//! Memory: in place and compressed replay hold the rows of one second (or `spread`), times k; the
//! superposition holds the whole part in memory, 24 bytes a row, and 32 bytes per copy.

mod binned;
mod part;
mod superposed;

use crate::engine::{Span, Time};
use crate::sim::spec::{Replay, Row, Scaling};
use crate::sim::stream::Stream;

pub use part::Part;

use binned::Binned;
use superposed::Superposed;

/// Plays a trace.
#[derive(Debug)]
pub struct Player {
    source: Source,
    /// Time is divided by this.
    compress: f64,
    next: Played,
}

#[derive(Debug)]
enum Source {
    Binned(Binned),
    Superposed(Superposed),
}

/// A row on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Played {
    /// When, in nanoseconds.
    at: u64,
    pub(crate) prompt: u32,
    pub(crate) output: u32,
    /// The last block of its prompt; 0 for none.
    pub(crate) leaf: u32,
    /// Which copy of the log it is from, rounds included: what is said in two copies has nothing in common.
    pub(crate) copy: u32,
}

impl Played {
    fn new(at: u64, row: &Row, copy: u32) -> Self {
        Self { at, prompt: row.prompt, output: row.output, leaf: row.leaf, copy }
    }
}

/// The end of every replay of an empty part.
const NOTHING: Played = Played { at: u64::MAX, prompt: 0, output: 0, leaf: 0, copy: 0 };

/// The number of a copy in a round. It only has to be another one each time; beyond 65,536 copies numbers repeat.
const fn copy_of(round: u64, copy: u64) -> u32 {
    (round << 16 | copy & 0xffff) as u32
}

impl Player {
    /// Plays for the class `entity` under `seed`. Reads the part once where a copy of it has to be
    /// held or its rate is not known from the facts.
    pub fn new(replay: &Replay, seed: u64, entity: u64) -> Self {
        let part = Part::of(replay);
        let luck = Stream::new(seed, "replay", entity);
        let second = Span::from_secs(1);
        let (source, compress) = match replay.scale {
            None => (Source::Binned(Binned::new(part, 1.0, replay.spread, luck)), 1.0),
            Some((target, Scaling::InPlace)) => {
                let copies = target / part.rate();
                let spread = if replay.spread > Span::ZERO { replay.spread } else { second };
                (Source::Binned(Binned::new(part, copies, spread, luck)), 1.0)
            }
            Some((target, Scaling::Superpose)) => {
                let copies = target / part.rate();
                (Source::Superposed(Superposed::new(&part, copies, replay.spread, luck)), 1.0)
            }
            Some((target, Scaling::Compress)) => {
                let factor = target / part.rate();
                (Source::Binned(Binned::new(part, 1.0, replay.spread, luck)), factor)
            }
        };
        let mut player = Self { source, compress, next: NOTHING };
        player.next = player.draw();
        player
    }

    /// When the next row comes; never if the part is empty or the target rate is zero.
    #[inline]
    pub fn peek(&self) -> Time {
        Time(self.next.at)
    }

    /// The next row; goes on to the one after.
    pub(crate) fn pop(&mut self) -> Played {
        let row = self.next;
        self.next = self.draw();
        row
    }

    fn draw(&mut self) -> Played {
        let row = match &mut self.source {
            Source::Binned(binned) => binned.pop(),
            Source::Superposed(superposed) => superposed.pop(),
        };
        if self.compress == 1.0 || row.at == u64::MAX {
            return row;
        }
        Played { at: ((row.at as f64) / self.compress) as u64, ..row }
    }
}

#[cfg(test)]
mod tests;
