//! The immutable picture that deciding threads read, published whole by a pointer swap.

use super::cell::Gate;
use super::health::Health;
use super::hold::Hold;
use super::identity::{Need, ProviderKey};
use super::params::Params;
use super::score::Parts;
use super::select::{Odds, Table};
use super::time::{Span, Time};

/// What was last computed for all routes.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// By model.
    pub(crate) models: Vec<Tables>,
    /// By allowed list, then by model.
    pub(crate) allowed: Vec<Vec<Table>>,
    /// By slot.
    pub(crate) rows: Vec<Row>,
    /// Held routes by the moment a check is due, the soonest first.
    pub(crate) checks: Vec<Check>,
    /// Keys are drawn by their static weights, whatever their health; only holds are heeded.
    pub(crate) static_keys: bool,
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
    /// Providers, best first.
    pub(crate) ranked: Vec<Side>,
}

/// A provider for one model, as last computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) provider: ProviderKey,
    pub(crate) weight: f64,
    pub(crate) parts: Parts,
    /// None of its keys is usable.
    pub(crate) failed: bool,
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
    /// Its hold, if it is held.
    pub(crate) hold: Option<Hold>,
}

/// A held route whose check is due at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) slot: u32,
    pub(crate) due: Time,
}

impl Snapshot {
    /// Whether a route may be used now, going by what happened since the snapshot was made.
    #[inline]
    pub(crate) fn admits(&self, gate: &Gate, now: Time) -> bool {
        (gate.excluded_until() <= now || self.static_keys) && gate.held() == 0
    }

    /// When the exclusion of the route in `slot` ends; of a hold, when its check is due.
    pub(crate) fn ends(&self, gate: &Gate, slot: u32, now: Time) -> Time {
        let ends = match (gate.held() != 0, self.rows[slot as usize].hold) {
            (false, _) if self.static_keys => now,
            (false, _) => gate.excluded_until(),
            (true, Some(hold)) => hold.due,
            // The tick has not seen the refusal yet: no sooner than this.
            (true, None) => now + Span::from_secs_f64(self.params.hold_floor),
        };
        ends.max(now)
    }

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
