//! Money: `"5 USD"`, `"0.25 USD"`.

use crate::governance::NanoUsd;

use super::{Written, decimal, written};

/// US dollars. A bare number is refused: is 5 a dollar or a cent?
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Usd(pub(crate) NanoUsd);

/// More than this does not fit into nano-dollars, and is a slip.
const USD_MAX: f64 = 1e9;

impl Written for Usd {
    const EXPECTED: &'static str = "an amount such as \"5 USD\" or \"0.25 USD\"";

    fn from_text(text: &str) -> Option<Self> {
        let usd = decimal(text.strip_suffix("USD")?.trim_end())?;
        (usd <= USD_MAX).then(|| Self(NanoUsd((usd * 1e9).round() as u64)))
    }
}

written!(Usd, {
    "type": "string",
    "description": "An amount of money in US dollars.",
    "pattern": r"^[0-9][0-9_]*(\.[0-9]+)? ?USD$",
    "examples": ["5 USD", "0.25 USD"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_and_nothing_else_is_money() {
        let read = |text| Usd::from_text(text).map(|usd| usd.0.0);
        assert_eq!(read("5 USD"), Some(5_000_000_000));
        assert_eq!(read("0.1USD"), Some(100_000_000));
        for text in ["5", "5 EUR", "-5 USD", "2_000_000_000 USD"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
