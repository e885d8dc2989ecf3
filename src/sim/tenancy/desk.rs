//! The desk that every request of a governed world passes.

use crate::engine::luck::{mix, name, unit};
use crate::engine::{Outcome, Time};
use crate::governance::{
    Denial, Eligible, Hold, Kind, Ledger, NanoUsd, Need, Reading, Reason, Spent, Whose, draw,
};
use crate::metrics::recorder::Verdict;
use crate::metrics::{DENIALS, TenantTape};
use crate::policy::{Pool, SetId};
use crate::sim::Breach;

use super::plan::Tenancy;

const WHOSE: u64 = name("tenant");
const KEY: u64 = name("virtual key");
const DRAW: u64 = name("provider weights");

/// A request, as far as the desk has to know it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Asker {
    pub(in crate::sim) luck: u64,
    pub(in crate::sim) class: u16,
    pub(in crate::sim) model: u16,
    pub(in crate::sim) prompt: u32,
    pub(in crate::sim) max_tokens: u32,
}

/// What an attempt used.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Used {
    pub(in crate::sim) outcome: Outcome,
    pub(in crate::sim) prompt: u32,
    pub(in crate::sim) output: u32,
    pub(in crate::sim) cost: u64,
    /// Whether its request is measured.
    pub(in crate::sim) is_measured: bool,
}

/// Governance in one node.
#[derive(Debug)]
pub(in crate::sim) struct Desk<'a> {
    tenancy: &'a Tenancy,
    ledger: Ledger,
    /// By class: the tenants that its requests may be of, with running sums of their shares.
    of_class: Vec<Vec<(u16, f64)>>,
    /// By tenant: running sums of its keys' shares; empty for one key.
    keys: Vec<Vec<f64>>,
    /// By provider and model, the dearest price of a million tokens: prompt, output.
    prices: Vec<(u64, u64)>,
    models: usize,
    /// By slot of a request: its attempt's hold.
    holds: Vec<u64>,
    /// Whether the policy weighs providers itself.
    ranks: bool,
    tapes: Vec<TenantTape>,
    /// Attempts that a policy sent where they may not go.
    outside: u64,
    bin_ns: u64,
    /// The end of the measured time, and how limits stood then.
    horizon: Time,
    at_horizon: Option<Vec<Reading>>,
}

impl<'a> Desk<'a> {
    pub(in crate::sim) fn new(
        tenancy: &'a Tenancy,
        pool: &Pool,
        classes: usize,
        ranks: bool,
        (bins, bin_ns): (usize, u64),
        horizon: Time,
    ) -> Self {
        let ledger = Ledger::new(&tenancy.plan).expect("the scenario has checked its plan");
        let of_class = (0..classes as u16).map(|class| whose(tenancy, class)).collect();
        let models = pool.models.len();
        let mut prices = vec![(0, 0); pool.providers.len() * models];
        for route in &pool.routes {
            let at = usize::from(route.provider.0) * models + usize::from(route.model.0);
            let (prompt, output) = &mut prices[at];
            *prompt = route.price_prompt.max(*prompt);
            *output = route.price_output.max(*output);
        }
        let tape = |name: &String| TenantTape::new(name.clone(), bins);
        Self {
            ledger,
            of_class,
            keys: tenancy
                .tenants
                .iter()
                .map(|tenant| shares(tenant.keys.len(), tenant.skew))
                .collect(),
            prices,
            models,
            holds: Vec::new(),
            ranks,
            tapes: tenancy.tenants.iter().map(|tenant| tape(&tenant.name)).collect(),
            outside: 0,
            bin_ns,
            horizon,
            at_horizon: None,
            tenancy,
        }
    }

    /// The tenant of a request and its key: a function of the request's luck alone.
    pub(in crate::sim) fn who(&self, luck: u64, class: u16) -> (usize, u32) {
        let of = &self.of_class[usize::from(class)];
        let at = unit(mix(luck, WHOSE));
        let tenant = usize::from(of[of.partition_point(|(_, sum)| *sum <= at).min(of.len() - 1)].0);
        let sums = &self.keys[tenant];
        let at = unit(mix(luck, KEY));
        let key = sums.partition_point(|sum| *sum <= at).min(sums.len().saturating_sub(1));
        (tenant, self.tenancy.tenants[tenant].keys.start + key as u32)
    }

