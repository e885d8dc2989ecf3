//! `--config FILE`: a policy and its thresholds, as `tune` writes them.

use std::path::Path;

use super::exit::Exit;
use super::fail::Failure;
use crate::engine::{Config, Settings};
use crate::policy::{POLICIES, PolicySpec, registry};
use crate::scenario::suggest;

/// What a file of thresholds says.
pub(super) struct Thresholds {
    pub(super) spec: &'static PolicySpec,
    pub(super) settings: Settings,
    values: Vec<(String, String)>,
}

/// Reads a file of thresholds.
pub(super) fn read(path: &Path) -> Result<Thresholds, Failure> {
    parse(path, &text(path)?)
}

/// The text of a file of thresholds.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let what = format!("cannot read {}: {error}; `tune` writes such a file", path.display());
        Failure::new(Exit::Usage, what)
    })
}

/// What a file of thresholds says, from its text.
pub(super) fn parse(path: &Path, text: &str) -> Result<Thresholds, Failure> {
    let name = path.display();
    let wrong = |what: String| Failure::new(Exit::Usage, what);
    let config = Config::parse(text).map_err(|error| wrong(format!("{name}: {error}")))?;
    let spec = registry::find(&config.policy).ok_or_else(|| {
        let names: Vec<&str> = POLICIES.iter().map(|spec| spec.name).collect();
        let help = suggest::help(&config.policy, &names);
        wrong(format!("{name}: there is no policy `{}`: {help}", config.policy))
    })?;
    let mut settings = spec.settings();
    let mut values = Vec::new();
    for entry in config.entries {
        let at = |what: String| wrong(format!("{name}: line {}: {what}", entry.line));
        let param = settings.param(&entry.id).ok_or_else(|| {
            let ids: Vec<&str> = settings.table().iter().map(|param| param.id).collect();
            at(format!("no parameter `{}`: {}", entry.id, suggest::help(&entry.id, &ids)))
        })?;
        let value = param.parse(&entry.value).map_err(|error| at(error.to_string()))?;
        settings.set(param.id, value).map_err(|error| at(error.to_string()))?;
        values.push((entry.id, entry.value));
    }
    Ok(Thresholds { spec, settings, values })
}

impl Thresholds {
    /// The same as overrides of a scenario: the policy, then its values.
    pub(super) fn sets(&self) -> Vec<String> {
        let policy = format!("policy={}", self.spec.name);
        // Text in quotes, so that nothing in a value is taken for TOML.
        let values = self.values.iter().map(|(id, value)| format!("policy.{id}=\"{value}\""));
        std::iter::once(policy).chain(values).collect()
    }
}
