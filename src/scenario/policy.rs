//! `policy`: who routes, and with which parameters.
//!
//! Parameters are data of the registry, so nothing here knows a policy by name; values go through
//! `Param::parse`, which knows units and ranges.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::engine::{ParamError, Settings, Time};
use crate::policy::Pool;
use crate::policy::registry::PolicySpec;

use super::at::At;
use super::error::Problem;
use super::suggest;

/// Who routes, with every parameter at its final value.
#[derive(Clone, Debug)]
pub struct PolicyChoice {
    /// The policy.
    pub spec: &'static PolicySpec,
    /// Its preset, and what the scenario changes.
    pub settings: Settings,
}

/// A name, or a table with `name` and parameters (dotted or nested).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PolicyFile {
    Name(String),
    Table(Vec<(String, Knob)>),
}

/// A value inside a policy's table: a setting, or settings with a common first word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Knob {
    Value(String),
    Table(Vec<(String, Self)>),
}

impl PolicyFile {
    /// Finds the policy and sets its parameters; it is written `at` there.
    pub(crate) fn choice(
        &self,
        at: &At,
        known: &'static [PolicySpec],
    ) -> Result<PolicyChoice, Problem> {
        let (name, name_at, knobs) = match self {
            Self::Name(name) => (name.as_str(), at.clone(), &[][..]),
            Self::Table(knobs) => {
                let named = knobs.iter().find_map(|(key, knob)| match knob {
                    Knob::Value(name) if key == "name" => Some(name.as_str()),
                    Knob::Value(_) | Knob::Table(_) => None,
                });
                let missing = || {
                    Problem::new(at.clone(), format!("`{at}`: `name` is missing"))
                        .expected("expected a table such as { name = \"bifrost-published\" }")
                };
                (named.ok_or_else(missing)?, at.key("name"), &knobs[..])
            }
        };
        let spec = known.iter().find(|spec| spec.name == name).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|spec| spec.name).collect();
            Problem::new(name_at, format!("there is no policy `{name}`"))
                .expected("expected a policy such as \"bifrost-published\"")
                .help(suggest::help(name, &names))
        })?;
        let mut settings = spec.settings();
        for (key, knob) in knobs.iter().filter(|(key, _)| key != "name") {
            turn(&mut settings, &at.key(key), key, knob)?;
        }
        Ok(PolicyChoice { spec, settings })
    }

    /// Builds the policy once: parameters that are fine one by one may contradict each other.
    pub(crate) fn check(&self, at: &At, choice: &PolicyChoice, pool: &Pool) -> Result<(), Problem> {
        let Err(why) = choice.spec.make(&choice.settings, pool, Time::ZERO, 0) else {
            return Ok(());
        };
        // Such a message names the parameters that it is about; one of them may be the file's.
        let own = why.split('`').skip(1).step_by(2).find_map(|id| self.place(at, id));
        Err(Problem::new(own.unwrap_or_else(|| at.clone()), format!("`{at}`: {why}"))
            .expected("cannot be together with the policy's other parameters")
            .help(format!("see `windtunnel list parameters --policy {}`", choice.spec.name)))
    }

    /// Where the file itself sets a parameter.
    fn place(&self, at: &At, id: &str) -> Option<At> {
        match self {
            Self::Name(_) => None,
            Self::Table(knobs) => place(knobs, at, id),
        }
    }
}

fn place(knobs: &[(String, Knob)], at: &At, id: &str) -> Option<At> {
    knobs.iter().find_map(|(key, knob)| match knob {
        Knob::Value(_) => (key == id).then(|| at.key(key)),
        Knob::Table(knobs) => {
            let rest = id.strip_prefix(key.as_str())?.strip_prefix('.')?;
            place(knobs, &at.key(key), rest)
        }
    })
}

/// Sets one knob, or all of a nested table under its dotted name.
fn turn(settings: &mut Settings, at: &At, id: &str, knob: &Knob) -> Result<(), Problem> {
    let text = match knob {
        Knob::Value(text) => text,
        Knob::Table(knobs) => {
            return knobs.iter().try_for_each(|(key, knob)| {
                turn(settings, &at.key(key), &format!("{id}.{key}"), knob)
            });
        }
    };
    let Some(param) = settings.param(id) else {
        let ids: Vec<_> = settings.table().iter().map(|param| param.id).collect();
        return Err(Problem::new(
            at.clone(),
            format!("`{at}`: the policy has no parameter `{id}`"),
        )
        .expected("not a parameter of this policy")
        .help(suggest::help(id, &ids)));
    };
    let refuse = |error: &ParamError| {
        Problem::new(at.clone(), error.to_string())
            .expected(format!("expected {}", param.unit.example()))
            .help(format!(
                "{} to {}, default {}: {}",
                param.show(param.min),
                param.show(param.max),
                param.show(param.default),
                param.doc
            ))
    };
    let value = param.parse(text).map_err(|error| refuse(&error))?;
    settings.set(id, value).map_err(|error| refuse(&error))
}

impl<'de> Deserialize<'de> for PolicyFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(
            match from.deserialize_any(KnobVisitor(
                "a policy such as \"bifrost-published\" or { name = \"…\", … }",
            ))? {
                Knob::Value(name) => Self::Name(name),
                Knob::Table(knobs) => Self::Table(knobs),
            },
        )
    }
}

impl<'de> Deserialize<'de> for Knob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KnobVisitor("a value such as \"5s\", \"2%\", 0.5 or true"))
    }
}

/// Reads a knob; holds what was expected.
struct KnobVisitor(&'static str);

impl<'de> Visitor<'de> for KnobVisitor {
    type Value = Knob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Knob, E> {
        Ok(Knob::Value(text.to_owned()))
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Knob, E> {
        Ok(Knob::Value(whole.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Knob, E> {
        Ok(Knob::Value(number.to_string()))
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Knob, E> {
        Ok(Knob::Value(on.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Knob, A::Error> {
        let mut knobs = Vec::new();
        while let Some(knob) = map.next_entry()? {
            knobs.push(knob);
        }
        Ok(Knob::Table(knobs))
    }
}

impl JsonSchema for PolicyFile {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A policy's name, or a table with its name and parameters.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "name": { "type": "string" } },
                    "required": ["name"],
                },
            ],
        })
    }
}
