//! Where a request is led: by a routing rule, or by the weights of its tenant's providers.
//!
//! A course is a row of legs: a provider, or whoever serves a model. The policy has each leg to itself, with its
//! retries, as the published gateway gives each fallback a retry budget of its own (docs.getbifrost.ai, Retries and
//! Fallbacks, 2026); when it gives up, the next leg begins, and if none helps the client gets the first leg's error. A
//! leg that limits refuse is passed over (our choice). Where nothing leads, the policy chooses among all that is
//! eligible.

use crate::engine::Time;
use crate::engine::luck::{mix, name, unit};
use crate::governance::{
    Denial, Eligible, Facts, Kind, NanoUsd, Need, Reason, Whose, draw, fallbacks,
};
use crate::policy::SetId;

use super::desk::{Asker, Desk};
use super::plan::Leg;

const DRAW: u64 = name("provider weights");
const TARGET: u64 = name("target of a rule");

/// When a request passes the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Ask {
    /// It arrives.
    First,
    /// Its client asks again.
    Anew,
    /// Something of it has failed or waited.
    Retry,
}

/// What a request may use now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Way {
    pub(in crate::sim) set: SetId,
    pub(in crate::sim) model: u16,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    /// The model that its client asks for.
    asked: u16,
    /// 1 + the rule that leads it; 0 = none does.
    pub(super) rule: u16,
    /// 1 + the rule, and its target, that named the provider of the first leg; 0 = none did.
    place: (u16, u16),
    /// The model of the first leg.
    model: u16,
    /// 0 is the first leg.
    pub(super) leg: u16,
    /// The configuration of this leg and, as bits, those drawn so far, where weights lead.
    config: u8,
    drawn: u64,
    /// What the client is answered if no leg helps; 0 = nothing has failed yet.
    status: u16,
    /// How often its client has asked again.
    asks: u16,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
struct Who {
    tenant: usize,
    key: u32,
}

