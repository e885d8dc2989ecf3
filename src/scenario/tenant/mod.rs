//! `[tenant.NAME]`, `[team.NAME]`, `[customer.NAME]`, `[governance]`: who may use what, and how much of it.

mod build;
mod limits;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ordered::Ordered;
use super::unit::{Count, Length, Number, Written, written};
use crate::engine::Span;

pub(crate) use build::{Sets, Tables, index};
pub(crate) use limits::LimitsFile;

/// A tenant: one virtual key, or many that are alike.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantFile {
    /// Weight of this tenant among those that have no class of their own. Default 1.
    share: Option<Number>,
    /// The class whose requests are all this tenant's.
    class: Option<String>,
    /// Virtual keys. Default 1.
    keys: Option<Count>,
    /// How uneven they are: the n-th gets a share of 1/n to this power. Default 1 (Zipf); 0 = all alike.
    skew: Option<Number>,
    /// The team that it belongs to.
    team: Option<String>,
    /// The customer that it belongs to, where it has no team.
    customer: Option<String>,
    /// Limits of each of its keys.
    #[serde(default)]
    limits: LimitsFile,
    /// What it may use of each provider. Without this table: everything; a provider that is not in it may not
    /// be used.
    provider: Option<Ordered<AccessFile>>,
}

/// What a tenant may use of a provider.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessFile {
    /// Share of a weighted draw, for policies that do not weigh providers themselves; 0 = a fallback only. Where
    /// any provider of the tenant has a weight, one without is not used.
    weight: Option<Number>,
    /// Models that may be asked for. Default: all.
    models: Option<Vec<String>>,
    /// Models that may not be asked for.
    #[serde(default)]
    blacklist: Vec<String>,
    /// Keys of the provider that serve this tenant. Default: all.
    keys: Option<Vec<String>>,
    /// Limits of each of the tenant's keys at this provider.
    #[serde(default)]
    limits: LimitsFile,
}

/// A team.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamFile {
    /// The customer that it belongs to.
    customer: Option<String>,
    /// Limits over all keys of its tenants.
    #[serde(default)]
    limits: LimitsFile,
}

/// A customer.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerFile {
    /// Limits over all its teams and keys.
    #[serde(default)]
    limits: LimitsFile,
}

/// Limits for everybody, and how they count.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernanceFile {
    /// Whether tokens and money are reserved before they are spent. Default "post-paid".
    charging: Option<ChargingFile>,
    /// How often each process of the gateway tells the others what its tenants have used, or "never": then each has all
    /// of every limit for itself. Default "1s" (our choice).
    sync: Option<Sync>,
    /// How far the clocks of the gateway's processes are apart: the first is right, the last is ahead by this, the others
    /// lie evenly in between. Windows of limits begin by a process's own clock. Default "0s".
    skew: Option<Length>,
    /// Limits of providers over all tenants.
    provider: Option<Ordered<LimitsFile>>,
    /// Limits of models over all tenants.
    model: Option<Ordered<LimitsFile>>,
}

/// A length of time, or never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sync(Option<Span>);

impl Written for Sync {
    const EXPECTED: &'static str = "a length of time from \"10ms\" to \"1h\", or \"never\"";

    fn from_text(text: &str) -> Option<Self> {
        let often = Span::from_millis(10)..=Span::from_secs(3_600);
        match text {
            "never" => Some(Self(None)),
            _ => Length::from_text(text)
                .filter(|every| often.contains(&every.0))
                .map(|every| Self(Some(every.0))),
        }
    }
}

written!(Sync, {
    "type": "string",
    "description": "A length of time from 10ms to 1h, or \"never\".",
    "examples": ["1s", "never"],
});

/// When tokens and money count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ChargingFile {
    /// When they are known: what is under way may overshoot a limit, as the published gateway does.
    PostPaid,
    /// Before, as much as a request may use at most; what it did not use is given back.
    Reserved,
}
