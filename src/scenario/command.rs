//! `[[command]]`: what somebody does to the balancer while the run goes on, such as in a dashboard session.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::{Settings, Span, Time};
use crate::policy::Pool;
use crate::sim::spec::{Act, Command};

use super::at::At;
use super::error::Problem;
use super::fault::{On, routes};
use super::suggest;
use super::unit::Length;

/// Somebody does something to the balancer. Exactly one of `set` and `release`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandFile {
    /// When, after the start of the run.
    at: Length,
    /// Parameters of the policy that get other values, such as { "state.failed" = "3%" }. Policies that
    /// cannot change while they run go on as they were.
    set: Option<BTreeMap<String, Value>>,
    /// Routes whose held keys are released, as for faults: "azure", "azure/key-2", ….
    release: Option<On>,
}

/// The value of a parameter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Value {
    Text(String),
    Number(f64),
    Switch(bool),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Switch(on) => on.to_string(),
        }
    }
}

/// The commands in order of time.
pub(crate) fn commands(
    files: &[CommandFile],
    settings: &Settings,
    pool: &Pool,
    horizon: Span,
) -> Result<Vec<Command>, Problem> {
    let mut commands = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let at = At::top().key("command").item(index);
        if file.at.0 >= horizon {
            return Err(Problem::new(at.key("at"), format!("`{}` is after the run", at.key("at")))
                .expected(format!("the run ends at {horizon}")));
        }
        let act = match (&file.set, &file.release) {
            (Some(set), None) => Act::Set(values(set, settings, &at.key("set"))?),
            (None, Some(on)) => Act::Release(routes(on, None, &at.key("release"), pool)?),
            _ => {
                return Err(Problem::new(at, "a command does one thing".to_owned())
                    .expected("expected `set = { … }` or `release = \"…\"`"));
            }
        };
        commands.push(Command { at: Time::ZERO + file.at.0, act });
    }
    commands.sort_by_key(|command| command.at);
    Ok(commands)
}

fn values(
    set: &BTreeMap<String, Value>,
    settings: &Settings,
    at: &At,
) -> Result<Vec<(&'static str, f64)>, Problem> {
    set.iter()
        .map(|(id, value)| {
            let param = settings.table().iter().find(|param| param.id == id).ok_or_else(|| {
                let names: Vec<&str> = settings.table().iter().map(|param| param.id).collect();
                Problem::new(at.key(id), format!("the policy has no parameter `{id}`"))
                    .help(suggest::help(id, &names))
            })?;
            let value = param.parse(&value.text()).map_err(|error| {
                Problem::new(at.key(id), error.to_string())
                    .expected(format!("expected {}", param.unit.example()))
            })?;
            Ok((param.id, value))
        })
        .collect()
}
