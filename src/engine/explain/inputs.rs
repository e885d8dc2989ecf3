//! What a decision hangs on, noted as plain data.

use crate::engine::balancer::Engine;
use crate::engine::choice::{Field, Tables};
use crate::engine::health::{Health, Reason};
use crate::engine::hold::Hold;
use crate::engine::identity::{Need, RouteKey};
use crate::engine::params::Params;
use crate::engine::score::Parts;
use crate::engine::select::{Direction, Key, Odds, Table, of_directions, of_keys};
use crate::engine::snapshot::Check;
use crate::engine::time::{Span, Time};
use crate::engine::window::Tally;

/// Everything that one decision hangs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// When.
    pub at: Time,
    /// The random word.
    pub luck: u64,
    /// Index of the provider that the need is pinned to.
    pub pinned: Option<usize>,
    /// Whether only some routes are allowed ([`RouteInput::allowed`]).
    pub listed: bool,
    /// The parameters in force.
    pub params: Params,
    /// The providers of the model.
    pub providers: Vec<ProviderInput>,
    /// All active routes of the model, in the engine's order.
    pub routes: Vec<RouteInput>,
}

/// A provider for the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderInput {
    /// Its name.
    pub name: String,
    /// Its weight at level 1.
    pub weight: f64,
    /// The parts of its score.
    pub parts: Parts,
}

/// A route: what its weight and its exclusion hang on, and (for readers) where those come from.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteInput {
    /// Its key.
    pub key: RouteKey,
    /// `provider:model/key`.
    pub name: String,
    /// Index into [`Inputs::providers`].
    pub provider: usize,
    /// Its weight at level 2.
    pub weight: f64,
    /// Its weight where adaptive selection of keys is off.
    pub static_weight: f64,
    /// The parts of its score.
    pub parts: Parts,
    /// Its state.
    pub health: Health,
    /// Since when.
    pub since: Time,
    /// Why it entered it; `None` if it was always in it.
    pub why: Option<Reason>,
    /// Its hold.
    pub hold: Option<Hold>,
    /// Not to be used before.
    pub excluded_until: Time,
    /// Whether its key is held now, also where no tick has seen the refusal yet.
    pub refused: bool,
    /// When it may be used again at the soonest.
    pub ends: Time,
    /// Whether its check waits to be taken.
    pub check_waits: bool,
    /// Whether the request has tried it.
    pub tried: bool,
    /// Whether the need allows it.
    pub allowed: bool,
    /// What its score and state were computed from.
    pub seen: Windowed,
}

/// Counts that scores and states are computed from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Windowed {
    /// What the state goes by: the state window, or since Recovering began.
    pub state: Tally,
    /// The window of the momentum bonus.
    pub momentum: Tally,
    /// The short window of the error penalty.
    pub short: Tally,
    /// The long one.
    pub long: Tally,
    /// The whole past.
    pub all: Tally,
    /// How long ago the last error was.
    pub since_error: Option<Span>,
    /// Attempts begun over the state window, and how many were to be expected.
    pub actual: f64,
    /// See `actual`.
    pub expected: f64,
}

impl Inputs {
    /// Notes them from an engine.
    pub(super) fn note(engine: &Engine, now: Time, need: &Need<'_>, luck: u64) -> Self {
        let control = engine.control.lock().expect("no holder of this lock panics");
        let snapshot = engine.snapshot.load();
        let params = snapshot.params.clone();
        let mut inputs = Self {
            at: now,
            luck,
            pinned: None,
            listed: need.allowed.is_some(),
            params,
            providers: Vec::new(),
            routes: Vec::new(),
        };
        let Some(tables) = snapshot.models.get(need.model.0 as usize) else { return inputs };
        let allowed = need.allowed.map(|list| {
            let tables = snapshot.allowed.get(list.0 as usize);
            tables.and_then(|tables| tables.get(need.model.0 as usize))
        });
        let mut sides: Vec<_> = tables.ranked.iter().collect();
        sides.sort_unstable_by_key(|side| side.provider);
        inputs.pinned = need.provider.map(|pinned| {
            let known = sides.iter().position(|side| side.provider == pinned);
            known.unwrap_or(usize::MAX)
        });
        inputs.providers = (sides.iter())
            .map(|side| ProviderInput {
                name: control.providers[side.provider.0 as usize].clone(),
                weight: side.weight,
                parts: side.parts,
            })
            .collect();
        for &slot in &tables.all.members {
            let (row, track) = (&snapshot.rows[slot as usize], &control.tracks[slot as usize]);
            let (gate, shared) = (engine.board.gates.get(slot), engine.board.shared.get(slot));
            let merged = control.peers.merge(track, shared, now, &snapshot.params);
            let (actual, expected) = track.traffic();
            let provider = sides.iter().position(|side| side.provider.0 == row.provider);
            let is_listed = |table: Option<&Table>| {
                table.is_some_and(|table| table.members.binary_search(&slot).is_ok())
            };
            inputs.routes.push(RouteInput {
                key: RouteKey { slot, generation: row.generation },
                name: track.name.clone(),
                provider: provider.expect("a route's provider has a weight"),
                weight: row.weight,
                static_weight: track.static_weight,
                parts: row.parts,
                health: row.health,
                since: track.since,
                why: track.why,
                hold: row.hold,
                excluded_until: gate.excluded_until(),
                refused: gate.held() != 0,
                ends: snapshot.ends(gate, slot, now),
                check_waits: shared.check.waits(),
                tried: need.tried.iter().any(|key| key.slot == slot),
                allowed: allowed.is_none_or(is_listed),
                seen: Windowed {
                    state: track.recent(),
                    momentum: merged.sums[1],
                    short: merged.sums[2],
                    long: merged.sums[3],
                    all: merged.all,
                    since_error: merged.since_error,
                    actual,
                    expected,
                },
            });
        }
        inputs
    }