impl Desk<'_> {
    /// A request that is led arrives, and asks for this model. It may find no room, and be led only when its client
    /// asks again.
    pub(super) fn departs(&mut self, slot: usize, model: u16) {
        if self.courses.len() <= slot {
            self.courses.resize(slot + 1, Course::default());
        }
        self.courses[slot] = Course { asked: model, model, ..Course::default() };
    }

    /// What a request may use now.
    pub(in crate::sim) fn admit(
        &mut self,
        now: Time,
        slot: u32,
        asker: &Asker,
        ask: Ask,
    ) -> Result<Way, Denial> {
        self.look(now);
        let who = self.whose(slot);
        let tenant = who.tenant;
        if !self.led[tenant] {
            return self.anything(now, asker, who, asker.model);
        }
        let slot = slot as usize;
        let old = self.courses[slot];
        let mut course = match ask {
            Ask::Retry => return self.stay(now, asker, who, &old),
            Ask::First => old,
            Ask::Anew => Course {
                asked: old.asked,
                model: old.asked,
                asks: old.asks.saturating_add(1),
                ..Course::default()
            },
        };
        self.steer(now, asker, who, &mut course);
        let mut first = None;
        let way = loop {
            match self.enter(now, asker, who, &mut course) {
                Some(Ok(way)) => break Ok(way),
                Some(Err(denial)) => _ = first.get_or_insert(denial),
                None => break Err(first.expect("there is a first leg")),
            }
            course.leg += 1;
        };
        self.courses[slot] = course;
        way
    }

    /// The policy has given up a leg with this status: where to go next, or what the client is answered.
    #[cold]
    pub(in crate::sim) fn next_leg(
        &mut self,
        now: Time,
        slot: u32,
        asker: &Asker,
        status: u16,
    ) -> Result<Way, u16> {
        let who = self.whose(slot);
        if !self.led[who.tenant] {
            return Err(status);
        }
        let mut course = self.courses[slot as usize];
        if course.status == 0 {
            course.status = status;
        }
        let way = loop {
            course.leg += 1;
            match self.enter(now, asker, who, &mut course) {
                Some(Ok(way)) => break Ok(way),
                Some(Err(_)) => {}
                None => break Err(course.status),
            }
        };
        self.courses[slot as usize] = course;
        if way.is_ok()
            && let Some(rule) = usize::from(course.rule).checked_sub(1)
        {
            self.rule_tapes[rule].fell_back += u64::from(asker.is_measured);
        }
        way
    }

    fn whose(&self, slot: u32) -> Who {
        let seat = self.seats[slot as usize];
        Who { tenant: usize::from(seat.tenant), key: seat.key }
    }

    /// Asks the rules. The first that matches leads; one that chains has them asked again, at most once for each rule
    /// (our choice; the product stops when nothing changes, and so does this).
    fn steer(&mut self, now: Time, asker: &Asker, who: Who, course: &mut Course) {
        let tenancy = self.tenancy;
        let Some(conditions) = &tenancy.conditions else { return };
        let (plan, clock) = (&tenancy.plan, self.clock(now, asker.node));
        for _ in &tenancy.rules {
            let provider = self.provider(course);
            let config = provider.map(|of| tenancy.tenants[who.tenant].configs[usize::from(of)]);
            let mut used = |kind| match config {
                // It may not be used at all.
                Some(None) => 0.0,
                Some(Some(config)) => {
                    let config = Some(usize::from(config));
                    self.ledgers[asker.node].percent(clock, who.key, config, course.model, kind)
                }
                None => self.ledgers[asker.node].percent(clock, who.key, None, course.model, kind),
            };
            let [budget_used, tokens_used, request] =
                [Kind::Budget, Kind::Tokens, Kind::Requests].map(&mut used);
            let (team_name, customer_name) = &self.names[who.tenant];
            let facts = Facts {
                budget_used,
                tokens_used,
                request,
                model: &plan.models[usize::from(course.model)],
                provider: provider.map_or("", |of| &plan.providers[usize::from(of)]),
                virtual_key_name: &plan.keys[who.key as usize].name,
                team_name,
                customer_name,
                prompt_tokens: asker.prompt,
                max_tokens: asker.max_tokens,
                stream: asker.streamed,
            };
            let Some(rule) = conditions.first(&self.scopes[who.tenant], &facts) else { return };
            let redirect = &tenancy.rules[rule];
            self.rule_tapes[rule].matched += u64::from(asker.is_measured);
            let luck = mix(mix(asker.luck, TARGET), (rule as u64) << 16 | u64::from(course.asks));
            let drawn = redirect.targets.partition_point(|(_, sum)| *sum <= unit(luck));
            let target = drawn.min(redirect.targets.len() - 1);
            let leg = &redirect.targets[target].0;
            let was = (provider, course.model);
            course.rule = rule as u16 + 1;
            course.model = leg.model.unwrap_or(course.model);
            if leg.provider.is_some() {
                course.place = (course.rule, target as u16);
            }
            if !redirect.chain || (self.provider(course), course.model) == was {
                return;
            }
        }
    }

    /// The leg that named the provider of a course's first.
    fn place(&self, course: &Course) -> Option<&Leg> {
        let (rule, target) = course.place;
        let rule = usize::from(rule).checked_sub(1)?;
        Some(&self.tenancy.rules[rule].targets[usize::from(target)].0)
    }

    fn provider(&self, course: &Course) -> Option<u16> {
        self.place(course).and_then(|leg| leg.provider)
    }

    /// Begins the leg that a course has come to; `None` behind the last.
    fn enter(
        &mut self,
        now: Time,
        asker: &Asker,
        who: Who,
        course: &mut Course,
    ) -> Option<Result<Way, Denial>> {
        if course.rule > 0 {
            return self.along(now, asker, who, course);
        }
        let tenant = &self.tenancy.tenants[who.tenant];
        if !tenant.draws || self.ranks {
            return (course.leg == 0).then(|| self.anything(now, asker, who, course.asked));
        }
        let configs = &self.tenancy.plan.keys[who.key as usize].configs;
        let eligible = match self.eligible(now, asker, who, course.asked) {
            Ok(eligible) => Eligible(eligible.0 & !course.drawn),
            Err(denial) => return (course.leg == 0).then_some(Err(denial)),
        };
        let luck = mix(asker.luck, DRAW);
        let luck = if course.asks == 0 { luck } else { mix(luck, u64::from(course.asks)) };
        let chosen = match course.leg {
            0 => draw(configs, eligible, luck),
            // All that were drawn are gone already.
            _ => fallbacks(configs, eligible, usize::MAX).first().copied(),
        };
        let Some(config) = chosen else {
            let whose = Some(Whose::Key(who.key));
            let denial = Denial { reason: Reason::ProviderBlocked, whose, until: None };
            return (course.leg == 0).then_some(Err(denial));
        };
        course.config = config as u8;
        course.drawn |= 1 << config;
        Some(Ok(Way { set: tenant.set(Eligible(1 << config)), model: course.asked }))
    }

    /// The same leg again.
    fn stay(&mut self, now: Time, asker: &Asker, who: Who, course: &Course) -> Result<Way, Denial> {
        if course.drawn == 0 {
            let mut same = *course;
            let way = self.enter(now, asker, who, &mut same);
            return way.expect("a leg that was begun is there");
        }
        let set = self.tenancy.tenants[who.tenant].set(Eligible(1 << course.config));
        let config = usize::from(course.config);
        self.at(now, asker, who, config, course.asked)?;
        Ok(Way { set, model: course.asked })
    }

    /// The leg of a rule.
    fn along(
        &mut self,
        now: Time,
        asker: &Asker,
        who: Who,
        course: &Course,
    ) -> Option<Result<Way, Denial>> {
        let tenancy = self.tenancy;
        let redirect = &tenancy.rules[usize::from(course.rule) - 1];
        let (leg, model) = match usize::from(course.leg).checked_sub(1) {
            None => {
                (self.place(course).map(|leg| (leg.provider, leg.sets[who.tenant])), course.model)
            }
            Some(n) => {
                let leg = redirect.fallbacks.get(n)?;
                let place = leg.provider.map(|of| (Some(of), leg.sets[who.tenant]));
                (place, leg.model.unwrap_or(course.asked))
            }
        };
        let Some((provider, set)) = leg else {
            return Some(self.anything(now, asker, who, model));
        };
        let own = &tenancy.tenants[who.tenant].configs;
        let config = provider.and_then(|of| own[usize::from(of)]);
        // What a key may not use, no rule leads it to.
        let (Some(config), Some(set)) = (config, set) else {
            let whose = Some(Whose::Key(who.key));
            return Some(Err(Denial { reason: Reason::ProviderBlocked, whose, until: None }));
        };
        let admitted = self.at(now, asker, who, usize::from(config), model);
        Some(admitted.map(|()| Way { set, model }))
    }

    /// Everything that is eligible.
    fn anything(&mut self, now: Time, asker: &Asker, who: Who, model: u16) -> Result<Way, Denial> {
        let eligible = self.eligible(now, asker, who, model)?;
        Ok(Way { set: self.tenancy.tenants[who.tenant].set(eligible), model })
    }

    fn eligible(
        &mut self,
        now: Time,
        asker: &Asker,
        who: Who,
        model: u16,
    ) -> Result<Eligible, Denial> {
        let clock = self.clock(now, asker.node);
        let providers = &self.providers[who.tenant];
        let (prices, models) = (&self.prices, self.models);
        let need = |config: usize| {
            let provider = usize::from(providers[config]);
            need(prices[provider * models + usize::from(model)], asker)
        };
        self.ledgers[asker.node].admit(clock, who.key, model, need)
    }

    fn at(
        &mut self,
        now: Time,
        asker: &Asker,
        who: Who,
        config: usize,
        model: u16,
    ) -> Result<(), Denial> {
        let provider = usize::from(self.providers[who.tenant][config]);
        let need = need(self.prices[provider * self.models + usize::from(model)], asker);
        let clock = self.clock(now, asker.node);
        self.ledgers[asker.node].admit_at(clock, who.key, config, model, &need)
    }
}

/// The most that a request may use at these prices.
pub(super) fn need((prompt_price, output_price): (u64, u64), asker: &Asker) -> Need {
    let price = |tokens: u32, price: u64| u64::from(tokens).checked_mul(price);
    let (prompt, output) =
        (price(asker.prompt, prompt_price), price(asker.max_tokens, output_price));
    let cost = match prompt.zip(output).and_then(|(prompt, output)| prompt.checked_add(output)) {
        Some(cost) => cost.div_ceil(1_000_000),
        // Dividing such numbers is slow, and no price is so high but in tests.
        None => {
            let price = |tokens: u32, price: u64| u128::from(tokens) * u128::from(price);
            let cost = price(asker.prompt, prompt_price) + price(asker.max_tokens, output_price);
            u64::try_from(cost.div_ceil(1_000_000)).unwrap_or(u64::MAX)
        }
    };
    Need { tokens: u64::from(asker.prompt) + u64::from(asker.max_tokens), cost: NanoUsd(cost) }
}
