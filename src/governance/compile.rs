//! A plan becomes lists of meters: for every virtual key, provider configuration and model, which limits a
//! request meets.
//!
//! What all configurations of a key share (the key's limits, its team's, its customer's, the model's) is one
//! list, what belongs to one provider another, so that a request checks what is shared once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::clock::Clock;
use super::counts::Counts;
use super::hold::Holds;
use super::ledger::Ledger;
use super::limit::{Kind, Limit};
use super::meter::{Meter, Term};
use super::plan::{Owner, Plan, PlanError, ProviderConfig, Scope, VirtualKey, Whose};
use super::window::Window;

/// A virtual key, as a request meets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Index of its first configuration among all.
    pub(super) first: u32,
    pub(super) configs: u32,
    pub(super) active: bool,
    /// Nanoseconds since 1970.
    pub(super) expires: u64,
}

/// What a request of one key for one model meets at one provider.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    pub(super) own: (u32, u32),
    pub(super) shared: (u32, u32),
    pub(super) allowed: bool,
}

/// All lists of meters, behind each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    pub(super) meters: Vec<u32>,
    pub(super) paths: Vec<Path>,
    /// By limit, its clock.
    pub(super) clocks: Vec<u32>,
    /// By clock, its limits.
    pub(super) limits: Vec<Vec<u32>>,
}

impl Path {
    pub(super) const fn shared(&self) -> Range<usize> {
        self.shared.0 as usize..self.shared.1 as usize
    }

    pub(super) const fn own(&self) -> Range<usize> {
        self.own.0 as usize..self.own.1 as usize
    }
}

/// Most configurations of one key: they are a set of bits.
const CONFIGS_MAX: usize = 64;

impl Ledger {
    /// A ledger that counts from [`Time::ZERO`](crate::engine::Time::ZERO) on.
    ///
    /// # Errors
    /// [`PlanError`] if the plan points outside itself, names a provider twice in one key or has a window that
    /// cannot be.
    pub fn new(plan: &Plan) -> Result<Self, PlanError> {
        check(plan)?;
        let epoch = plan.epoch.saturating_mul(1_000_000_000);
        let mut build = Build {
            plan,
            epoch,
            counts: Counts::default(),
            terms: Vec::new(),
            clocks: BTreeMap::new(),
        };
        let of_customers = build.all(&plan.customers, |(_, limits)| limits, Whose::Customer);
        let of_teams = build.all(&plan.teams, |team| &team.limits, Whose::Team);
        let of_keys = build.all(&plan.keys, |key| &key.limits, Whose::Key);
        let of_providers: Vec<(u16, u32)> = (plan.provider_limits.iter())
            .map(|(provider, limit)| (*provider, build.add(limit, Whose::Provider(*provider))))
            .collect();
        let of_models: Vec<u32> = (plan.model_limits.iter())
            .map(|of| build.add(&of.limit, Whose::Model(of.scope, of.model, of.provider)))
            .collect();
        let mut lists = Lists::default();
        let mut keys = Vec::with_capacity(plan.keys.len());
        let mut first = 0;
        for (at, key) in plan.keys.iter().enumerate() {
            let mut owners = vec![of_keys[at].clone()];
            if let Owner::Team(team) = key.owner {
                owners.push(of_teams[team as usize].clone());
            }
            if let Some(customer) = customer(plan, key) {
                owners.push(of_customers[customer as usize].clone());
            }
            let owners: Vec<u32> = owners.into_iter().flatten().collect();
            build.paths(&mut lists, at as u32, &owners, &of_providers, &of_models);
            let configs = key.configs.len() as u32;
            let expires = key.expires.map_or(u64::MAX, |at| epoch.saturating_add(at.0));
            keys.push(Key { first, configs, active: key.active, expires });
            first += configs;
        }
        lists.clocks = build.counts.meters.iter().map(|meter| meter.clock() as u32).collect();
        lists.limits = vec![Vec::new(); build.counts.clocks.len()];
        for (limit, clock) in lists.clocks.iter().enumerate() {
            lists.limits[*clock as usize].push(limit as u32);
        }
        Ok(Self {
            counts: build.counts,
            terms: build.terms.into(),
            lists: Arc::new(lists),
            keys: keys.into(),
            models: plan.models.len() as u32,
            reserving: plan.charging == super::plan::Charging::Reserved,
            epoch,
            latest: epoch,
            holds: Holds::default(),
            peers: Vec::new(),
        })
    }
}

