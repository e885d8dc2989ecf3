//! A flight recorder: every call that a host makes on its engine, in a compact record from which the same
//! decisions can be made again.
//!
//! The host hands each call to a [`FlightRecorder`] beside the engine, and gets bytes to append wherever it
//! keeps them; nothing here does I/O, and recording a request's calls allocates nothing. About 25 bytes a
//! decision and 15 an end. [`Replay`] reads a record back.
//!
//! What a record is worth hangs on its order: calls must be recorded in the order in which the engine saw
//! them. A host with one lock around engine and recorder has that; one whose threads race may see a few
//! decisions differ in the replay, and is told so. A record starts where its engine starts. Reports heard
//! from peers are not recorded: a node that shares is
//! replayed as if it had heard nothing, and decisions that hung on a report come out as different.

mod codec;
mod replay;

pub use codec::{Damage, MAGIC, VERSION};
pub use replay::{Decided, OwnedNeed, Replay, Replayed};

use super::identity::{Need, NoRoute, Past, Route, RouteKey, Ticket};
use super::outcome::{Limits, Outcome};
use super::params::Params;
use super::time::Time;
use codec::{Out, Tag};

/// Turns calls into bytes. One per record; it remembers the last moment, of which the next is told the
/// difference.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlightRecorder {
    last: Time,
}

impl FlightRecorder {
    /// The engine was made with these parameters: the beginning of a record.
    pub fn start(&mut self, params: &Params, now: Time, sink: &mut dyn FnMut(&[u8])) {
        sink(MAGIC);
        sink(&[VERSION]);
        self.last = Time::ZERO;
        let mut out = self.begin(Tag::Start, now, sink);
        out.params(params);
    }

    /// `add`, or each route of `add_all`; what it gave as `key`.
    pub fn add(&mut self, route: &Route, key: RouteKey, now: Time, sink: &mut dyn FnMut(&[u8])) {
        let mut out = self.begin(Tag::Add, now, sink);
        for text in [&route.provider, &route.model, &route.key, &route.region, &route.pool] {
            out.text(text);
        }
        out.number(route.weight_micro);
        out.key(key);
    }

    /// `remove`.
    pub fn remove(&mut self, key: RouteKey, now: Time, sink: &mut dyn FnMut(&[u8])) {
        self.begin(Tag::Remove, now, sink).key(key);
    }

    /// `set_params`, if it was accepted.
    pub fn set_params(&mut self, params: &Params, now: Time, sink: &mut dyn FnMut(&[u8])) {
        self.begin(Tag::Params, now, sink).params(params);
    }

    /// `allow`.
    pub fn allow(&mut self, routes: &[RouteKey], now: Time, sink: &mut dyn FnMut(&[u8])) {
        self.begin(Tag::Allow, now, sink).keys(routes);
    }

    /// `remember`.
    pub fn remember(&mut self, now: Time, pasts: &[(RouteKey, Past)], sink: &mut dyn FnMut(&[u8])) {
        let mut out = self.begin(Tag::Remember, now, sink);
        out.number(pasts.len() as u64);
        for (key, past) in pasts {
            out.key(*key);
            out.number(past.span.0);
            out.float(past.rate);
            out.float(past.error_rate);
            out.number(past.samples.len() as u64);
            for (latency, prompt, output) in &past.samples {
                out.number(latency.0);
                out.number(u64::from(*prompt));
                out.number(u64::from(*output));
            }
        }
    }

    /// `decide`, and what it gave.
    pub fn decide(
        &mut self,
        now: Time,
        need: &Need<'_>,
        luck: u64,
        given: &Result<Ticket, NoRoute>,
        sink: &mut dyn FnMut(&[u8]),
    ) {
        let mut out = self.begin(Tag::Decide, now, sink);
        out.number(u64::from(need.model.0));
        out.number(u64::from(need.prompt_tokens));
        out.number(u64::from(need.max_tokens));
        out.number(need.provider.map_or(0, |provider| u64::from(provider.0) + 1));
        out.number(need.allowed.map_or(0, |allowed| u64::from(allowed.0) + 1));
        out.keys(need.tried);
        out.word(luck);
        out.given(given);
    }

    /// `pin`, and what it gave.
    pub fn pin(
        &mut self,
        now: Time,
        key: RouteKey,
        given: &Result<Ticket, NoRoute>,
        sink: &mut dyn FnMut(&[u8]),
    ) {
        let mut out = self.begin(Tag::Pin, now, sink);
        out.key(key);
        out.given(given);
    }

    /// `headers`.
    pub fn headers(
        &mut self,
        ticket: Ticket,
        now: Time,
        limits: &Limits,
        sink: &mut dyn FnMut(&[u8]),
    ) {
        let mut out = self.begin(Tag::Headers, now, sink);
        out.ticket(ticket, now);
        let reset = limits.reset.map(|span| span.0);
        let (tokens, requests) = (limits.tokens_remaining, limits.requests_remaining);
        for said in [tokens, limits.tokens_limit, requests, limits.requests_limit, reset] {
            out.maybe(said);
        }
    }

    /// `first_token`, with the ticket as it was before.
    pub fn first_token(&mut self, ticket: Ticket, now: Time, sink: &mut dyn FnMut(&[u8])) {
        self.begin(Tag::FirstToken, now, sink).ticket(ticket, now);
    }

    /// `end`.
    pub fn end(
        &mut self,
        ticket: Ticket,
        now: Time,
        outcome: Outcome,
        sink: &mut dyn FnMut(&[u8]),
    ) {
        let mut out = self.begin(Tag::End, now, sink);
        out.ticket(ticket, now);
        out.outcome(outcome);
    }

    /// `tick`.
    pub fn tick(&mut self, now: Time, sink: &mut dyn FnMut(&[u8])) {
        self.begin(Tag::Tick, now, sink);
    }

    fn begin<'s>(&mut self, tag: Tag, now: Time, sink: &'s mut dyn FnMut(&[u8])) -> Out<'s> {
        let mut out = Out::new(sink);
        out.byte(tag as u8);
        out.signed(now.0.wrapping_sub(self.last.0) as i64);
        self.last = now;
        out
    }
}

#[cfg(test)]
mod tests;
