//! A share or a multiple: `"25%"`, `"110%"`, `0.25`.

use super::{Written, decimal, written};

/// A share, ≥ 0. Whole numbers other than 0 are refused: is 1 all of it or 1 %?
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Written for Share {
    const EXPECTED: &'static str = "a share such as \"25%\" or 0.25";

    fn from_text(text: &str) -> Option<Self> {
        decimal(text.strip_suffix('%')?.trim_end()).map(|percent| Self(percent / 100.0))
    }

    fn from_whole(whole: i64) -> Option<Self> {
        (whole == 0).then_some(Self(0.0))
    }

    fn from_number(number: f64) -> Option<Self> {
        (number.is_finite() && number >= 0.0).then_some(Self(number))
    }
}

written!(Share, {
    "description": "A share or multiple, ≥ 0: \"25%\" or 0.25.",
    "anyOf": [
        { "type": "string", "pattern": r"^[0-9][0-9_]*(\.[0-9]+)? ?%$" },
        { "type": "number", "minimum": 0 },
    ],
    "examples": ["25%", 0.25],
});
