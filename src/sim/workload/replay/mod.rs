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
//! superposition holds the whole part in memory, 16 bytes a row, and 32 bytes per copy.

mod binned;
mod part;
mod superposed;

use crate::engine::{Span, Time};
use crate::sim::spec::{Replay, Scaling};
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

/// A row on its way: nanoseconds, prompt tokens, output tokens.
type Played = (u64, u32, u32);

/// The end of every replay of an empty part.
const NOTHING: Played = (u64::MAX, 0, 0);

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
        Time(self.next.0)
    }

    /// Prompt and output tokens of the next row; goes on to the one after.
    pub fn pop(&mut self) -> (u32, u32) {
        let (_, prompt, output) = self.next;
        self.next = self.draw();
        (prompt, output)
    }

    fn draw(&mut self) -> Played {
        let (at, prompt, output) = match &mut self.source {
            Source::Binned(binned) => binned.pop(),
            Source::Superposed(superposed) => superposed.pop(),
        };
        if self.compress == 1.0 || at == u64::MAX {
            return (at, prompt, output);
        }
        (((at as f64) / self.compress) as u64, prompt, output)
    }
}

#[cfg(test)]
mod tests;
