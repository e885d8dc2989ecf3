//! Streams: the only place where random bits are made. One ChaCha8 stream per (seed, purpose,
//! entity).
//!
//! Two streams never share a word, so one more draw for one purpose shifts nothing of another, and a
//! client class that is added at the end of a scenario changes no request of the others. ChaCha8 of
//! `rand_chacha` is value-stable: the words are the same on every platform and with every release.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::engine::luck;

/// An endless row of random words that depends on nothing but its three keys.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of the run `seed` for `purpose`, for the `entity` (class, provider, …) of that
    /// purpose.
    pub fn new(seed: u64, purpose: &str, entity: u64) -> Self {
        let mut key = [0; 32];
        for (slot, word) in key.chunks_exact_mut(8).zip([seed, luck::name(purpose), entity]) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The next word: 64 bits of luck.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "it never ends, so it is no Iterator")]
    pub fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_chacha8() {
        // Key 0, nonce 0: the first words of the published ChaCha8 test vector (Strombergsson,
        // TC1).
        let mut zero = Stream(ChaCha8Rng::from_seed([0; 32]));
        assert_eq!(
            zero.next(),
            u64::from_le_bytes([0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6])
        );
        assert_eq!(
            zero.next(),
            u64::from_le_bytes([0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1])
        );
    }

    #[test]
    fn a_stream_is_a_function_of_its_three_keys() {
        let first = |seed, purpose, entity| Stream::new(seed, purpose, entity).next();
        let base = first(1, "gaps", 0);
        // A known answer: a change here changes every stored digest.
        assert_eq!(base, 15_367_069_375_593_640_374);
        assert_eq!(base, first(1, "gaps", 0));
        for other in [first(2, "gaps", 0), first(1, "luck", 0), first(1, "gaps", 1)] {
            assert_ne!(base, other);
        }
    }
}
