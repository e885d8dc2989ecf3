//! `[tenant.NAME]`, `[team.NAME]`, `[customer.NAME]`, `[governance]`: who may use what, and how much of it.

mod build;
mod limits;

use schemars::JsonSchema;
use serde::Deserialize;

use super::ordered::Ordered;
use super::unit::{Count, Number};

pub(crate) use build::Tables;
use limits::LimitsFile;

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
    /// Limits of providers over all tenants.
    provider: Option<Ordered<LimitsFile>>,
    /// Limits of models over all tenants.
    model: Option<Ordered<LimitsFile>>,
}

/// When tokens and money count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ChargingFile {
    /// When they are known: what is under way may overshoot a limit, as the published gateway does.
    PostPaid,
    /// Before, as much as a request may use at most; what it did not use is given back.
    Reserved,
}
