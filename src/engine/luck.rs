//! Luck: 64 random bits that come in as an argument, and as many draws as are needed mixed from them.
//!
//! A draw is a function of (luck, what for), never "the next number of a generator", so one more draw
//! somewhere shifts nobody else's. The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).

/// Mixes a word into another; a bijection of `luck ^ salt`-like quality, about 2 ns.
#[inline]
pub const fn mix(luck: u64, salt: u64) -> u64 {
    let mut z = luck
        .wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number in [0, 1) with 53 random bits.
#[inline]
pub fn unit(luck: u64) -> f64 {
    (luck >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A whole number in [0, n) by multiplication (bias below 2⁻³² for n < 2³²); 0 for n = 0.
#[inline]
pub const fn below(luck: u64, n: u32) -> u32 {
    (((luck >> 32) * n as u64) >> 32) as u32
}

/// A stable 64-bit hash of a name (FNV-1a, then mixed): routes and purposes keep their luck when others come or go.
pub const fn name(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        i += 1;
    }
    mix(hash, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_matches_splitmix64() {
        // First outputs of SplitMix64 seeded with 0 (salt 0, then 1).
        assert_eq!(mix(0, 0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0, 1), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut seen = [0u32; 7];
        for i in 0..70_000 {
            seen[below(mix(42, i), 7) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| (9_600..10_400).contains(&n)), "{seen:?}");
        assert_eq!(below(u64::MAX, 7), 6);
        assert_eq!(below(u64::MAX, 0), 0);
    }

    #[test]
    fn unit_never_reaches_one() {
        assert!(unit(u64::MAX) < 1.0);
        assert!(unit(0) >= 0.0);
    }
}
