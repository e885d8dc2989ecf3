//! Samplers that turn one word of luck into one value: quantile tables with exact tails.
//!
//! Rejection samplers draw a varying number of words, so whoever uses one shifts everybody after
//! it; an inverse distribution function uses exactly one. Evaluated directly it costs 40 ns and
//! more, so a [`Table`] keeps 1,026 exact knots and draws straight lines between them (about 4 ns).
//!
//! The knots are laid out like a floating-point number: each half of the distribution has 16
//! octaves of probability (¼ to ½, ⅛ to ¼, …) with 32 cells each, so that the tails are as finely
//! cut as the middle. Only beyond the last octave, at a probability of 2⁻¹⁷ at each end, the law
//! itself is asked.

mod gamma;
mod law;
pub mod normal;

pub use law::Law;

/// Octaves of probability in each half.
const OCTAVES: u32 = 16;
/// Cells in an octave; a power of two.
const CELLS: usize = 1 << CELL_BITS;
const CELL_BITS: u32 = 5;
/// Knots of one half: ascending distance from its end, 2⁻¹⁷ first and ½ last.
const KNOTS: usize = OCTAVES as usize * CELLS + 1;

/// A law, ready to be drawn from.
#[derive(Clone, Debug)]
pub struct Table {
    law: Law,
    /// Values at the knots, of the lower and of the upper half.
    halves: Box<[[f64; KNOTS]; 2]>,
}

impl Table {
    /// Tabulates a law. Costs between 50 µs (closed form) and a few milliseconds (gamma).
    pub fn new(law: Law) -> Self {
        let mut halves = Box::new([[0.0; KNOTS]; 2]);
        for knot in 0..KNOTS {
            let octave = OCTAVES - (knot / CELLS) as u32;
            let step = 1.0 / (1u64 << (octave + 1)) as f64;
            let tail = step * (1.0 + (knot % CELLS) as f64 / CELLS as f64);
            halves[0][knot] = law.lower(tail);
            halves[1][knot] = law.upper(tail);
        }
        Self { law, halves }
    }

    /// The value at probability `luck` / 2⁶⁴.
    #[inline]
    pub fn at(&self, luck: u64) -> f64 {
        let upper = luck >> 63;
        let tail = luck ^ 0u64.wrapping_sub(upper);
        let octave = tail.leading_zeros() - 1;
        if octave >= OCTAVES {
            return self.law.at(luck);
        }
        let rest = tail << (octave + 2);
        let cell = (rest >> (64 - CELL_BITS)) as usize;
        let part = ((rest << CELL_BITS) >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
        let knot = (OCTAVES - 1 - octave) as usize * CELLS + cell;
        let half = &self.halves[upper as usize];
        half[knot] + (half[knot + 1] - half[knot]) * part
    }
}

/// The word of luck that stands for probability `p` in [0, 1); for tests and for reading quantiles.
pub fn luck_at(p: f64) -> u64 {
    (p * (1u64 << 63) as f64 * 2.0) as u64
}

#[cfg(test)]
mod tests;
