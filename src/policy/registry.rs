//! The one list of policies: parsing, help, docs and tests all read it.

use crate::engine::{Param, Settings, Time, Unit};

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
    pub build: Build,
}

/// Makes a policy from its parameters, or says why they contradict each other.
pub type Build = fn(&Settings, &Pool, Time, u64) -> Result<Box<dyn Policy>, String>;

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

/// The registry as a Markdown page, `docs/policies.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Policies\n\n\
         Generated from the registry of the program; do not edit: \
         `cargo test --test it docs::renew -- --ignored` renews it.\n\n\
         A policy is one way to route. Name it in a scenario (`policy = \"NAME\"`, or \
         `policy = { name = \"NAME\", parameter = value }`), or on the command line (`--policy NAME`, \
         `--set policy.parameter=value`). *Source* says where a value or rule is written; \"our choice\" \
         means that the public text is silent.\n",
    );
    for (index, policy) in POLICIES.iter().enumerate() {
        page.push_str(&format!(
            "\n## `{}`\n\n{}\n\n- models: {}\n- source: {}\n",
            policy.name, policy.doc, policy.product, policy.source
        ));
        let same = POLICIES[..index].iter().find(|other| same_table(other, policy));
        match same {
            _ if policy.params.is_empty() => page.push_str("- parameters: none\n"),
            Some(first) => presets(&mut page, policy, first),
            None => parameters(&mut page, policy),
        }
    }
    page
}

/// Whether two policies take the same parameters.
fn same_table(one: &PolicySpec, other: &PolicySpec) -> bool {
    let ids = |spec: &PolicySpec| spec.params.iter().map(|param| param.id).collect::<Vec<_>>();
    ids(one) == ids(other)
}

/// The parameters that differ from those of a policy with the same table.
fn presets(page: &mut String, policy: &PolicySpec, first: &PolicySpec) {
    page.push_str(&format!("- parameters: as `{}`, but\n", first.name));
    page.push_str("\n| parameter | value | there |\n| --- | --- | --- |\n");
    let (own, there) = (policy.settings(), first.settings());
    for ((param, value), (_, other)) in own.iter().zip(there.iter()) {
        if value.to_bits() != other.to_bits() {
            let (value, other) = (param.show(value), param.show(other));
            page.push_str(&format!("| `{}` | {value} | {other} |\n", param.id));
        }
    }
}

/// All parameters of a policy at the values of its preset.
fn parameters(page: &mut String, policy: &PolicySpec) {
    page.push_str(
        "\n| parameter | value | range | meaning | source |\n| --- | --- | --- | --- | --- |\n",
    );
    for (param, value) in policy.settings().iter() {
        let range = match param.unit {
            Unit::Switch => "true, false".to_owned(),
            Unit::Choice(words) => words.join(", "),
            Unit::Ratio | Unit::Number | Unit::Count | Unit::Seconds => {
                format!("{} to {}", param.show(param.min), param.show(param.max))
            }
        };
        let value = param.show(value);
        let row = [value, range, param.doc.to_owned(), param.source.to_owned()];
        page.push_str(&format!("| `{}` | {} |\n", param.id, row.join(" | ")));
    }
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
