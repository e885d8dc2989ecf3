//! Which gateway a configuration is of, and what it becomes.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::book::{Book, Line};
use super::node::Node;
use super::{bifrost, kong, litellm, write};

/// A gateway whose configuration can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// `config.yaml` of LiteLLM's proxy.
    LiteLlm,
    /// Kong's declarative YAML.
    Kong,
    /// Bifrost's `config.json`.
    Bifrost,
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LiteLlm => "LiteLLM",
            Self::Kong => "Kong",
            Self::Bifrost => "Bifrost",
        })
    }
}

/// A configuration as a scenario.
#[derive(Clone, Debug)]
pub struct Import {
    /// Whose configuration it is.
    pub gateway: Gateway,
    /// The scenario.
    pub scenario: String,
    /// What became of each key.
    pub lines: Vec<Line>,
}

/// Why a configuration could not be read. No message quotes what stands in it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ImportError {
    /// Neither YAML nor JSON.
    #[error("not valid YAML or JSON{place}: expected the configuration of a gateway")]
    Syntax {
        /// Where, if the parser says so.
        place: String,
    },
    /// Too long to be a configuration.
    #[error("longer than 16 MiB: expected the configuration of a gateway")]
    TooLong,
    /// None that is known.
    #[error(
        "not recognised: expected LiteLLM's config.yaml (with `model_list`), Kong's declarative YAML (with \
         an `ai-proxy-advanced` or `ai-proxy` plugin) or Bifrost's config.json (with `providers`)"
    )]
    Unknown,
    /// Nobody answers.
    #[error("{gateway}: no deployment that could be read: {expected}")]
    Empty {
        /// Whose.
        gateway: Gateway,
        /// What was looked for.
        expected: &'static str,
    },
}

/// Longest configuration.
const LENGTH_MAX: usize = 16 << 20;

/// Reads a configuration; `name` is what the scenario is called.
///
/// # Errors
/// [`ImportError`].
pub fn read(text: &str, name: &str) -> Result<Import, ImportError> {
    if text.len() > LENGTH_MAX {
        return Err(ImportError::TooLong);
    }
    let value = parse(text)?;
    let root = Node::root(&value);
    let gateway = recognise(&value).ok_or(ImportError::Unknown)?;
    let mut book = Book::default();
    let (mut draft, expected) = match gateway {
        Gateway::LiteLlm => {
            (litellm::read(&root, &mut book), "`model_list` with `model_name` in each element")
        }
        Gateway::Kong => {
            (kong::read(&root, &mut book), "a plugin `ai-proxy-advanced` with `targets`")
        }
        Gateway::Bifrost => (bifrost::read(&root, &mut book), "`providers` with `keys`"),
    };
    if draft.providers.is_empty() {
        return Err(ImportError::Empty { gateway, expected });
    }
    draft.keep_legal(&mut book);
    let scenario = write::scenario(&draft, gateway, name);
    Ok(Import { gateway, scenario, lines: book.lines() })
}

fn parse(text: &str) -> Result<Value, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| ImportError::Syntax {
            place: format!(" (line {}, column {})", error.line(), error.column()),
        });
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location();
        let place = place.map(|at| format!(" (line {}, column {})", at.line(), at.column()));
        ImportError::Syntax { place: place.unwrap_or_default() }
    })
}

fn recognise(value: &Value) -> Option<Gateway> {
    let object = value.as_object()?;
    if object.contains_key("model_list") {
        Some(Gateway::LiteLlm)
    } else if ["_format_version", "plugins", "services", "routes"]
        .iter()
        .any(|key| object.get(*key).is_some_and(|value| value.is_array() || value.is_string()))
    {
        Some(Gateway::Kong)
    } else if object.get("providers").is_some_and(Value::is_object) {
        Some(Gateway::Bifrost)
    } else {
        None
    }
}