/// The customer that a key belongs to, directly or through its team.
fn customer(plan: &Plan, key: &VirtualKey) -> Option<u32> {
    match key.owner {
        Owner::Nobody => None,
        Owner::Customer(customer) => Some(customer),
        Owner::Team(team) => plan.teams[team as usize].customer,
    }
}

struct Build<'a> {
    plan: &'a Plan,
    epoch: u64,
    counts: Counts,
    terms: Vec<Term>,
    /// The place of each clock, by its window and anchor.
    clocks: BTreeMap<(Window, u64), usize>,
}

impl Build<'_> {
    fn add(&mut self, limit: &Limit, whose: Whose) -> u32 {
        let anchor = self.epoch.saturating_sub(limit.running.0);
        let counts = &mut self.counts;
        let clock = *(self.clocks.entry((limit.window, anchor)))
            .or_insert_with(|| counts.add_clock(Clock::new(limit.window, anchor, self.epoch)));
        counts.add(Meter::new(limit.kind, clock, limit.max, limit.used));
        let rank = rank(whose, limit.kind);
        self.terms.push(Term { whose, window: limit.window, rank });
        self.terms.len() as u32 - 1
    }

    /// The meters of each of a list of owners.
    fn all<T>(
        &mut self,
        owners: &[T],
        limits: impl Fn(&T) -> &Vec<Limit>,
        whose: impl Fn(u32) -> Whose,
    ) -> Vec<Vec<u32>> {
        let mut all = Vec::with_capacity(owners.len());
        for (at, owner) in owners.iter().enumerate() {
            let add = |limit: &Limit| self.add(limit, whose(at as u32));
            all.push(limits(owner).iter().map(add).collect());
        }
        all
    }

    fn paths(
        &mut self,
        lists: &mut Lists,
        key: u32,
        owners: &[u32],
        of_providers: &[(u16, u32)],
        of_models: &[u32],
    ) {
        let plan = self.plan;
        let models = plan.models.len() as u16;
        let concerns = |model: u16, provider: Option<u16>| {
            let meters = plan.model_limits.iter().zip(of_models);
            meters.filter_map(move |(of, meter)| {
                let scope = of.scope == Scope::Global || of.scope == Scope::Key(key);
                let model = of.model.is_none_or(|of| of == model);
                (scope && model && of.provider == provider).then_some(*meter)
            })
        };
        let shared: Vec<(u32, u32)> = (0..models)
            .map(|model| lists.list(owners.iter().copied().chain(concerns(model, None))))
            .collect();
        for config in &plan.keys[key as usize].configs {
            let whose = Whose::Config(key, config.provider);
            let own: Vec<u32> = config.limits.iter().map(|limit| self.add(limit, whose)).collect();
            let everybody = || {
                let here = of_providers.iter().filter(|(provider, _)| *provider == config.provider);
                here.map(|(_, meter)| *meter)
            };
            for (model, shared) in (0..models).zip(&shared) {
                let of_model = concerns(model, Some(config.provider));
                let own = lists.list(own.iter().copied().chain(everybody()).chain(of_model));
                let allowed = serves(config, model);
                lists.paths.push(Path { own, shared: *shared, allowed });
            }
        }
    }
}

impl Lists {
    /// Adds a list and gives where it stands; one like the last is not written twice.
    fn list(&mut self, meters: impl Iterator<Item = u32>) -> (u32, u32) {
        let from = self.meters.len();
        self.meters.extend(meters);
        let length = self.meters.len() - from;
        if length <= from && self.meters[from - length..from] == self.meters[from..] {
            self.meters.truncate(from);
            return ((from - length) as u32, from as u32);
        }
        (from as u32, self.meters.len() as u32)
    }
}

