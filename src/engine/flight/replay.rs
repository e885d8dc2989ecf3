//! A flight record made to happen again.

use super::codec::{Damage, In, Tag};
use crate::engine::balancer::Engine;
use crate::engine::explain::Explanation;
use crate::engine::identity::{
    Allowed, ModelKey, Need, NoRoute, Past, ProviderKey, Route, RouteKey, Ticket,
};
use crate::engine::outcome::{Limits, Outcome};
use crate::engine::params::Params;
use crate::engine::tick::Change;
use crate::engine::time::{Span, Time};

/// Changes parameters as they are read: for the question what other thresholds would have done.
pub type Adjust<'a> = &'a dyn Fn(&mut Params);

/// A record being replayed, call by call.
pub struct Replay<'a> {
    input: In<'a>,
    engine: Engine,
    now: Time,
    decisions: u64,
    names: Vec<(RouteKey, String)>,
    /// Slots given so far.
    slots: u32,
    /// Set: the engine is told what really happened, and what it would have chosen is only asked.
    adjust: Option<Adjust<'a>>,
}

impl std::fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay")
            .field("now", &self.now)
            .field("decisions", &self.decisions)
            .finish()
    }
}

/// What one call of the record did.
#[derive(Clone, Debug, PartialEq)]
pub enum Replayed {
    /// A decision was made again.
    Decided(Decided),
    /// A tick moved these states.
    Ticked(Vec<Change>),
    /// An attempt ended.
    Ended {
        /// Which.
        ticket: Ticket,
        /// When.
        at: Time,
        /// How.
        outcome: Outcome,
    },
    /// Anything else.
    Other,
}

/// A decision made again.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: Time,
    /// The need.
    pub need: OwnedNeed,
    /// The random word.
    pub luck: u64,
    /// What the record says was given.
    pub recorded: Result<Ticket, NoRoute>,
    /// The route that is given now.
    pub route: Result<RouteKey, NoRoute>,
}

impl Decided {
    /// Whether the same came out.
    pub fn is_same(&self) -> bool {
        self.recorded.map(Ticket::route) == self.route
    }
}

/// A [`Need`] that owns its list.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedNeed {
    /// The model asked for.
    pub model: ModelKey,
    /// Prompt tokens.
    pub prompt_tokens: u32,
    /// The caller's cap.
    pub max_tokens: u32,
    /// Only this provider.
    pub provider: Option<ProviderKey>,
    /// Only these routes.
    pub allowed: Option<Allowed>,
    /// Routes tried already.
    pub tried: Vec<RouteKey>,
}

impl OwnedNeed {
    /// As the engine takes it.
    pub fn need(&self) -> Need<'_> {
        Need {
            model: self.model,
            prompt_tokens: self.prompt_tokens,
            max_tokens: self.max_tokens,
            provider: self.provider,
            allowed: self.allowed,
            tried: &self.tried,
        }
    }
}

