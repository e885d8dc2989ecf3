//! A fit put onto a scenario that is there already: the gateway and who routes stay as they are, who asks
//! and what was measured of providers comes from the log.

use std::fmt;

use thiserror::Error;
use toml_edit::{DocumentMut, Item, Table};

use super::fitted::Fitted;
use super::write::{self, Traffic};

/// Why a fit could not be put onto a scenario.
#[derive(Debug, Error)]
pub enum OntoError {
    /// The scenario is no TOML.
    #[error("not valid TOML: {0}")]
    Syntax(String),
    /// Nobody there serves what the log asks for.
    #[error(
        "none of the log's models ({asked}) is served there ({served}): rename the models of the \
         scenario, or map the log's with --map model=…"
    )]
    NoModel {
        /// What the log asks for.
        asked: String,
        /// What there is.
        served: String,
    },
}

/// What was done, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onto {
    /// The scenario.
    pub scenario: String,
    /// Providers that got what was measured.
    pub met: Vec<String>,
    /// Providers of the scenario that the log does not have.
    pub only_there: Vec<String>,
    /// Deployments of the log that the scenario does not have.
    pub only_in_log: Vec<String>,
    /// Models of the log that nobody there serves; their requests are left out.
    pub models_left_out: Vec<String>,
}

/// What a fit says of a provider.
const MEASURED: [&str; 5] = ["latency", "error_rate", "hang_rate", "tpm", "rpm"];

/// Puts a fit onto the text of a scenario.
///
/// # Errors
/// [`OntoError`].
pub fn onto(fitted: &Fitted, text: &str) -> Result<Onto, OntoError> {
    let syntax = |error: toml_edit::TomlError| OntoError::Syntax(error.message().to_owned());
    let mut there: DocumentMut = text.parse().map_err(syntax)?;
    let served = served(&there);
    let mut fitted = fitted.clone();
    let mut done = Onto::default();
    for class in &mut fitted.classes {
        let all: u64 = class.models.iter().map(|(_, count)| count).sum();
        class.models.retain(|(name, _)| {
            let is_served = served.is_empty() || served.contains(name);
            if !is_served && !done.models_left_out.contains(name) {
                done.models_left_out.push(name.clone());
            }
            is_served
        });
        // The rate is that of what is left.
        let left: u64 = class.models.iter().map(|(_, count)| count).sum();
        class.arrivals.rps *= left as f64 / all.max(1) as f64;
    }
    fitted.classes.retain(|class| !class.models.is_empty());
    if fitted.classes.is_empty() {
        let (asked, served) = (done.models_left_out.join(", "), served.join(", "));
        return Err(OntoError::NoModel { asked, served });
    }
    let new = write::scenario(&fitted, "x", "policy = \"x\"", &Traffic::Fitted, fitted.length);
    let new: DocumentMut = new.parse().map_err(syntax)?;
    // The scenario's question stands before its first key, which may go.
    let question = text.lines().take_while(|line| line.starts_with('#') || line.is_empty());
    let question: String = question.map(|line| format!("{line}\n")).collect();
    for key in ["rps", "trace", "class"] {
        there.remove(key);
    }
    if let Some(workload) = there.get_mut("workload").and_then(Item::as_table_like_mut) {
        for key in ["arrivals", "rate", "closed", "models", "prompt", "output"] {
            workload.remove(key);
        }
    }
    for key in ["duration", "start"] {
        if let Some(item) = new.get(key) {
            put(&mut there, key, item.clone());
        }
    }
    let measured = new.get("provider").and_then(Item::as_table_like);
    if let Some(providers) = there.get_mut("provider").and_then(Item::as_table_like_mut) {
        for (name, provider) in providers.iter_mut() {
            let found = measured.and_then(|measured| measured.get(name.get()));
            let (Some(provider), Some(found)) =
                (provider.as_table_like_mut(), found.and_then(Item::as_table_like))
            else {
                done.only_there.push(name.get().to_owned());
                continue;
            };
            for key in MEASURED {
                if let Some(item) = found.get(key) {
                    let value = item.clone().into_value().map_or(Item::None, Item::Value);
                    provider.insert(key, plain(value));
                }
            }
            done.met.push(name.get().to_owned());
        }
    }
    let in_log = fitted.servers.iter().map(|server| server.name.clone());
    done.only_in_log = in_log.filter(|name| !done.met.contains(name)).collect();
    let rest = there.to_string();
    let question = if rest.starts_with('#') { String::new() } else { question };
    let classes: String = fitted.classes.iter().map(write::class).collect();
    let at = rest.find("\n[provider").map_or(rest.len(), |at| at + 1);
    let (head, tail) = rest.split_at(at);
    done.scenario = format!("{question}{head}{classes}{tail}");
    Ok(done)
}

/// Without the comment that stood behind it.
fn plain(mut item: Item) -> Item {
    if let Some(value) = item.as_value_mut() {
        value.decor_mut().clear();
    }
    item
}

/// Top-level values stand before tables.
fn put(there: &mut DocumentMut, key: &str, item: Item) {
    let table: &mut Table = there.as_table_mut();
    table.insert(key, if item.is_value() { plain(item) } else { item });
}

/// The models that providers name; empty if one serves all.
fn served(there: &DocumentMut) -> Vec<String> {
    let mut models = Vec::new();
    let providers = there.get("provider").and_then(Item::as_table_like);
    for (_, provider) in providers.into_iter().flat_map(|providers| providers.iter()) {
        let list = provider.as_table_like().and_then(|provider| provider.get("models"));
        let Some(list) = list.and_then(Item::as_array) else { return Vec::new() };
        for model in list.iter().filter_map(|model| model.as_str()) {
            if !models.iter().any(|known| known == model) {
                models.push(model.to_owned());
            }
        }
    }
    models
}

impl fmt::Display for Onto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut say = |what: &str, names: &[String]| {
            if names.is_empty() { Ok(()) } else { writeln!(f, "{what:<32} {}", names.join(", ")) }
        };
        say("measured in the log", &self.met)?;
        say("not in the log, as they were", &self.only_there)?;
        say("only in the log, left out", &self.only_in_log)?;
        say("models nobody serves, left out", &self.models_left_out)
    }
}
