//! Every limit of every level, counted anew from the attempts alone: windows by a calendar of our own, each charge
//! once, at the key, its team, its customer, the provider and the model.

use std::collections::BTreeMap;

use crate::engine::Time;
use crate::governance::{Charging, Kind, Limit, Owner, Plan, Scope, Whose};
use crate::sim::spec::What;

use super::super::evidence::{Evidence, Life, Look, Try};
use super::calendar::start_of;
use super::equal;
use super::money::{price, tokens};

/// A limit and whose it is, in the order in which readings come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<'a> {
    whose: Whose,
    pub(super) limit: &'a Limit,
}

/// All limits of a plan.
pub(super) fn terms(plan: &Plan) -> Vec<Term<'_>> {
    let mut terms = Vec::new();
    for (at, (_, limits)) in plan.customers.iter().enumerate() {
        terms.extend(limits.iter().map(|limit| Term { whose: Whose::Customer(at as u32), limit }));
    }
    for (at, team) in plan.teams.iter().enumerate() {
        terms.extend(team.limits.iter().map(|limit| Term { whose: Whose::Team(at as u32), limit }));
    }
    for (at, key) in plan.keys.iter().enumerate() {
        terms.extend(key.limits.iter().map(|limit| Term { whose: Whose::Key(at as u32), limit }));
    }
    for (provider, limit) in &plan.provider_limits {
        terms.push(Term { whose: Whose::Provider(*provider), limit });
    }
    for of in &plan.model_limits {
        terms.push(Term { whose: Whose::Model(of.scope, of.model, of.provider), limit: &of.limit });
    }
    for (at, key) in plan.keys.iter().enumerate() {
        for config in &key.configs {
            let whose = Whose::Config(at as u32, config.provider);
            terms.extend(config.limits.iter().map(|limit| Term { whose, limit }));
        }
    }
    terms
}

/// The maxima that a limit has had by a moment, the first one included.
pub(super) fn maxima(seen: &Evidence, term: usize, first: u64, until: Time) -> Vec<u64> {
    let changes = seen.spec().changes.iter().filter(|change| change.at <= until);
    let limits = changes.filter_map(|change| match &change.what {
        What::Limits(limits) => Some(limits),
        _ => None,
    });
    let own = limits.flatten().filter(|(at, _)| *at == term).map(|(_, max)| *max);
    std::iter::once(first).chain(own).collect()
}

/// The count of one limit.
struct Count {
    /// Used, by the beginning of the window.
    used: BTreeMap<u64, u64>,
    /// Reserved by attempts under way, likewise.
    reserved: BTreeMap<u64, u64>,
}

struct Books<'a> {
    seen: &'a Evidence,
    plan: &'a Plan,
    terms: Vec<Term<'a>>,
    counts: Vec<Count>,
    open: usize,
}

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let Some(tenancy) = &seen.spec().tenancy else { return Ok(()) };
    let mut books = Books::new(seen, &tenancy.plan);
    // What happens, in order: (place among the facts, it is the end, attempt).
    let mut acts: Vec<(usize, bool, &Life, &Try)> = Vec::new();
    for (life, of) in seen.tries() {
        acts.push((of.fact, false, life, of));
        acts.extend(of.end.map(|end| (end.fact, true, life, of)));
    }
    acts.sort_by_key(|(fact, ..)| *fact);
    let mut acts = acts.into_iter().peekable();
    for look in &seen.looks {
        while let Some((_, ends, life, of)) = acts.next_if(|(fact, ..)| *fact < look.facts) {
            if ends { books.settle(life, of)? } else { books.reserve(life, of)? }
        }
        books.compare(look)?;
    }
    Ok(())
}

impl<'a> Books<'a> {
    fn new(seen: &'a Evidence, plan: &'a Plan) -> Self {
        let terms = terms(plan);
        let mut books = Self { seen, plan, counts: Vec::new(), terms, open: 0 };
        for at in 0..books.terms.len() {
            let first = books.window(at, Time::ZERO);
            let used = BTreeMap::from([(first, books.terms[at].limit.used)]);
            books.counts.push(Count { used, reserved: BTreeMap::new() });
        }
        books
    }

    /// When the window of a limit began that holds a moment, in nanoseconds since 1970.
    fn window(&self, term: usize, now: Time) -> u64 {
        let epoch = self.plan.epoch * 1_000_000_000;
        let limit = self.terms[term].limit;
        start_of(limit.window, epoch + now.0, epoch - limit.running.0)
    }

