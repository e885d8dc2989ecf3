//! The desk that every request of a governed world passes.

use std::sync::Arc;

use crate::engine::luck::{mix, name, unit};
use crate::engine::{Outcome, Span, Time};
use crate::governance::{
    Denial, Hold, Kind, Ledger, NanoUsd, Owner, Reading, RuleScope, Spent, Usage, Whose,
};
use crate::metrics::recorder::Verdict;
use crate::metrics::{DENIALS, RuleTape, TenantTape};
use crate::policy::Pool;
use crate::sim::Breach;

use super::course::{Course, need};
use super::draw::Draw;
use super::plan::Tenancy;

const WHOSE: u64 = name("tenant");
const KEY: u64 = name("virtual key");

/// A request, as far as the desk has to know it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Asker {
    pub(in crate::sim) luck: u64,
    pub(in crate::sim) model: u16,
    pub(in crate::sim) prompt: u32,
    pub(in crate::sim) max_tokens: u32,
    pub(in crate::sim) streamed: bool,
    /// The process that it is in.
    pub(in crate::sim) node: usize,
    pub(in crate::sim) is_measured: bool,
}

/// What the desk keeps of a request under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    /// Its attempt's hold.
    hold: u64,
    /// Its virtual key.
    pub(super) key: u32,
    pub(super) tenant: u16,
    /// The configuration that its attempt is at.
    config: u8,
}

impl Seat {
    const EMPTY: Self = Self { hold: u64::MAX, key: 0, tenant: 0, config: 0 };
}

/// What an attempt used.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Used {
    pub(in crate::sim) outcome: Outcome,
    pub(in crate::sim) prompt: u32,
    pub(in crate::sim) output: u32,
    pub(in crate::sim) cost: u64,
    /// When it began.
    pub(in crate::sim) sent: Time,
}

