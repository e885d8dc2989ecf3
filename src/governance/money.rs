//! Money as an integer, so that sums are exact and the same everywhere.

use std::fmt;
use std::ops::{Add, AddAssign};

/// Nano-dollars: a token at 0.10 USD per million costs 100 of them; u64 holds 18 billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// Whole dollars.
    pub const fn from_usd(usd: u64) -> Self {
        Self(usd * 1_000_000_000)
    }

    /// Dollars.
    pub fn as_usd(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for NanoUsd {
    /// Dollars with cents, and with as many digits more as it takes: `5.00 USD`, `0.000012 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let digits = format!("{part:09}");
        let cut = digits.trim_end_matches('0').len().max(2);
        write!(f, "{whole}.{} USD", &digits[..cut])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_cents_and_what_is_smaller() {
        assert_eq!(NanoUsd::from_usd(5).to_string(), "5.00 USD");
        assert_eq!(NanoUsd(12_000).to_string(), "0.000012 USD");
        assert_eq!(NanoUsd(1_250_000_000).to_string(), "1.25 USD");
    }
}
