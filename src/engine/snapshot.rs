//! The immutable picture that deciding threads read, published whole by a pointer swap.

use super::health::Health;
use super::identity::{Need, ProviderKey};
use super::params::Params;
use super::score::Parts;
use super::select::{Odds, Table};
use super::time::Time;

/// What was last computed for all routes.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// By model.
    pub(crate) models: Vec<Tables>,
    /// By allowed list, then by model.
    pub(crate) allowed: Vec<Vec<Table>>,
    /// By slot.
    pub(crate) rows: Vec<Row>,
    /// Held routes, with the moment a check is due.
    pub(crate) checks: Vec<Check>,
    /// The parameters in force.
    pub(crate) params: Params,
}

/// The tables of one model.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Over all providers: both levels folded into one table.
    pub(crate) all: Table,
    /// Per provider (ascending), for pinned requests.
    pub(crate) pinned: Vec<(ProviderKey, Table)>,
    /// Providers with their weight and whether they are Failed, best first.
    pub(crate) ranked: Vec<(ProviderKey, f64, bool)>,
}

/// One route as last computed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    pub(crate) active: bool,
    pub(crate) generation: u32,
    pub(crate) provider: u32,
    pub(crate) model: u32,
    /// Hash of provider and key: what a whole-key refusal concerns.
    pub(crate) account: u64,
    pub(crate) health: Health,
    pub(crate) weight: f64,
    pub(crate) parts: Parts,
    /// Probability within its model, over all providers.
    pub(crate) odds: Odds,
    /// Until when it is excluded.
    pub(crate) until: Time,
}

/// A held route whose check is due at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) slot: u32,
    pub(crate) due: Time,
}

impl Snapshot {
    /// The table for a need, and the provider that it must be filtered by (where no table was compiled for
    /// the combination).
    pub(crate) fn table(&self, need: &Need<'_>) -> Option<(&Table, Option<ProviderKey>)> {
        let model = need.model.0 as usize;
        if let Some(allowed) = need.allowed {
            let table = self.allowed.get(allowed.0 as usize)?.get(model)?;
            return Some((table, need.provider));
        }
        let tables = self.models.get(model)?;
        match need.provider {
            None => Some((&tables.all, None)),
            Some(provider) => {
                let at = tables.pinned.binary_search_by_key(&provider, |(p, _)| *p).ok()?;
                Some((&tables.pinned[at].1, None))
            }
        }
    }
}
