//! Luck of one world: each draw is a function of the world's seed and of what it is for, so a feature that is added
//! later shifts none of the others.

use crate::engine::luck::{below, mix, name, unit};

/// The dice of a world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn word(self, what: &str) -> u64 {
        mix(self.0, name(what))
    }

    /// Other dice for the n-th thing of a kind.
    pub(super) fn of(self, what: &str, n: usize) -> Self {
        Self(mix(self.word(what), n as u64))
    }

    /// Whether something happens that does so with this probability.
    pub(super) fn chance(self, what: &str, probability: f64) -> bool {
        unit(self.word(what)) < probability
    }

    /// A whole number, both ends included.
    pub(super) fn between(self, what: &str, least: u32, most: u32) -> u32 {
        least + below(self.word(what), most - least + 1)
    }

    /// One of a list that is not empty.
    pub(super) fn pick<T: Copy>(self, what: &str, list: &[T]) -> T {
        list[below(self.word(what), list.len() as u32) as usize]
    }
}