    /// A measured request arrived.
    pub(in crate::sim) fn offered(&mut self, now: Time, luck: u64, class: u16) {
        let (tenant, _) = self.who(luck, class);
        let bin = (now.0 / self.bin_ns) as usize;
        let tape = &mut self.tapes[tenant];
        tape.offered += 1;
        tape.bins[bin].0 += 1;
    }

    /// A measured request has its result.
    pub(in crate::sim) fn finished(
        &mut self,
        arrived: Time,
        luck: u64,
        class: u16,
        verdict: Verdict,
    ) {
        let (tenant, _) = self.who(luck, class);
        let bin = (arrived.0 / self.bin_ns) as usize;
        let tape = &mut self.tapes[tenant];
        match verdict {
            Verdict::Good => {
                tape.good += 1;
                tape.bins[bin].1 += 1;
            }
            Verdict::Late => tape.late += 1,
            Verdict::Failed | Verdict::Shed => tape.failed += 1,
        }
    }

    /// What a request may use now; `first` says that nothing of it was sent yet.
    pub(in crate::sim) fn admit(
        &mut self,
        now: Time,
        asker: &Asker,
        first: bool,
    ) -> Result<SetId, Denial> {
        self.look(now);
        let (at, key) = self.who(asker.luck, asker.class);
        let tenant = &self.tenancy.tenants[at];
        let configs = &self.tenancy.plan.keys[key as usize].configs;
        let (prices, models) = (&self.prices, self.models);
        let need = |config: usize| {
            let provider = usize::from(configs[config].provider);
            need(prices[provider * models + usize::from(asker.model)], asker)
        };
        let eligible = self.ledger.admit(now, key, asker.model, need)?;
        if first && tenant.draws && !self.ranks {
            let drawn = draw(configs, eligible, mix(asker.luck, DRAW));
            return drawn.map(|drawn| tenant.set(Eligible(1 << drawn))).ok_or(Denial {
                reason: Reason::ProviderBlocked,
                whose: Some(Whose::Key(key)),
                until: None,
            });
        }
        Ok(tenant.set(eligible))
    }

    /// A refusal, counted by its reason.
    pub(in crate::sim) fn denied(&mut self, luck: u64, class: u16, denial: &Denial) {
        let (tenant, _) = self.who(luck, class);
        let reason = DENIALS.iter().position(|name| *name == denial.reason.name());
        self.tapes[tenant].denied[reason.expect("every reason has a place")] += 1;
    }

    /// An attempt is sent to a provider.
    pub(in crate::sim) fn reserve(&mut self, now: Time, slot: u32, asker: &Asker, provider: u16) {
        let (at, key) = self.who(asker.luck, asker.class);
        let slot = slot as usize;
        if self.holds.len() <= slot {
            self.holds.resize(slot + 1, u64::MAX);
        }
        let config = self.tenancy.tenants[at].configs[usize::from(provider)];
        let price = self.prices[usize::from(provider) * self.models + usize::from(asker.model)];
        self.look(now);
        let hold = config.and_then(|config| {
            let need = need(price, asker);
            self.ledger.reserve(now, key, usize::from(config), asker.model, &need).ok()
        });
        self.outside += u64::from(hold.is_none());
        self.holds[slot] = hold.map_or(u64::MAX, Hold::to_word);
    }

    /// An attempt ended.
    pub(in crate::sim) fn settle(
        &mut self,
        now: Time,
        slot: u32,
        luck: u64,
        class: u16,
        used: &Used,
    ) {
        self.look(now);
        let (tenant, _) = self.who(luck, class);
        let answered = used.output > 0
            || matches!(used.outcome, Outcome::Done { .. } | Outcome::StreamBroken { .. });
        let tokens = if answered { u64::from(used.prompt) + u64::from(used.output) } else { 0 };
        let spent = Spent { tokens, cost: NanoUsd(used.cost), succeeded: used.outcome.is_done() };
        let hold = Hold::from_word(self.holds[slot as usize]);
        self.ledger.settle(now, hold, &spent);
        let tape = &mut self.tapes[tenant];
        if used.is_measured {
            tape.tokens += tokens;
            tape.cost_nano_usd += used.cost;
        }
    }

