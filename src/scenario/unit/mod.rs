//! Values with their units, as people write them: `"60s"`, `"110%"`, `"30M"`, `5_000`.
//!
//! One file per unit. Each says in words, with an example, what it understands; that sentence is
//! what the author of a scenario reads when it is something else.

mod count;
mod length;
mod number;
mod quota;
mod share;
mod usd;

pub(crate) use count::Count;
pub(crate) use length::Length;
pub(crate) use number::Number;
pub(crate) use quota::Quota;
pub(crate) use share::Share;
pub(crate) use usd::Usd;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Unexpected, Visitor};

/// Something that is written as one TOML string or number.
pub(crate) trait Written: Sized {
    /// What is understood, with an example.
    const EXPECTED: &'static str;

    /// Reads a string.
    fn from_text(_: &str) -> Option<Self> {
        None
    }

    /// Reads a whole number.
    fn from_whole(_: i64) -> Option<Self> {
        None
    }

    /// Reads a number with a point.
    fn from_number(_: f64) -> Option<Self> {
        None
    }
}

/// Reads any [`Written`] value, or says what was expected.
pub(crate) struct WrittenVisitor<T>(pub(crate) PhantomData<T>);

impl<T: Written> Visitor<'_> for WrittenVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<T, E> {
        T::from_whole(whole).ok_or_else(|| E::invalid_value(Unexpected::Signed(whole), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        T::from_number(number).ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

/// Implements reading and the JSON Schema of a [`Written`] type.
macro_rules! written {
    ($unit:ident, $schema:tt) => {
        impl<'de> serde::Deserialize<'de> for $unit {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any($crate::scenario::unit::WrittenVisitor(
                    std::marker::PhantomData,
                ))
            }
        }

        impl schemars::JsonSchema for $unit {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($unit).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use written;

/// A non-negative decimal number with optional underscores between digits.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.replace('_', "");
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    if plain { digits.parse().ok() } else { None }
}
