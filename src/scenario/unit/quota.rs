//! A limit: so many (`"30M"`, `450_000`), or in proportion to what is asked (`"200%"`).

use super::{Count, Share, Written, written};

/// A limit per minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Quota {
    /// So many per minute.
    Absolute(u64),
    /// This multiple of the provider's fair share of what is offered.
    Relative(f64),
}

impl Written for Quota {
    const EXPECTED: &'static str =
        "a limit per minute such as \"30M\", 450_000, or \"200%\" of the provider's fair share";

    fn from_text(text: &str) -> Option<Self> {
        let relative = || Share::from_text(text).map(|share| Self::Relative(share.0));
        Count::from_text(text).map(|count| Self::Absolute(count.0)).or_else(relative)
    }

    fn from_whole(whole: i64) -> Option<Self> {
        Count::from_whole(whole).map(|count| Self::Absolute(count.0))
    }
}

written!(Quota, {
    "description": "Per minute: an amount (\"30M\", 450_000) or a multiple of the provider's \
                    fair share of what is offered (\"200%\").",
    "anyOf": [
        { "type": "string", "pattern": r"^[0-9][0-9_]*(\.[0-9]+)? ?[KMB%]?$" },
        { "type": "integer", "minimum": 0 },
    ],
    "examples": ["30M", "200%"],
});