/// Whether a configuration allows a model.
fn serves(config: &ProviderConfig, model: u16) -> bool {
    config.models.has(&model) && !config.blacklist.contains(&model)
}

/// The documented order of checks: what concerns everybody, then rates from the provider configuration up to
/// the customer, then budgets in the same order, then a key's limits of models.
const fn rank(whose: Whose, kind: Kind) -> u8 {
    let budget = matches!(kind, Kind::Budget);
    match whose {
        Whose::Provider(_) => budget as u8,
        Whose::Model(Scope::Global, ..) => 2 + budget as u8,
        Whose::Config(..) => 4 + 4 * budget as u8,
        Whose::Key(_) => 5 + 4 * budget as u8,
        Whose::Team(_) => 6 + 4 * budget as u8,
        Whose::Customer(_) => 7 + 4 * budget as u8,
        Whose::Model(Scope::Key(_), ..) => 12,
    }
}

fn check(plan: &Plan) -> Result<(), PlanError> {
    let wrong = |what: String| Err(PlanError(what));
    let (providers, models) = (plan.providers.len(), plan.models.len());
    let known = |provider: u16| usize::from(provider) < providers;
    let is_model = |model: &u16| usize::from(*model) < models;
    for team in &plan.teams {
        if team.customer.is_some_and(|customer| customer as usize >= plan.customers.len()) {
            return wrong(format!(
                "team `{}` belongs to a customer that does not exist",
                team.name
            ));
        }
    }
    for key in &plan.keys {
        let name = &key.name;
        let exists = match key.owner {
            Owner::Nobody => true,
            Owner::Team(team) => (team as usize) < plan.teams.len(),
            Owner::Customer(customer) => (customer as usize) < plan.customers.len(),
        };
        if !exists {
            return wrong(format!("key `{name}` belongs to somebody who does not exist"));
        }
        if key.configs.len() > CONFIGS_MAX {
            return wrong(format!(
                "key `{name}` has more than {CONFIGS_MAX} provider configurations"
            ));
        }
        for (at, config) in key.configs.iter().enumerate() {
            let twice = key.configs[..at].iter().any(|other| other.provider == config.provider);
            let listed: &[u16] = match &config.models {
                super::plan::List::All => &[],
                super::plan::List::Only(list) => list,
            };
            let mut named = listed.iter().chain(&config.blacklist);
            if twice || !known(config.provider) || !named.all(is_model) {
                return wrong(format!(
                    "key `{name}` names a provider twice, or one or a model that does not exist"
                ));
            }
            if config.weight.is_some_and(|weight| !(0.0..1e9).contains(&weight)) {
                return wrong(format!("key `{name}` has a weight that is not from 0 to a billion"));
            }
        }
    }
    for of in &plan.model_limits {
        let exists = match of.scope {
            Scope::Global => true,
            Scope::Key(key) => (key as usize) < plan.keys.len(),
        };
        if !exists || !of.model.iter().all(is_model) || !of.provider.is_none_or(known) {
            return wrong("a limit of a model names what does not exist".to_owned());
        }
    }
    if plan.provider_limits.iter().any(|(provider, _)| !known(*provider)) {
        return wrong("a limit names a provider that does not exist".to_owned());
    }
    let customers = plan.customers.iter().flat_map(|(_, limits)| limits);
    let teams = plan.teams.iter().flat_map(|team| &team.limits);
    let configs = plan.keys.iter().flat_map(|key| &key.configs).flat_map(|config| &config.limits);
    let keys = plan.keys.iter().flat_map(|key| &key.limits);
    let everybody = plan.provider_limits.iter().map(|(_, limit)| limit);
    let of_models = plan.model_limits.iter().map(|of| &of.limit);
    let mut all =
        customers.chain(teams).chain(configs).chain(keys).chain(everybody).chain(of_models);
    all.try_for_each(Limit::check).map_err(PlanError)
}