    /// Notes how limits stand when the measured time is over; the world goes on for a while.
    #[inline]
    fn look(&mut self, now: Time) {
        if now >= self.horizon && self.at_horizon.is_none() {
            let last = Time(self.horizon.0.saturating_sub(1));
            self.at_horizon = Some(self.ledger.readings(last).collect());
        }
    }

    /// How limits stand, and how many attempts are counted and not settled.
    pub(in crate::sim) fn standing(&mut self, now: Time) -> (Vec<Reading>, usize) {
        self.look(now);
        (self.ledger.readings(now).collect(), self.ledger.open().count())
    }

    /// # Errors
    /// [`Breach`] if a policy sent something where it may not go.
    pub(in crate::sim) fn check(&self) -> Result<(), Breach> {
        match self.outside {
            0 => Ok(()),
            n => Err(Breach { what: format!("{n} attempts went where their tenant may not go") }),
        }
    }

    /// What is left of each tenant, when the run is over: its own limits, at all levels below the team.
    pub(in crate::sim) fn finish(mut self) -> Vec<TenantTape> {
        self.look(self.horizon);
        let readings = self.at_horizon.unwrap_or_default();
        for (tape, tenant) in self.tapes.iter_mut().zip(&self.tenancy.tenants) {
            let team =
                match self.tenancy.plan.keys.get(tenant.keys.start as usize).map(|key| key.owner) {
                    Some(crate::governance::Owner::Team(team)) => Some(team),
                    _ => None,
                };
            for of in &readings {
                let is_own = match of.whose {
                    Whose::Key(key) | Whose::Config(key, _) => tenant.keys.contains(&key),
                    Whose::Team(of) => Some(of) == team,
                    _ => false,
                };
                match of.kind {
                    _ if !is_own => {}
                    Kind::Budget => {
                        tape.budget_nano_usd += of.max;
                        tape.over_nano_usd += of.over;
                        tape.used_nano_usd += of.used;
                    }
                    Kind::Tokens => tape.over_tokens += of.over,
                    Kind::Requests => {}
                }
            }
        }
        self.tapes
    }
}

/// The most that a request may use at these prices.
fn need((prompt_price, output_price): (u64, u64), asker: &Asker) -> Need {
    let (prompt, output) = (u128::from(asker.prompt), u128::from(asker.max_tokens));
    let cost = prompt * u128::from(prompt_price) + output * u128::from(output_price);
    let cost = u64::try_from(cost.div_ceil(1_000_000)).unwrap_or(u64::MAX);
    Need { tokens: u64::from(asker.prompt) + u64::from(asker.max_tokens), cost: NanoUsd(cost) }
}

/// The tenants that requests of a class may be of.
fn whose(tenancy: &Tenancy, class: u16) -> Vec<(u16, f64)> {
    let tenants = || tenancy.tenants.iter().enumerate();
    let own: Vec<_> = tenants().filter(|(_, tenant)| tenant.class == Some(class)).collect();
    let of = if own.is_empty() {
        tenants().filter(|(_, tenant)| tenant.class.is_none()).collect()
    } else {
        own
    };
    let total: f64 = of.iter().map(|(_, tenant)| tenant.share).sum();
    let mut sum = 0.0;
    of.into_iter()
        .map(|(at, tenant)| {
            sum += tenant.share / total;
            (at as u16, sum)
        })
        .collect()
}

/// Running sums of so many shares, the n-th of them 1/n to the power of `skew`.
fn shares(keys: usize, skew: f64) -> Vec<f64> {
    if keys <= 1 {
        return Vec::new();
    }
    let share = |n: usize| libm::pow(n as f64, -skew);
    let total: f64 = (1..=keys).map(share).sum();
    let mut sum = 0.0;
    (1..=keys)
        .map(|n| {
            sum += share(n) / total;
            sum
        })
        .collect()
}