/// Governance in all processes of the gateway.
#[derive(Debug)]
pub(in crate::sim) struct Desk<'a> {
    pub(super) tenancy: &'a Tenancy,
    /// By process, what it has counted itself and heard of the others.
    pub(super) ledgers: Vec<Ledger>,
    /// Where there are several: what was used in truth.
    book: Option<Box<Ledger>>,
    /// By class: the tenants that its requests may be of, with running sums of their shares.
    of_class: Vec<Vec<(u16, f64)>>,
    /// By tenant and configuration of its keys, the provider.
    pub(super) providers: Vec<Vec<u16>>,
    /// By tenant, whose key a request comes with; nothing to draw with one key.
    keys: Vec<Option<Draw>>,
    /// By provider and model, the dearest price of a million tokens: prompt, output.
    pub(super) prices: Vec<(u64, u64)>,
    pub(super) models: usize,
    /// By slot of a request.
    pub(super) seats: Vec<Seat>,
    /// By slot of a request that is led.
    pub(super) courses: Vec<Course>,
    /// By tenant, whether its requests are led: by a rule, or by weights.
    pub(super) led: Vec<bool>,
    /// By tenant, the scopes of rules that it is in.
    pub(super) scopes: Vec<Vec<RuleScope>>,
    /// By tenant, the names of its team and its customer.
    pub(super) names: Vec<(String, String)>,
    /// Whether the policy weighs providers itself.
    pub(super) ranks: bool,
    tapes: Vec<TenantTape>,
    pub(super) rule_tapes: Vec<RuleTape>,
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
        (processes, ranks): (usize, bool),
        (bins, bin_ns): (usize, u64),
        horizon: Time,
    ) -> Self {
        let ledger = Ledger::new(&tenancy.plan).expect("the scenario has checked its plan");
        let book = (processes > 1).then(|| Box::new(ledger.clone()));
        let mut ledgers = vec![ledger; processes];
        let before = Arc::new(ledgers[0].tell(Time::ZERO));
        ledgers[1..].iter_mut().for_each(|ledger| ledger.beside(&before));
        let (scopes, names): (Vec<_>, Vec<_>) =
            (0..tenancy.tenants.len()).map(|tenant| belongs(tenancy, tenant)).unzip();
        let is_led = |(tenant, scopes): (&super::plan::Tenant, &Vec<RuleScope>)| {
            let concerned = tenancy.conditions.as_ref().is_some_and(|all| all.concern(scopes));
            concerned || (tenant.draws && !ranks)
        };
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
            ledgers,
            book,
            of_class,
            providers: tenancy.tenants.iter().map(|tenant| providers(tenancy, tenant)).collect(),
            keys: tenancy
                .tenants
                .iter()
                .map(|tenant| (tenant.keys.len(), tenant.skew))
                .map(|(keys, skew)| (keys > 1).then(|| Draw::new(keys, skew)))
                .collect(),
            prices,
            models,
            seats: Vec::new(),
            courses: Vec::new(),
            led: tenancy.tenants.iter().zip(&scopes).map(is_led).collect(),
            scopes,
            names,
            ranks,
            tapes: tenancy.tenants.iter().map(|tenant| tape(&tenant.name)).collect(),
            rule_tapes: tenancy.rules.iter().map(|rule| RuleTape::new(&rule.name)).collect(),
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
        let key = self.keys[tenant].as_ref().map_or(0, |draw| draw.at(unit(mix(luck, KEY))));
        (tenant, self.tenancy.tenants[tenant].keys.start + key as u32)
    }

    /// What the clock of a process says.
    #[inline]
    pub(super) fn clock(&self, now: Time, node: usize) -> Time {
        let last = self.ledgers.len() - 1;
        match self.tenancy.skew {
            Span::ZERO => now,
            _ if last == 0 => now,
            skew => now + Span(skew.0 / last as u64 * node as u64),
        }
    }

    /// A request arrived.
    pub(in crate::sim) fn arrived(
        &mut self,
        now: Time,
        slot: u32,
        (luck, class, model): (u64, u16, u16),
        is_measured: bool,
    ) {
        let (tenant, key) = self.who(luck, class);
        let slot = slot as usize;
        if self.led[tenant] {
            self.departs(slot, model);
        }
        if self.seats.len() <= slot {
            self.seats.resize(slot + 1, Seat::EMPTY);
        }
        self.seats[slot] = Seat { key, tenant: tenant as u16, ..Seat::EMPTY };
        if is_measured {
            let bin = (now.0 / self.bin_ns) as usize;
            let tape = &mut self.tapes[tenant];
            tape.offered += 1;
            tape.bins[bin].0 += 1;
        }
    }

    /// A measured request has its result.
    pub(in crate::sim) fn finished(&mut self, arrived: Time, slot: u32, verdict: Verdict) {
        let tenant = usize::from(self.seats[slot as usize].tenant);
        if self.led[tenant]
            // A request that found no room never came to the desk.
            && let Some(course) = self.courses.get_mut(slot as usize)
            && let Some(rule) = usize::from(std::mem::take(course).rule).checked_sub(1)
        {
            let tape = &mut self.rule_tapes[rule];
            tape.good += u64::from(verdict == Verdict::Good);
        }
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

    /// A refusal, counted by its reason.
    pub(in crate::sim) fn denied(&mut self, slot: u32, denial: &Denial) {
        let tenant = usize::from(self.seats[slot as usize].tenant);
        let reason = DENIALS.iter().position(|name| *name == denial.reason.name());
        self.tapes[tenant].denied[reason.expect("every reason has a place")] += 1;
    }

    /// An attempt is sent to a provider.
    pub(in crate::sim) fn reserve(&mut self, now: Time, slot: u32, asker: &Asker, provider: u16) {
        let Seat { key, tenant, .. } = self.seats[slot as usize];
        let config = self.tenancy.tenants[usize::from(tenant)].configs[usize::from(provider)];
        let price = self.prices[usize::from(provider) * self.models + usize::from(asker.model)];
        self.look(now);
        let hold = config.and_then(|config| {
            let need = need(price, asker);
            let clock = self.clock(now, asker.node);
            let ledger = &mut self.ledgers[asker.node];
            ledger.reserve(clock, key, usize::from(config), asker.model, &need).ok()
        });
        self.outside += u64::from(hold.is_none());
        let seat = &mut self.seats[slot as usize];
        (seat.hold, seat.config) = (hold.map_or(u64::MAX, Hold::to_word), config.unwrap_or(0));
    }

    /// An attempt ended.
    pub(in crate::sim) fn settle(&mut self, now: Time, slot: u32, asker: &Asker, used: &Used) {
        self.look(now);
        let Seat { hold, key, tenant, config } = self.seats[slot as usize];
        let answered = used.output > 0
            || matches!(used.outcome, Outcome::Done { .. } | Outcome::StreamBroken { .. });
        let tokens = if answered { u64::from(used.prompt) + u64::from(used.output) } else { 0 };
        let spent = Spent { tokens, cost: NanoUsd(used.cost), succeeded: used.outcome.is_done() };
        let clock = self.clock(now, asker.node);
        let is_first = self.ledgers[asker.node].settle(clock, Hold::from_word(hold), &spent);
        if let Some(book) = self.book.as_deref_mut().filter(|_| is_first) {
            book.charge(now, used.sent, key, usize::from(config), asker.model, &spent);
        }
        let tape = &mut self.tapes[usize::from(tenant)];
        if asker.is_measured {
            tape.tokens += tokens;
            tape.cost_nano_usd += used.cost;
        }
    }

    /// Brings what is known of a request under way near.
    #[inline]
    pub(in crate::sim) fn fetch(&self, slot: u32, node: usize) {
        if let (Some(seat), Some(ledger)) = (self.seats.get(slot as usize), self.ledgers.get(node))
        {
            ledger.fetch(Hold::from_word(seat.hold));
        }
    }

    /// What a process has counted.
    pub(in crate::sim) fn tell(&mut self, now: Time, node: usize) -> Usage {
        let clock = self.clock(now, node);
        self.ledgers[node].tell(clock)
    }

    /// What another has counted.
    pub(in crate::sim) fn hear(&mut self, now: Time, node: usize, from: usize, usage: &Arc<Usage>) {
        let clock = self.clock(now, node);
        self.ledgers[node].hear(clock, from, usage);
    }

    /// Limits get other maxima in every process.
    pub(in crate::sim) fn set_limits(&mut self, limits: &[(usize, u64)]) {
        for ledger in self.ledgers.iter_mut().chain(self.book.as_deref_mut()) {
            limits.iter().for_each(|&(limit, max)| ledger.set_max(limit, max));
        }
    }

    /// Notes how limits stand when the measured time is over; the world goes on for a while.
    #[inline]
    pub(super) fn look(&mut self, now: Time) {
        if now >= self.horizon && self.at_horizon.is_none() {
            let last = Time(self.horizon.0.saturating_sub(1));
            let truth = self.book.as_deref_mut().unwrap_or(&mut self.ledgers[0]);
            self.at_horizon = Some(truth.readings(last).collect());
        }
    }

    /// How limits stand, and how many attempts are counted and not settled; `None` where there are several processes,
    /// none of which knows it all.
    pub(in crate::sim) fn standing(&mut self, now: Time) -> Option<(Vec<Reading>, usize)> {
        self.look(now);
        let [ledger] = &mut self.ledgers[..] else { return None };
        Some((ledger.readings(now).collect(), ledger.open().count()))
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
    pub(in crate::sim) fn finish(mut self) -> (Vec<TenantTape>, Vec<RuleTape>) {
        self.look(self.horizon);
        let readings = self.at_horizon.unwrap_or_default();
        for (tape, tenant) in self.tapes.iter_mut().zip(&self.tenancy.tenants) {
            let owner = self.tenancy.plan.keys.get(tenant.keys.start as usize).map(|key| key.owner);
            for of in &readings {
                let is_own = match of.whose {
                    Whose::Key(key) | Whose::Config(key, _) => tenant.keys.contains(&key),
                    Whose::Team(of) => owner == Some(Owner::Team(of)),
                    _ => false,
                };
                match of.kind {
                    _ if !is_own => {}
                    Kind::Budget => {
                        // Several budgets of nearly any amount may be more than there is a number for.
                        tape.budget_nano_usd = tape.budget_nano_usd.saturating_add(of.max);
                        tape.over_nano_usd += of.over;
                        tape.used_nano_usd += of.used;
                    }
                    Kind::Tokens => tape.over_tokens += of.over,
                    Kind::Requests => {}
                }
            }
        }
        (self.tapes, self.rule_tapes)
    }
}

/// The scopes of rules that a tenant is in, and the names of its team and its customer.
fn belongs(tenancy: &Tenancy, tenant: usize) -> (Vec<RuleScope>, (String, String)) {
    let plan = &tenancy.plan;
    let first = tenancy.tenants[tenant].keys.start as usize;
    let (team, customer) = match plan.keys.get(first).map(|key| key.owner) {
        Some(Owner::Team(team)) => (Some(team), plan.teams[team as usize].customer),
        Some(Owner::Customer(customer)) => (None, Some(customer)),
        Some(Owner::Nobody) | None => (None, None),
    };
    let mut scopes = vec![RuleScope::Key(tenant as u32), RuleScope::Global];
    scopes.extend(team.map(RuleScope::Team));
    scopes.extend(customer.map(RuleScope::Customer));
    let team = team.map(|team| plan.teams[team as usize].name.clone());
    let customer = customer.map(|customer| plan.customers[customer as usize].0.clone());
    (scopes, (team.unwrap_or_default(), customer.unwrap_or_default()))
}

/// The providers of a tenant's keys, which are alike.
fn providers(tenancy: &Tenancy, tenant: &super::plan::Tenant) -> Vec<u16> {
    let key = tenancy.plan.keys.get(tenant.keys.start as usize);
    key.map_or(Vec::new(), |key| key.configs.iter().map(|config| config.provider).collect())
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
