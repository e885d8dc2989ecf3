//! A whole number: `20`, `"450K"`, `"30M"`.

use super::{Written, decimal, written};

/// A whole number ≥ 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Count(pub(crate) u64);

impl Written for Count {
    const EXPECTED: &'static str = "a whole number such as 20, \"450K\" or \"30M\"";

    fn from_text(text: &str) -> Option<Self> {
        let (number, factor) = [("K", 1e3), ("M", 1e6), ("B", 1e9)]
            .iter()
            .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)))
            .unwrap_or((text, 1.0));
        // Rounded, because 1.1 × 1e6 is not a whole number in binary.
        let value = decimal(number.trim_end())? * factor;
        let whole = value.round();
        let is_whole = (value - whole).abs() < 1e-6 && whole < EXACT_MAX;
        is_whole.then_some(Self(whole as u64))
    }

    fn from_whole(whole: i64) -> Option<Self> {
        u64::try_from(whole).ok().map(Self)
    }
}

/// Above this, doubles skip whole numbers.
const EXACT_MAX: f64 = 9e15;

written!(Count, {
    "description": "A whole number ≥ 0, with K, M or B if written as text.",
    "anyOf": [
        { "type": "string", "pattern": r"^[0-9][0-9_]*(\.[0-9]+)? ?[KMB]?$" },
        { "type": "integer", "minimum": 0 },
    ],
    "examples": [20, "450K", "30M"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_and_millions_are_exact() {
        let read = |text| Count::from_text(text).map(|count| count.0);
        assert_eq!(read("450K"), Some(450_000));
        assert_eq!(read("1.1M"), Some(1_100_000));
        assert_eq!(read("30_000"), Some(30_000));
        assert_eq!(read("0.5"), None);
        assert_eq!(read("-1"), None);
    }
}
