//! A plain number: `5_000`, `1.5`.

use super::{Written, written};

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number(pub(crate) f64);

impl Written for Number {
    const EXPECTED: &'static str = "a number such as 5_000 or 1.5";

    fn from_whole(whole: i64) -> Option<Self> {
        Some(Self(whole as f64))
    }

    fn from_number(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }
}

written!(Number, { "type": "number" });
