//! Where the life of a request meets the desk, and the store of answers.

use crate::engine::luck::{mix, name, unit};
use crate::governance::{Denial, Reading};
use crate::metrics::recorder::Verdict;
use crate::policy::{Request, SetId};
use crate::sim::flight::{Flight, NONE};
use crate::sim::queue::{Event, EventQueue, Kind};
use crate::sim::spec::Spec;
use crate::sim::world::World;

use super::desk::Asker;

const STORED: u64 = name("stored answer");

fn asker(spec: &Spec, flight: &Flight) -> Asker {
    Asker {
        luck: flight.luck,
        class: flight.class,
        model: flight.model,
        prompt: flight.prompt,
        max_tokens: spec.classes[usize::from(flight.class)].max_tokens,
    }
}

impl<Q: EventQueue> World<'_, Q> {
    /// What a request may use now: everything, where nobody limits it.
    #[inline]
    pub(in crate::sim) fn admit(&mut self, slot: u32) -> Result<SetId, Denial> {
        let Some(desk) = &mut self.desk else { return Ok(SetId::ALL) };
        let first = self.flights.trail(slot).is_none_or(|trail| trail.past.is_empty());
        desk.admit(self.now, &asker(self.spec, self.flights.get(slot)), first)
    }

    /// Governance refuses a request.
    #[cold]
    pub(in crate::sim) fn denied(&mut self, slot: u32, denial: &Denial) {
        let flight = self.flights.get(slot);
        if self.recorder.measures(flight.arrived)
            && let Some(desk) = &mut self.desk
        {
            desk.denied(flight.luck, flight.class, denial);
        }
        let tried = self.flights.trail(slot).is_some_and(|trail| !trail.past.is_empty());
        self.refused(slot, denial.status(), if tried { Verdict::Failed } else { Verdict::Shed });
    }

    /// How all limits of tenants stand now, in the order of the plan, and how many attempts are counted and not
    /// settled; `None` where nobody is limited.
    pub fn standing(&mut self) -> Option<(Vec<Reading>, usize)> {
        self.desk.as_mut().map(|desk| desk.standing(self.now))
    }

    /// The virtual key of a request: its index in the plan.
    pub fn key_of(&self, request: &Request) -> Option<u32> {
        self.desk.as_ref().map(|desk| desk.who(request.id, request.class).1)
    }

    /// Counts an attempt that is sent.
    #[inline]
    pub(in crate::sim) fn reserve(&mut self, slot: u32, route: u32) {
        if let Some(desk) = &mut self.desk {
            let provider = self.spec.pool.routes[route as usize].provider.0;
            desk.reserve(self.now, slot, &asker(self.spec, self.flights.get(slot)), provider);
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
