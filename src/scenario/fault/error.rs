//! `error` of a fault: how attempts fail.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::engine::{Refusal, Span};
use crate::sim::fault::{Effect, Failure};

use super::super::error::Problem;
use super::super::unit::{Length, Share};
use super::kind::Scene;

/// How attempts fail.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorFile {
    /// Share of attempts that fail.
    rate: Option<Share>,
    /// HTTP status, or "hang", "unreachable", "quota".
    status: Option<StatusFile>,
    /// How long the failure takes. Default "80ms".
    after: Option<Length>,
    /// The provider's hint when to come back (429 only). Default: none.
    retry_after: Option<Length>,
}

/// A kind's own idea of the error.
pub(super) struct Usual {
    pub(super) rate: f64,
    pub(super) failure: Failure,
}

/// Failing fast took 50–200 ms in the published incidents (OpenAI, 2024-12-04).
const AFTER: Span = Span::from_millis(80);

/// What the scenario says of the error, and what is usual for the kind where it is silent.
pub(super) fn errors(
    given: Option<&ErrorFile>,
    usual: &Usual,
    scene: &Scene<'_>,
) -> Result<(f64, Failure, Span), Problem> {
    let silent = ErrorFile::default();
    let ErrorFile { rate, status, after, retry_after } = given.unwrap_or(&silent);
    let at = scene.at.key("error");
    let rate = rate.map_or(usual.rate, |share| share.0);
    if rate <= 0.0 || rate > 1.0 {
        let message = format!("`{}` cannot be {}%", at.key("rate"), rate * 100.0);
        return Err(Problem::new(at.key("rate"), message)
            .expected("expected a share above 0, up to \"100%\""));
    }
    let mut failure = status.map_or(usual.failure, |status| status.0);
    if let Some(hint) = retry_after {
        let Failure::RateLimited(_) = failure else {
            return Err(Problem::new(at.key("retry_after"), "only a 429 comes with a hint")
                .expected("expected with status = 429"));
        };
        failure = Failure::RateLimited(Some(hint.0));
    }
    Ok((rate, failure, after.map_or(AFTER, |length| length.0)))
}

/// The same as an effect.
pub(super) fn effect(
    given: Option<&ErrorFile>,
    usual: &Usual,
    scene: &Scene<'_>,
) -> Result<Effect, Problem> {
    let (rate, error, after) = errors(given, usual, scene)?;
    Ok(Effect::Errors { rate, error, after })
}

/// A status, or a word for a failure that has none.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StatusFile(Failure);

const WORDS: [(&str, Failure); 3] = [
    ("hang", Failure::Hang),
    ("unreachable", Failure::Unreachable),
    ("quota", Failure::Refused(Refusal::Quota)),
];

struct StatusVisitor;

impl Visitor<'_> for StatusVisitor {
    type Value = StatusFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an HTTP status from 400 to 599 such as 503, or \"hang\", \"unreachable\", \"quota\"",
        )
    }

    fn visit_i64<E: Error>(self, status: i64) -> Result<StatusFile, E> {
        match status {
            401 => Ok(Failure::Refused(Refusal::Credential)),
            402 => Ok(Failure::Refused(Refusal::Quota)),
            403 => Ok(Failure::Refused(Refusal::ModelAccess)),
            404 | 410 => Ok(Failure::Refused(Refusal::ModelGone)),
            429 => Ok(Failure::RateLimited(None)),
            400..=599 => Ok(Failure::Status(status as u16)),
            _ => Err(E::invalid_value(Unexpected::Signed(status), &self)),
        }
        .map(StatusFile)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StatusFile, E> {
        let word = WORDS.iter().find(|(word, _)| *word == text);
        word.map(|(_, failure)| StatusFile(*failure))
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for StatusFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StatusVisitor)
    }
}

impl JsonSchema for StatusFile {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 400, "maximum": 599 },
                { "type": "string", "enum": WORDS.map(|(word, _)| word) },
            ],
        })
    }
}
