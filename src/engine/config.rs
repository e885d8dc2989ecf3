//! Parameters as a file of `key = value` lines, read without a parser of TOML.
//!
//! What `windtunnel tune` writes is such a file, and TOML as well; a gateway that embeds the engine reads it back
//! with this and nothing else:
//!
//! ```
//! use windtunnel::engine::Config;
//! let text = "# thresholds\npolicy = \"windtunnel\"\nstate.failed = \"8%\"\nretry.max = 2\n";
//! let (params, rest) = Config::parse(text)?.params()?;
//! assert_eq!(params.state_failed, 0.08);
//! assert_eq!(rest[0].id, "retry.max"); // the host retries, not the engine
//! # Ok::<(), windtunnel::engine::ConfigError>(())
//! ```

use std::fmt;

use super::param::{Param, ParamError};
use super::params::{PARAMS, PRESETS, Params};

/// A file of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The preset, or policy, that the values change.
    pub policy: String,
    /// The values, in the order of the file.
    pub entries: Vec<Entry>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line, from 1.
    pub line: usize,
    /// Dotted name.
    pub id: String,
    /// Value, without its quotes.
    pub value: String,
}

/// What is wrong with which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub what: String,
}

impl Config {
    /// Reads the lines: `key = value`, text in double quotes, comments after `#`, one `policy`.
    ///
    /// # Errors
    /// [`ConfigError`] for what is no such line, a key that comes twice, or no `policy`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mut policy = None;
        let mut entries: Vec<Entry> = Vec::new();
        for (line, text) in text.lines().enumerate().map(|(index, text)| (index + 1, text.trim())) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| ConfigError { line, what: format!("{what}: `{text}`") };
            let expected = "expected a line such as state.failed = \"5%\"";
            let (id, value) = text.split_once('=').ok_or_else(|| wrong(expected))?;
            let id = id.trim();
            let value = match value.trim().strip_prefix('"') {
                Some(quoted) => {
                    quoted.split_once('"').ok_or_else(|| wrong("a quote is missing"))?.0
                }
                None => value.split('#').next().unwrap_or_default().trim(),
            };
            if id.is_empty() || value.is_empty() || id.contains(char::is_whitespace) {
                return Err(wrong(expected));
            }
            if id == "policy" && policy.is_none() {
                policy = Some(value.to_owned());
            } else if id == "policy" || entries.iter().any(|entry| entry.id == id) {
                return Err(wrong("said twice"));
            } else {
                entries.push(Entry { line, id: id.to_owned(), value: value.to_owned() });
            }
        }
        let what =
            "`policy` is missing: expected a line such as policy = \"windtunnel\"".to_owned();
        let policy = policy.ok_or(ConfigError { line: 0, what })?;
        Ok(Self { policy, entries })
    }

    /// The engine's parameters, and the lines that are not the engine's but its host's (`retry.`, `timeout.`,
    /// `fallback.`, `layer.`).
    ///
    /// # Errors
    /// [`ConfigError`] for a policy that is no preset of the engine, a name that nobody knows, an illegal value,
    /// or values that contradict each other.
    pub fn params(&self) -> Result<(Params, Vec<Entry>), ConfigError> {
        let at =
            |line: usize| move |error: ParamError| ConfigError { line, what: error.to_string() };
        let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let mut params = Params::from_preset(&self.policy).map_err(|_| ConfigError {
            line: 0,
            what: format!("the engine has no preset `{}`: {}", self.policy, presets.join(", ")),
        })?;
        let mut rest = Vec::new();
        for entry in &self.entries {
            let param: Option<&Param> = PARAMS.iter().find(|param| param.id == entry.id);
            if let Some(param) = param {
                let value = param.parse(&entry.value).map_err(at(entry.line))?;
                params.set(param.id, value).map_err(at(entry.line))?;
            } else if HOSTS.iter().any(|host| entry.id.starts_with(host)) {
                rest.push(entry.clone());
            } else {
                return Err(at(entry.line)(ParamError::Unknown { id: entry.id.clone() }));
            }
        }
        params.check().map_err(at(0))?;
        Ok((params, rest))
    }
}

/// What a host does around the engine.
const HOSTS: [&str; 4] = ["retry.", "timeout.", "fallback.", "layer."];

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let read = Config::parse(text).and_then(|config| config.params());
        read.unwrap_err().to_string()
    }

    #[test]
    fn values_are_read_in_their_units_with_or_without_quotes() {
        let text = "policy = \"bifrost-published\" # 2025\n\nstate.window = \"20s\" # two ticks\n\
                    state.min_attempts = 30\nselection.rule = \"smooth\"\n";
        let (params, rest) = Config::parse(text).unwrap().params().unwrap();
        assert_eq!((params.state_window, params.state_min_attempts), (20.0, 30.0));
        assert_eq!((params.selection_rule, params.utilization_directions), (1.0, 1.0));
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let head = "policy = \"windtunnel\"\n";
        for (text, says) in [
            ("state.failed = 3\n", "`policy` is missing"),
            ("policy = \"kong-default\"\n", "no preset `kong-default`"),
            (&format!("{head}state.faild = 3"), "line 2: no parameter `state.faild`"),
            (&format!("{head}state.failed = \"300%\""), "line 2: `state.failed` cannot be 3"),
            (&format!("{head}state.failed"), "line 2: expected a line"),
            (&format!("{head}state.failed = \"3%"), "a quote is missing"),
            (&format!("{head}interval = 5s\ninterval = 5s"), "line 3: said twice"),
            (&format!("{head}state.failed = \"1%\""), "is above `state.failed`"),
        ] {
            let error = error(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
