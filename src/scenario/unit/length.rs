//! A length of time: `"250ms"`, `"60s"`, `"4m"`, `"1h"`.

use crate::engine::Span;

use super::{Written, decimal, written};

/// A length of time, with its unit. A bare number is refused: is 60 a minute or 60 ms?
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Length(pub(crate) Span);

/// Longest first where one unit ends with another.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("ms", 1e-3),
    ("min", 60.0),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// Longer than this is a slip; it also keeps sums of spans far from overflow.
const SECONDS_MAX: f64 = 100.0 * 366.0 * 86_400.0;

impl Written for Length {
    const EXPECTED: &'static str =
        "a length of time with its unit, such as \"60s\", \"250ms\", \"4m\" or \"1h\"";

    fn from_text(text: &str) -> Option<Self> {
        let (number, seconds) = UNITS
            .iter()
            .find_map(|(unit, seconds)| text.strip_suffix(unit).map(|number| (number, *seconds)))?;
        let seconds = decimal(number.trim_end())? * seconds;
        (seconds <= SECONDS_MAX).then(|| Self(Span::from_secs_f64(seconds)))
    }
}

written!(Length, {
    "type": "string",
    "description": "A length of time with its unit: ns, us, ms, s, m (or min), h, d.",
    "pattern": r"^[0-9][0-9_]*(\.[0-9]+)? ?(ns|us|ms|s|m|min|h|d)$",
    "examples": ["60s", "250ms", "4m", "1h"],
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_exactly() {
        let read = |text| Length::from_text(text).map(|length| length.0);
        assert_eq!(read("250ms"), Some(Span::from_millis(250)));
        assert_eq!(read("4m"), read("4min"));
        assert_eq!(read("1.5h"), Some(Span::from_secs(5_400)));
        assert_eq!(read("11us"), Some(Span(11_000)));
        assert_eq!(read("2 d"), Some(Span::from_secs(172_800)));
    }

    #[test]
    fn anything_without_a_unit_or_below_zero_is_refused() {
        for text in ["60", "s", "-5s", "1e3s", "4 weeks", "", "200000d", "1..5s"] {
            assert_eq!(Length::from_text(text), None, "{text}");
        }
    }
}
