//! Where the life of a request meets the desk, and the store of answers.

use crate::engine::Outcome;
use crate::engine::luck::{mix, name, unit};
use crate::governance::{Denial, Reading};
use crate::metrics::recorder::Verdict;
use crate::policy::{Request, SetId};
use crate::sim::flight::{NONE, STREAMED};
use crate::sim::queue::{Event, EventQueue, Kind};
use crate::sim::world::World;

use super::course::Ask;
use super::desk::{Asker, Used};

const STORED: u64 = name("stored answer");

impl<Q: EventQueue> World<'_, Q> {
    /// A request, as far as the desk has to know it.
    #[inline]
    fn asker(&self, slot: u32) -> Asker {
        let flight = self.flights.get(slot);
        Asker {
            luck: flight.luck,
            model: flight.model,
            prompt: flight.prompt,
            max_tokens: self.spec.classes[usize::from(flight.class)].max_tokens,
            streamed: flight.flags & STREAMED != 0,
            node: usize::from(flight.node),
            is_measured: self.recorder.measures(flight.arrived),
        }
    }

    /// What a request may use now: everything, where nobody limits it. Its model may become another.
    #[inline]
    pub(in crate::sim) fn admit(&mut self, slot: u32, ask: Ask) -> Result<SetId, Denial> {
        if self.desk.is_none() {
            return Ok(SetId::ALL);
        }
        let asker = self.asker(slot);
        let Some(desk) = &mut self.desk else { return Ok(SetId::ALL) };
        let way = desk.admit(self.now, slot, &asker, ask)?;
        self.flights.get_mut(slot).model = way.model;
        Ok(way.set)
    }

    /// The policy gives up with this status, or limits stop it: the next leg of the request's course begins, if there
    /// is one, with a policy that has tried nothing yet.
    #[cold]
    pub(in crate::sim) fn next_leg(&mut self, slot: u32, status: u16) -> Result<SetId, u16> {
        if self.desk.is_none() {
            return Err(status);
        }
        let asker = self.asker(slot);
        let Some(desk) = &mut self.desk else { return Err(status) };
        let way = desk.next_leg(self.now, slot, &asker, status)?;
        self.flights.get_mut(slot).model = way.model;
        if self.flights.trail(slot).is_some() {
            let trail = self.flights.trail_mut(slot);
            (trail.from, trail.waits) = (trail.past.len(), 0);
        }
        Ok(way.set)
    }

    /// Governance refuses a request.
    #[cold]
    pub(in crate::sim) fn denied(&mut self, slot: u32, denial: &Denial) {
        let flight = self.flights.get(slot);
        if self.recorder.measures(flight.arrived)
            && let Some(desk) = &mut self.desk
        {
            desk.denied(slot, denial);
        }
        let tried = self.flights.trail(slot).is_some_and(|trail| !trail.past.is_empty());
        self.refused(slot, denial.status(), if tried { Verdict::Failed } else { Verdict::Shed });
    }

    /// How all limits of tenants stand now, in the order of the plan, and how many attempts are counted and not
    /// settled; `None` where nobody is limited, or where several processes count, each for itself.
    pub fn standing(&mut self) -> Option<(Vec<Reading>, usize)> {
        self.desk.as_mut()?.standing(self.now)
    }

    /// The virtual key of a request: its index in the plan.
    pub fn key_of(&self, request: &Request) -> Option<u32> {
        self.desk.as_ref().map(|desk| desk.who(request.id, request.class).1)
    }

    /// Counts an attempt that is sent.
    #[inline]
    pub(in crate::sim) fn reserve(&mut self, slot: u32, route: u32) {
        if self.desk.is_none() {
            return;
        }
        let asker = self.asker(slot);
        if let Some(desk) = &mut self.desk {
            let provider = self.spec.pool.routes[route as usize].provider.0;
            desk.reserve(self.now, slot, &asker, provider);
        }
    }

    /// Charges what an attempt used: output tokens, and what they cost.
    #[inline]
    pub(in crate::sim) fn charge(&mut self, slot: u32, outcome: Outcome, output: u32, cost: u64) {
        if self.desk.is_none() {
            return;
        }
        let asker = self.asker(slot);
        let sent = self.flights.get(slot).sent;
        if let Some(desk) = &mut self.desk {
            let used = Used { outcome, prompt: asker.prompt, output, cost, sent };
            desk.settle(self.now, slot, &asker, &used);
        }
    }

    /// Whether the gateway has the answer to a request in store; then it is under way.
    #[inline]
    pub(in crate::sim) fn is_stored(&mut self, slot: u32) -> bool {
        let flight = self.flights.get_mut(slot);
        let Some(cache) = self.spec.classes[usize::from(flight.class)].cache else { return false };
        if unit(mix(flight.luck, STORED)) >= cache.hits {
            return false;
        }
        self.seq += 1;
        flight.seq = self.seq as u32;
        flight.first_us = u32::try_from(cache.latency.0 / 1_000).unwrap_or(NONE - 1);
        self.queue.push(Event::new(self.now + cache.latency, self.seq, Kind::End, slot));
        true
    }

    /// A stored answer is out: no provider was asked, nothing is charged.
    #[cold]
    pub(in crate::sim) fn answered_from_store(&mut self, slot: u32) {
        let (arrived, output) = {
            let flight = self.flights.get(slot);
            (flight.arrived, flight.output)
        };
        if self.recorder.measures(arrived) {
            self.recorder.stored();
        }
        self.done(slot, 0, output);
    }
}
