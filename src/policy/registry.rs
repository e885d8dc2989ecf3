//! The one list of policies: parsing, help, docs and tests all read it.

use crate::engine::{Param, Settings, Time};

use super::contract::{Policy, Pool};
use super::{adaptive, classic};

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
    /// Values that differ from the table's defaults, in the order in which they are set.
    pub preset: &'static [&'static [(&'static str, f64)]],
    /// Makes one for a gateway process. `key` seeds whatever it draws at build time.
    pub build: fn(&Settings, &Pool, Time, u64) -> Result<Box<dyn Policy>, String>,
}

/// All policies, in the order in which they are listed.
pub static POLICIES: &[PolicySpec] = &[
    adaptive::WINDTUNNEL,
    adaptive::BIFROST_PUBLISHED,
    adaptive::BIFROST_LITERAL,
    adaptive::BIFROST_2026,
    classic::random::SPEC,
];

/// The policy of this name.
pub fn find(name: &str) -> Option<&'static PolicySpec> {
    POLICIES.iter().find(|spec| spec.name == name)
}

impl PolicySpec {
    /// Its parameters at the values of its preset.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::defaults(self.params);
        for (id, value) in self.preset.iter().copied().flatten() {
            settings.set(id, *value).expect("presets are tested against their table");
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_is_listed_once_with_a_legal_preset() {
        for (i, spec) in POLICIES.iter().enumerate() {
            assert!(POLICIES[..i].iter().all(|other| other.name != spec.name), "{}", spec.name);
            let settings = spec.settings();
            let pool = Pool::default();
            assert!((spec.build)(&settings, &pool, Time::ZERO, 1).is_ok(), "{}", spec.name);
            assert!(!spec.source.is_empty() && spec.doc.ends_with('.'), "{}", spec.name);
        }
    }
}