impl<'a> Replay<'a> {
    /// Begins a record. With `adjust` the replay is *counterfactual*: other parameters over what was recorded.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn new(bytes: &'a [u8], adjust: Option<Adjust<'a>>) -> Result<Self, Damage> {
        let mut input = In::new(bytes)?;
        if input.tag()? != Tag::Start {
            return Err(input.wrong("a record begins with the engine's start"));
        }
        let now = Time(input.signed()? as u64);
        let mut params = input.params()?;
        if let Some(adjust) = adjust {
            adjust(&mut params);
        }
        let engine = Engine::with_shards(params, now, 1);
        let engine = engine.map_err(|_| input.wrong("parameters that contradict each other"))?;
        Ok(Self { input, engine, now, decisions: 0, names: Vec::new(), slots: 0, adjust })
    }

    /// The engine as it stands.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The name of a route of the record.
    pub fn name(&self, key: RouteKey) -> &str {
        let known = self.names.iter().rev().find(|(known, _)| *known == key);
        known.map_or("a route that was never added", |(_, name)| name)
    }

    /// The moment of the last call.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Makes the next call; `None` at the end of the record.
    ///
    /// # Errors
    /// [`Damage`]; what came before it stands.
    pub fn step(&mut self) -> Result<Option<Replayed>, Damage> {
        if self.input.is_at_end() {
            return Ok(None);
        }
        // A call that is cut off must not be half made.
        let mut input = self.input.clone();
        let tag = input.tag()?;
        let now = Time(self.now.0.wrapping_add(input.signed()? as u64));
        let done = self.call(tag, now, &mut input)?;
        (self.input, self.now) = (input, now);
        Ok(Some(done))
    }

    /// Goes on to the decision with this number and explains it before it is made; `None` if there are fewer.
    ///
    /// # Errors
    /// [`Damage`].
    pub fn explain(&mut self, number: u64) -> Result<Option<(Explanation, Decided)>, Damage> {
        loop {
            let mut ahead = self.input.clone();
            if !ahead.is_at_end() && ahead.tag()? == Tag::Decide && self.decisions + 1 == number {
                let now = Time(self.now.0.wrapping_add(ahead.signed()? as u64));
                let need = read_need(&mut ahead)?;
                let explanation = self.engine.explain(now, &need.need(), ahead.word()?);
                return Ok(match self.step()? {
                    Some(Replayed::Decided(decided)) => Some((explanation, decided)),
                    _ => None,
                });
            }
            if self.step()?.is_none() {
                return Ok(None);
            }
        }
    }

    fn call(&mut self, tag: Tag, now: Time, input: &mut In<'a>) -> Result<Replayed, Damage> {
        match tag {
            Tag::Start => return Err(input.wrong("a second start")),
            Tag::Add => {
                let mut text = || input.text();
                let route = Route::new(text()?, text()?, text()?).region(text()?).pool(text()?);
                let route = Route { weight_micro: input.number()?, ..route };
                let key = input.key()?;
                let name = route.name();
                if self.engine.add(route, now) != key {
                    return Err(input.wrong("a route got another key than it had"));
                }
                self.slots = self.slots.max(key.slot + 1);
                self.names.push((key, name));
            }
            Tag::Remove => {
                let key = input.key()?;
                self.engine.remove(self.known(key, key.slot, input)?, now);
            }
            Tag::Params => {
                let mut params = input.params()?;
                if let Some(adjust) = self.adjust {
                    adjust(&mut params);
                }
                let set = self.engine.set_params(params, now);
                set.map_err(|_| input.wrong("parameters that contradict each other"))?;
            }
            Tag::Allow => {
                let keys = input.keys()?;
                for key in &keys {
                    self.known(*key, key.slot, input)?;
                }
                self.engine.allow(&keys, now);
            }
            Tag::Remember => {
                let pasts = read_pasts(input)?;
                for (key, _) in &pasts {
                    self.known(*key, key.slot, input)?;
                }
                self.engine.remember(now, &pasts);
            }
            Tag::Decide => {
                let need = read_need(input)?;
                let luck = input.word()?;
                let recorded = input.given(now)?;
                if let Ok(ticket) = recorded {
                    self.known(ticket, ticket.slot, input)?;
                }
                return Ok(Replayed::Decided(self.decide(now, need, luck, recorded)));
            }
            Tag::Pin => {
                let key = input.key()?;
                let _ = input.given(now)?;
                let _ = self.engine.pin(now, self.known(key, key.slot, input)?);
            }
            Tag::Headers => {
                let ticket = input.ticket(now)?;
                let limits = Limits {
                    tokens_remaining: input.maybe()?,
                    tokens_limit: input.maybe()?,
                    requests_remaining: input.maybe()?,
                    requests_limit: input.maybe()?,
                    reset: input.maybe()?.map(Span),
                };
                self.engine.headers(self.known(ticket, ticket.slot, input)?, now, &limits);
            }
            Tag::FirstToken => {
                let ticket = input.ticket(now)?;
                self.engine.first_token(&mut self.known(ticket, ticket.slot, input)?, now);
            }
            Tag::End => {
                let ticket = input.ticket(now)?;
                let outcome = input.outcome()?;
                self.engine.end(self.known(ticket, ticket.slot, input)?, now, outcome);
                return Ok(Replayed::Ended { ticket, at: now, outcome });
            }
            Tag::Tick => return Ok(Replayed::Ticked(self.engine.tick(now))),
        }
        Ok(Replayed::Other)
    }

    /// What names a slot, if that slot was given.
    fn known<T>(&self, thing: T, slot: u32, input: &In<'_>) -> Result<T, Damage> {
        if slot < self.slots { Ok(thing) } else { Err(input.wrong("a route that was never added")) }
    }

    fn decide(
        &mut self,
        at: Time,
        need: OwnedNeed,
        luck: u64,
        recorded: Result<Ticket, NoRoute>,
    ) -> Decided {
        self.decisions += 1;
        let route = if self.adjust.is_none() {
            self.engine.decide(at, &need.need(), luck).map(Ticket::route)
        } else {
            let explanation = self.engine.explain(at, &need.need(), luck);
            if let Ok(ticket) = recorded {
                self.engine.reopen(ticket);
            }
            explanation.choice.map(|chosen| explanation.inputs.routes[chosen.route].key)
        };
        Decided { number: self.decisions, at, need, luck, recorded, route }
    }
}

fn read_need(input: &mut In<'_>) -> Result<OwnedNeed, Damage> {
    let model = ModelKey(input.small()?);
    let (prompt_tokens, max_tokens) = (input.small()?, input.small()?);
    let provider = input.small()?.checked_sub(1).map(ProviderKey);
    let allowed = input.small()?.checked_sub(1).map(Allowed);
    let tried = input.keys()?;
    Ok(OwnedNeed { model, prompt_tokens, max_tokens, provider, allowed, tried })
}

fn read_pasts(input: &mut In<'_>) -> Result<Vec<(RouteKey, Past)>, Damage> {
    (0..input.count()?)
        .map(|_| {
            let key = input.key()?;
            let span = Span(input.number()?);
            let (rate, error_rate) = (input.float()?, input.float()?);
            if !(0.0..=1e6).contains(&rate) || !(0.0..=1.0).contains(&error_rate) {
                return Err(input.wrong("a past that cannot be"));
            }
            let samples = (0..input.count()?)
                .map(|_| Ok((Span(input.number()?), input.small()?, input.small()?)))
                .collect::<Result<Vec<_>, Damage>>()?;
            Ok((key, Past { span, rate, error_rate, samples }))
        })
        .collect()
}