    /// The limits that an attempt meets.
    fn met(&self, life: &Life, of: &Try) -> Result<Vec<usize>, String> {
        let key = *self.seen.keys.get(&life.request.id).ok_or("a request has no key")?;
        // A rule may have led it to another model than was asked for.
        let route = &self.seen.spec().pool.routes[of.attempt.route.index()];
        let (provider, model) = (route.provider.0, route.model.0);
        let owner = self.plan.keys[key as usize].owner;
        let (team, customer) = match owner {
            Owner::Team(team) => (Some(team), self.plan.teams[team as usize].customer),
            Owner::Customer(customer) => (None, Some(customer)),
            Owner::Nobody => (None, None),
        };
        let meets = |whose: Whose| match whose {
            Whose::Customer(of) => customer == Some(of),
            Whose::Team(of) => team == Some(of),
            Whose::Key(of) => of == key,
            Whose::Config(of, at) => of == key && at == provider,
            Whose::Provider(at) => at == provider,
            Whose::Model(scope, of, at) => {
                let mine = scope == Scope::Global || scope == Scope::Key(key);
                mine && of.is_none_or(|of| of == model) && at.is_none_or(|at| at == provider)
            }
        };
        Ok((0..self.terms.len()).filter(|at| meets(self.terms[*at].whose)).collect())
    }

    /// What an attempt may use at most, as one limit counts it.
    fn need(&self, kind: Kind, life: &Life, of: &Try) -> u64 {
        let request = &life.request;
        let (prompt, output) = (u128::from(request.prompt_tokens), u128::from(request.max_tokens));
        let pool = &self.seen.spec().pool;
        let at = &pool.routes[of.attempt.route.index()];
        let own = pool
            .routes
            .iter()
            .filter(|route| (route.provider, route.model) == (at.provider, at.model));
        // The dearest key of the provider for that model.
        let dear = own.fold((0, 0), |(prompt, output), route| {
            (route.price_prompt.max(prompt), route.price_output.max(output))
        });
        match kind {
            Kind::Requests => 1,
            Kind::Tokens => (prompt + output) as u64,
            Kind::Budget => (prompt * u128::from(dear.0) + output * u128::from(dear.1))
                .div_ceil(1_000_000) as u64,
        }
    }

    fn reserves(&self) -> bool {
        self.plan.charging == Charging::Reserved
    }

    fn reserve(&mut self, life: &Life, of: &Try) -> Result<(), String> {
        self.open += 1;
        for term in self.met(life, of)? {
            let (kind, window) = (self.terms[term].limit.kind, self.window(term, of.sent));
            let need = self.need(kind, life, of);
            let count = &mut self.counts[term];
            if kind == Kind::Requests {
                *count.used.entry(window).or_default() += 1;
            } else if self.plan.charging == Charging::Reserved {
                *count.reserved.entry(window).or_default() += need;
            }
        }
        Ok(())
    }

    fn settle(&mut self, life: &Life, of: &Try) -> Result<(), String> {
        self.open -= 1;
        let Some(end) = of.end else { return Ok(()) };
        for term in self.met(life, of)? {
            let kind = self.terms[term].limit.kind;
            let (then, now) = (self.window(term, of.sent), self.window(term, end.at));
            let need = self.need(kind, life, of);
            let spent = match kind {
                // What did not succeed is no request.
                Kind::Requests => 0,
                Kind::Tokens => tokens(life, of),
                Kind::Budget => price(self.seen, life, of),
            };
            let (reserves, count) = (self.reserves(), &mut self.counts[term]);
            if kind == Kind::Requests {
                if then == now && !end.outcome.is_done() {
                    *count.used.entry(now).or_default() -= 1;
                }
            } else if reserves {
                *count.reserved.entry(then).or_default() -= need;
                *count.used.entry(then).or_default() += spent;
            } else {
                *count.used.entry(now).or_default() += spent;
            }
        }
        Ok(())
    }

    fn compare(&self, look: &Look) -> Result<(), String> {
        equal(&format!("at {}: attempts under way", look.at), &self.open, &look.open)?;
        equal("limits", &self.terms.len(), &look.readings.len())?;
        for (at, (term, reading)) in self.terms.iter().zip(&look.readings).enumerate() {
            let Term { whose, limit } = *term;
            let same = (reading.whose, reading.kind, reading.window, reading.max);
            let max = *maxima(self.seen, at, limit.max, look.at).last().expect("the first");
            equal("a limit", &(whose, limit.kind, limit.window, max), &same)?;
            let now = self.window(at, look.at);
            let count = &self.counts[at];
            let of = |all: &BTreeMap<u64, u64>| all.get(&now).copied().unwrap_or(0);
            let what =
                format!("at {}: {} of {}", look.at, limit.kind.name(), self.plan.name(whose));
            equal(&format!("{what}, used"), &of(&count.used), &reading.used)?;
            equal(&format!("{what}, reserved"), &of(&count.reserved), &reading.reserved)?;
        }
        Ok(())
    }
}
