//! The sign-flip test of paired differences (Fisher 1935): exact whatever their distribution.
//!
//! Two builds that differ in nothing but luck can change places in any pair, so each difference is as likely
//! to be −d as d. Student's test needs the differences to be nearly normal out to the tail that decides, and
//! differences of times on a clock's grid, with some never reached, are not.

use crate::engine::luck::mix;

/// Pairs up to which all ways to flip are counted; beyond, [`DRAWS`] of them are drawn.
const COUNTED_MAX: usize = 20;
/// Ways drawn: the least p-value is then one in a million.
const DRAWS: u32 = 999_999;

/// One-sided p-value of "the mean is not above zero": the share of the ways to flip signs whose sum is at
/// least the sum seen. 1 for no difference at all. Beyond 20 pairs an estimate, seeded.
pub fn sign_flip(differences: &[f64], seed: u64) -> f64 {
    let differences: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let whole: f64 = differences.iter().map(|d| d.abs()).sum();
    // Sums that are equal on paper may differ in their last bits.
    let seen = differences.iter().sum::<f64>() - 1e-9 * whole;
    let n = differences.len();
    if n == 0 {
        1.0
    } else if n <= COUNTED_MAX {
        counted(&differences, seen) as f64 / (1u64 << n) as f64
    } else {
        let hits =
            (0..DRAWS).filter(|draw| drawn(&differences, mix(seed, u64::from(*draw))) >= seen);
        (hits.count() + 1) as f64 / (f64::from(DRAWS) + 1.0)
    }
}

/// How many of all ways to flip have a sum of at least `seen`; from one to the next a single sign changes
/// (Gray's code), and a fresh sum now and then keeps rounding down.
fn counted(differences: &[f64], seen: f64) -> u64 {
    let sum_of = |flipped: u64| -> f64 {
        let signed = differences.iter().enumerate();
        signed.map(|(i, d)| if flipped >> i & 1 == 1 { -d } else { *d }).sum()
    };
    let (mut flipped, mut sum, mut hits) = (0u64, sum_of(0), 0);
    for way in 1..=1u64 << differences.len() {
        hits += u64::from(sum >= seen);
        let bit = way.trailing_zeros() as usize;
        if bit >= differences.len() {
            break;
        }
        flipped ^= 1 << bit;
        let change = 2.0 * differences[bit];
        sum += if flipped >> bit & 1 == 1 { -change } else { change };
        if way % 1_024 == 0 {
            sum = sum_of(flipped);
        }
    }
    hits
}

/// The sum with signs drawn from `luck`.
fn drawn(differences: &[f64], luck: u64) -> f64 {
    let signed = differences.iter().enumerate().map(|(i, d)| {
        let word = if i < 64 { luck } else { mix(luck, (i / 64) as u64) };
        if word >> (i % 64) & 1 == 1 { -d } else { *d }
    });
    signed.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Darwin's maize, Fisher's own example (The Design of Experiments, § 21): crossed less self-fertilised
    /// heights in eighths of an inch; 863 of the 32,768 ways have a sum of 314 or more.
    #[test]
    fn darwins_maize() {
        let heights = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48].map(f64::from);
        assert_eq!(sign_flip(&heights, 1), 863.0 / 32_768.0);
    }

    #[test]
    fn all_on_one_side_is_as_rare_as_it_gets() {
        assert_eq!(sign_flip(&[5.0; 10], 1), 1.0 / 1_024.0);
        assert_eq!(sign_flip(&[-5.0; 10], 1), 1.0);
        assert_eq!(sign_flip(&[0.0; 10], 1), 1.0);
        assert_eq!(sign_flip(&[], 1), 1.0);
        assert_eq!(sign_flip(&[0.1, 0.2, -0.3], 1), 5.0 / 8.0, "ties count");
        assert_eq!(sign_flip(&[1.0; 30], 1), 1e-6);
    }

    #[test]
    fn drawing_agrees_with_counting() {
        let twenty: Vec<f64> =
            (0..20).map(|i| f64::from(i * i % 17) - 6.0 + f64::from(i) * 0.0137).collect();
        let counted = sign_flip(&twenty, 1);
        // A 21st difference that decides nothing.
        let more = [twenty, vec![1e-7]].concat();
        let drawn = sign_flip(&more, 1);
        let error = (counted * (1.0 - counted) / f64::from(DRAWS)).sqrt();
        assert!((counted - drawn).abs() < 5.0 * error, "{counted} {drawn}");
    }
}
