//! `start` of a fault: a moment, or a moment and a drawn phase.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use crate::engine::{Span, Time};
use crate::sim::fault::Start;

use super::super::at::At;
use super::super::error::Problem;
use super::super::unit::{Length, Written};

/// "90s", or { at = "90s", phase = "random" }.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StartFile {
    at: Length,
    is_random: bool,
}

/// The longest clock period in play: windows of a minute at providers. Balancers tick every 5 s,
/// which divides it.
const PERIOD: Span = Span::from_secs(60);

/// The longer form.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Phased {
    /// Earliest start.
    at: Length,
    /// Adds a part of a minute, stratified over replications. Without it the start is exact.
    phase: Option<Phase>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    /// Drawn evenly from a minute.
    Random,
}

impl StartFile {
    pub(super) fn start(self, at: &At, horizon: Span) -> Result<Start, Problem> {
        let from = Time::ZERO + self.at.0;
        if self.at.0 >= horizon {
            return Err(Problem::new(
                at.clone(),
                format!("`{at}` is {}, after the run", self.at.0),
            )
            .expected(format!("the run ends at {horizon}"))
            .help("start earlier, or make `duration` longer"));
        }
        Ok(if self.is_random { Start::Phase { from, period: PERIOD } } else { Start::At(from) })
    }
}

struct StartVisitor;

impl<'de> Visitor<'de> for StartVisitor {
    type Value = StartFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment such as \"90s\", or { at = \"90s\", phase = \"random\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StartFile, E> {
        let at = Length::from_text(text);
        at.map(|at| StartFile { at, is_random: false })
            .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StartFile, A::Error> {
        let Phased { at, phase } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
        Ok(StartFile { at, is_random: matches!(phase, Some(Phase::Random)) })
    }
}

impl<'de> Deserialize<'de> for StartFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StartVisitor)
    }
}

impl JsonSchema for StartFile {
    fn schema_name() -> Cow<'static, str> {
        "FaultStart".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let moment = generator.subschema_for::<Length>();
        let phased = generator.subschema_for::<Phased>();
        json_schema!({ "anyOf": [moment, phased] })
    }
}
