//! The one list of policies: parsing, help, docs and tests all read it.

use crate::engine::{Param, Settings, Time};

use super::contract::{Policy, Pool};

/// A policy as the registry knows it.
#[derive(Clone, Copy, Debug)]
pub struct PolicySpec {
    /// Name in files and on the command line.
    pub name: &'static str,
    /// Product and version that it models, or `windtunnel`.
    pub product: &'static str,
    /// Where its rule is written (vendor, page, date).
    pub source: &'static str,
    /// What it does, in a sentence or two.
    pub doc: &'static str,
    /// What it may be given.
    pub params: &'static [Param],
    /// Values that differ from the table's defaults.
    pub preset: &'static [(&'static str, f64)],
    /// Makes one for a gateway process. `key` seeds whatever it draws at build time.
    pub build: fn(&Settings, &Pool, Time, u64) -> Result<Box<dyn Policy>, String>,
}

/// All policies, in the order in which they are listed.
pub static POLICIES: &[PolicySpec] = &[];

/// The policy of this name.
pub fn find(name: &str) -> Option<&'static PolicySpec> {
    POLICIES.iter().find(|spec| spec.name == name)
}

impl PolicySpec {
    /// Its parameters at the values of its preset.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::defaults(self.params);
        for (id, value) in self.preset {
            settings.set(id, *value).expect("presets are tested against their table");
        }
        settings
    }
}