    /// The table that the need draws from, over indices into `routes`, and each route's probability in it
    /// (with an allow-list: renormalised over the list; with a pinned provider: within it).
    pub(super) fn tables(&self) -> (Table, Vec<f64>) {
        let mut scratch = Vec::new();
        let level_1 = (0..self.providers.len()).map(|provider| {
            let of = || self.routes.iter().filter(move |route| route.provider == provider);
            let usable = || of().filter(|route| Key::usable(route.health, route.hold.is_some()));
            Direction {
                weight: self.providers[provider].weight,
                usable: usable().count(),
                recovering: usable().filter(|r| r.health == Health::Recovering).count(),
            }
        });
        of_directions(level_1, &self.params, &mut scratch);
        let outer = std::mem::take(&mut scratch);
        let mut odds = vec![Odds::default(); self.routes.len()];
        for (provider, outer) in outer.iter().enumerate() {
            let of = self.routes.iter().filter(|route| route.provider == provider);
            let keys = of.map(|route| Key {
                weight: route.weight,
                static_weight: route.static_weight,
                health: route.health,
                held: route.hold.is_some(),
            });
            of_keys(keys, &self.params, &mut scratch);
            let indices = (0..self.routes.len()).filter(|&i| self.routes[i].provider == provider);
            let within_only = !self.listed && self.pinned == Some(provider);
            for (index, within) in indices.zip(&scratch) {
                odds[index] = if within_only {
                    *within
                } else {
                    Odds {
                        probability: within.probability * outer.probability,
                        explores: within.explores || outer.explores,
                    }
                };
            }
        }
        let takes = |route: &RouteInput| {
            route.allowed && (self.listed || self.pinned.is_none_or(|p| p == route.provider))
        };
        let members: Vec<u32> = (self.routes.iter().enumerate())
            .filter(|(_, route)| takes(route))
            .map(|(index, _)| index as u32)
            .collect();
        let drawn: Vec<Odds> = members.iter().map(|&index| odds[index as usize]).collect();
        let total: f64 = drawn.iter().map(|odds| odds.probability).sum();
        let mut published = vec![0.0; self.routes.len()];
        for (&index, odds) in members.iter().zip(&drawn) {
            let fits = self.fits(index);
            published[index as usize] =
                if fits && total > 0.0 { odds.probability / total } else { 0.0 };
        }
        (Table::new(members, |i| drawn[i]), published)
    }

    /// Held routes by the moment a check is due.
    pub(super) fn checks(&self) -> Vec<Check> {
        let held = self.routes.iter().enumerate();
        let mut checks: Vec<Check> = held
            .filter_map(|(index, route)| Some(Check { slot: index as u32, due: route.hold?.due }))
            .collect();
        checks.sort_unstable_by_key(|check| (check.due, check.slot));
        checks
    }

    pub(super) const fn field<'a>(&self, table: &'a Table, checks: &'a [Check]) -> Tables<'a> {
        Tables { table, filtered: self.listed && self.pinned.is_some(), checks }
    }

    /// Whether a route may be used now.
    pub(super) fn admits(&self, route: &RouteInput) -> bool {
        let static_keys = self.params.switch_route_selection == 0.0;
        (route.excluded_until <= self.at || static_keys) && !route.refused
    }
}

impl Field for Inputs {
    fn tried(&self, slot: u32) -> bool {
        self.routes[slot as usize].tried
    }

    fn fits(&self, slot: u32) -> bool {
        self.pinned.is_none_or(|pinned| self.routes[slot as usize].provider == pinned)
    }

    fn admits(&self, slot: u32) -> bool {
        self.admits(&self.routes[slot as usize])
    }

    fn held(&self, slot: u32) -> bool {
        self.routes[slot as usize].refused
    }

    fn ends(&self, slot: u32) -> Time {
        self.routes[slot as usize].ends
    }

    fn claims(&self, check: &Check) -> bool {
        self.routes[check.slot as usize].check_waits
    }

    fn fails_open(&self) -> bool {
        self.params.fail_open != 0.0
    }
}
