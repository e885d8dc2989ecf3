//! The life of a request in the world: it arrives, is planned by the policy, attempted, perhaps again, and
//! gets its result.

use crate::engine::luck::{mix, name};
use crate::engine::{Outcome, Span, Time};
use crate::metrics::prompt_cache::Prompted;
use crate::metrics::recorder::{Finish, Verdict};
use crate::policy::{Attempt, Past, Request, Sent, SetId, Step};

use super::attempt::{Before, Draft, Settled};
use super::digest::Mark;
use super::flight::{EXPLORED, FLYING, Flight, HEARD, NONE, OPEN, STREAMED};
use super::prefix::Reuse;
use super::queue::{Event, EventQueue, Kind, SLOTS_MAX};
use super::spec::Arrivals;
use super::tenancy::Ask;
use super::watch::{Question, Seen, ask};
use super::workload::Arrival;
use super::world::World;

pub(super) const PLAN: u64 = name("plan");
const SDK: u64 = name("sdk backoff");

/// The status of a request for which the gateway has no room.
const SHED: u16 = 503;

impl<Q: EventQueue> World<'_, Q> {
    pub(super) fn on_arrival(&mut self, arrival: &Arrival) {
        self.arrived += 1;
        if let Some(script) = &mut self.stage.script {
            script.arrived(arrival.luck);
        }
        if self.recorder.measures(self.now) {
            self.recorder.offered(self.now);
            self.pending += 1;
        }
        let client = self.client_of(arrival.class, arrival.client, arrival.session);
        let node = self.front.pick(arrival.luck, client);
        let shed = self.full(node);
        self.digest.add(self.now, Mark::Arrival, arrival.luck, u32::from(shed), 0);
        let slot = self.flights.insert(Flight { node, ..Flight::of(arrival) });
        if let Some(prefixes) = &mut self.prefixes {
            prefixes.arrived(slot, arrival.chain, arrival.session);
        }
        if let Some(desk) = &mut self.desk {
            let is_measured = self.recorder.measures(self.now);
            let asked = (arrival.luck, arrival.class, self.flights.get(slot).model);
            desk.arrived(self.now, slot, asked, is_measured);
        }
        let admitted = if shed { Ok(SetId::ALL) } else { self.admit(slot, Ask::First) };
        let request = Request {
            id: arrival.luck,
            arrived: self.now,
            model: crate::policy::ModelId(self.flights.get(slot).model),
            class: arrival.class,
            prompt_tokens: arrival.prompt,
            max_tokens: arrival.max_tokens,
            streamed: arrival.streamed,
            session: arrival.session,
            topic: arrival.topic,
            set: admitted.unwrap_or_default(),
        };
        let client = &self.spec.classes[usize::from(arrival.class)].client;
        if let Some(watch) = &mut self.watch {
            watch.arrived(self.arrived, &request, arrival.output, client.allows(arrival.output));
        }
        if shed {
            if let Some(watch) = &mut self.watch {
                watch.began(self.now, None);
            }
            return self.refused(slot, SHED, Verdict::Shed);
        }
        if admitted.is_err() || self.is_stored(slot) {
            if let Some(watch) = &mut self.watch {
                watch.began(self.now, None);
            }
            if let Err(denial) = admitted {
                self.denied(slot, &denial);
            }
            return;
        }
        let node = &mut self.nodes[usize::from(node)];
        self.telling.before_decision(self.now, &mut self.stage, node, client);
        let luck = mix(arrival.luck, self.plan_luck);
        let question = Question { request: &request, past: &[], waits: 0, luck, client };
        let seen = Seen { node, stage: &self.stage, routes: self.spec.places.len() };
        let step = ask(&mut self.watch, seen, self.now, &question);
        if let Some(watch) = &mut self.watch {
            watch.began(self.now, Some(&step));
        }
        self.take(slot, step);
    }

    /// Asks the policy what to do next with a request that has failed or waited.
    #[cold]
    pub(super) fn plan(&mut self, slot: u32) {
        let trail = self.flights.trail(slot);
        let is_new = trail.is_some_and(|trail| trail.past.len() == trail.from && trail.waits == 0);
        let admitted = self.admit(slot, if is_new { Ask::Anew } else { Ask::Retry });
        let admitted = admitted.or_else(|denial| {
            let next = if is_new { None } else { self.next_leg(slot, denial.status()).ok() };
            next.ok_or(denial)
        });
        match admitted {
            Ok(_) if planted!(IneligibleRetry) => self.ask(slot, SetId::ALL),
            Ok(set) => self.ask(slot, set),
            Err(denial) => self.denied(slot, &denial),
        }
    }

    /// Asks the policy what to do next with a request that may use these routes.
    #[cold]
    fn ask(&mut self, slot: u32, set: SetId) {
        let flight = *self.flights.get(slot);
        let (session, topic) = self.who(slot);
        let class = &self.spec.classes[usize::from(flight.class)];
        let request = Request {
            id: flight.luck,
            arrived: flight.arrived,
            model: crate::policy::ModelId(flight.model),
            class: flight.class,
            prompt_tokens: flight.prompt,
            max_tokens: class.max_tokens,
            streamed: flight.flags & STREAMED != 0,
            session,
            topic,
            set,
        };
        let client = &self.spec.classes[usize::from(flight.class)].client;
        let node = &mut self.nodes[usize::from(flight.node)];
        self.telling.before_decision(self.now, &mut self.stage, node, client);
        let trail = self.flights.trail(slot).unwrap_or(&self.trail);
        let call = (trail.past.len() as u64) << 20
            | u64::from(trail.waits) << 10
            | u64::from(trail.asked_again);
        let luck = mix(mix(flight.luck, self.plan_luck), call);
        let past: &[Past] = &trail.past[trail.from..];
        let question = Question { request: &request, past, waits: trail.waits, luck, client };
        let seen = Seen { node, stage: &self.stage, routes: self.spec.places.len() };
        let step = ask(&mut self.watch, seen, self.now, &question);
        self.take(slot, step);
    }

    pub(super) fn take(&mut self, slot: u32, step: Step) {
        match step {
            Step::Send(attempt) => self.send(slot, attempt),
            Step::Wait(span) => {
                self.flights.trail_mut(slot).waits += 1;
                self.resume(slot, span);
            }
            Step::Stop { status } => match self.next_leg(slot, status) {
                Ok(set) => self.ask(slot, set),
                Err(status) => self.refused(slot, status, Verdict::Failed),
            },
        }
    }

    /// Calls for the request again after `span`, or when its client gives up, if that is earlier.
    pub(super) fn resume(&mut self, slot: u32, span: Span) {
        self.seq += 1;
        self.flights.get_mut(slot).seq = self.seq as u32;
        let at = (self.now + span).min(self.gone(slot));
        self.queue.push(Event::new(at, self.seq, Kind::Resume, slot));
    }

    pub(super) fn resumed(&mut self, slot: u32) {
        if self.now >= self.gone(slot) {
            return self.conclude(slot, Verdict::Failed, None);
        }
        // Whoever waited for the policy is inside already; a client that asks again is not.
        let trail = self.flights.trail(slot);
        if trail.is_some_and(|trail| trail.waits > 0) {
            return self.plan(slot);
        }
        let tried = trail.is_some_and(|trail| !trail.past.is_empty());
        let node = self.comes_again(slot);
        if self.full(node) {
            return self.refused(slot, SHED, if tried { Verdict::Failed } else { Verdict::Shed });
        }
        self.plan(slot);
    }

    /// A client that asks again is led to a process by the front balancer, as one that asks.
    #[cold]
    fn comes_again(&mut self, slot: u32) -> u8 {
        let flight = *self.flights.get(slot);
        let asked = self.flights.trail(slot).map_or(0, |trail| trail.asked_again);
        let (session, _) = self.who(slot);
        let client = self.client_of(flight.class, flight.client, session);
        let node = self.front.pick(mix(flight.luck, u64::from(asked)), client);
        self.flights.get_mut(slot).node = node;
        node
    }

    /// Session and topic of a request under way.
    fn who(&self, slot: u32) -> (u64, u16) {
        let flight = self.flights.get(slot);
        let (session, topic) = self.workload.who(flight.class, flight.luck);
        (self.prefixes.as_ref().map_or(session, |prefixes| prefixes.session(slot)), topic)
    }

    /// Who a request is from, as a balancer in front sees it: its session, in closed loop its client.
    #[inline]
    fn client_of(&self, class: u16, client: u32, session: u64) -> u64 {
        match self.spec.classes[usize::from(class)].arrivals {
            Arrivals::Closed { .. } => u64::from(client),
            Arrivals::Open { .. } | Arrivals::Trace(_) => session,
        }
    }

    /// Whether a gateway process has as many attempts in flight as it may.
    pub(super) fn full(&self, node: u8) -> bool {
        let flying = self.nodes[usize::from(node)].flying;
        flying >= self.spec.gateway.max_in_flight || self.flights.open >= SLOTS_MAX - 1
    }

    /// When the client of a request gives up.
    pub(super) fn gone(&self, slot: u32) -> Time {
        let flight = self.flights.get(slot);
        let patience = self.spec.classes[usize::from(flight.class)].client.gives_up;
        patience.map_or(Time::NEVER, |patience| flight.arrived + patience)
    }

    pub(super) fn send(&mut self, slot: u32, attempt: Attempt) {
        self.seq += 1;
        let (seq, now) = (self.seq, self.now);
        let route = attempt.route.0;
        let trail = self.flights.trail(slot);
        let visits = trail.map_or(0, |trail| {
            trail.past.iter().filter(|past| past.route == attempt.route).count()
        });
        let made = trail.map_or(0, |trail| trail.past.len());
        let first = made == 0;
        if let (false, Some(trail)) = (first, trail) {
            debug_assert!(trail.past.len() < 10_000, "a policy retries for ever");
        }
        let flight = self.flights.get_mut(slot);
        let region = self.nodes[usize::from(flight.node)].region;
        let reuse = self.prefixes.as_mut().map_or(Reuse::default(), |prefixes| {
            prefixes.look(now, slot, flight.class, flight.prompt, route)
        });
        let before = Before { visits: visits as u64, made, reuse };
        let draft = self.stage.draft(now, region, flight, &attempt, &before);
        if let Some(prefixes) = &mut self.prefixes
            && draft.first_us != NONE
            && !draft.refused
        {
            prefixes.keep(now, now + Span(u64::from(draft.first_us) * 1_000), route);
        }
        let streamed = flight.flags & STREAMED != 0;
        flight.sent = now;
        flight.tag = attempt.tag;
        flight.route = route;
        flight.seq = seq as u32;
        flight.charge = draft.charge;
        flight.first_us = draft.first_us;
        flight.ending = draft.ending;
        let explored = if attempt.explored { EXPLORED } else { 0 };
        flight.flags =
            (flight.flags & (OPEN | STREAMED | EXPLORED)) | FLYING | draft.flags | explored;
        let (luck, arrived, node) = (flight.luck, flight.arrived, flight.node);
        self.reserve(slot, route);
        self.flights.takes_off();
        self.nodes[usize::from(node)].flying += 1;
        self.telling.sent(route);
        self.digest.add(now, Mark::Send, luck, route, u16::from(node));
        let group = self.recorder.group(route, region);
        self.recorder.attempted(arrived, now, route, first.then_some(group), attempt.explored);
        self.ledger.opened(route, self.recorder.measures(arrived));
        if attempt.explored && !self.mesh.is_idle() && self.stage.is_faulted(route) {
            self.mesh.probed(now, usize::from(node), route);
        }
        self.schedule(&draft, seq, slot, streamed);
    }

    pub(super) fn schedule(&mut self, draft: &Draft, seq: u64, slot: u32, streamed: bool) {
        if let Some(end) = draft.end {
            self.queue.push(Event::new(end, seq, Kind::End, slot));
        }
        if self.first_tokens && streamed && draft.first_us != NONE && !draft.refused {
            let first = self.now + Span(u64::from(draft.first_us) * 1_000);
            if draft.end.is_none_or(|end| first < end) {
                self.queue.push(Event::new(first, seq, Kind::First, slot));
            }
        }
    }

    pub(super) fn sent(&self, slot: u32) -> Sent {
        let flight = self.flights.get(slot);
        Sent {
            request: flight.luck,
            arrived: flight.arrived,
            model: crate::policy::ModelId(flight.model),
            route: crate::policy::RouteId(flight.route),
            at: flight.sent,
            tag: flight.tag,
            prompt_tokens: flight.prompt,
            streamed: flight.flags & STREAMED != 0,
            heard: flight.flags & HEARD != 0,
            number: self
                .flights
                .trail(slot)
                .map_or(0, |trail| (trail.past.len() - trail.from) as u16),
        }
    }

    pub(super) fn first_token(&mut self, slot: u32) {
        let sent = self.sent(slot);
        let flight = self.flights.get_mut(slot);
        let node = &mut self.nodes[usize::from(flight.node)];
        if flight.sent < node.since {
            return;
        }
        let policy = &mut node.policy;
        policy.on_first_token(self.now, &sent);
        flight.flags |= HEARD;
        let route = flight.route;
        if let Some(limits) = self.stage.limits(self.now, route) {
            policy.on_headers(self.now, &sent, &limits);
        }
    }

    pub(super) fn attempt_ended(&mut self, slot: u32) {
        let sent = self.sent(slot);
        let now = self.now;
        let flight = self.flights.get_mut(slot);
        let (route, started) = (flight.route, flight.sent);
        let outcome = flight.ending.outcome(flight.prompt, flight.output, flight.first_us);
        flight.flags &= !FLYING;
        let at = usize::from(flight.node);
        self.flights.flying -= 1;
        if !(planted!(LeakedInFlight) && outcome == Outcome::Cancelled) {
            self.nodes[at].flying -= 1;
        }
        let flight = self.flights.get(slot);
        let answered = matches!(outcome, Outcome::Done { .. } | Outcome::StreamBroken { .. });
        let reuse = self.prefixes.as_ref().map_or(Reuse::default(), |p| p.reused(slot));
        let Settled { output, charged } = self.stage.settle(now, flight, outcome, reuse.uncounted);
        if let Some(tokens) = charged {
            self.recorder.charged(route, tokens);
        }
        let is_free = planted!(FreeCutStreams) && !outcome.is_done();
        let cost = if (output > 0 || answered) && !is_free { self.bill(slot, output) } else { 0 };
        let flight = self.flights.get(slot);
        let (luck, arrived) = (flight.luck, flight.arrived);
        self.charge(slot, outcome, output, cost);
        self.digest.add(now, Mark::End, luck, route, outcome.status());
        self.recorder.ended(arrived, started, route, outcome);
        self.telling.ended(route, now.since(started), outcome);
        self.ledger.ended(route, if self.recorder.measures(arrived) { cost } else { 0 });
        // Not for a policy that has taken over since it was sent.
        let is_its = sent.at >= self.nodes[at].since;
        if answered
            && is_its
            // Headers of a response whose first token was reported have been told already.
            && !sent.heard
            && let Some(limits) = self.stage.limits(now, route)
        {
            self.nodes[at].policy.on_headers(now, &sent, &limits);
        }
        if is_its && !(planted!(LostCompletion) && outcome == Outcome::Timeout) {
            self.nodes[at].policy.on_end(now, &sent, &outcome);
        }
        self.mesh.ended(now, at, started, route, outcome);
        if let Some(watch) = &mut self.watch {
            let first = self.flights.get(slot).first_us;
            let heard = first != NONE && answered;
            let ttft = heard.then(|| Span(u64::from(first) * 1_000));
            watch.ended(now, &sent, ttft, outcome);
        }
        if outcome.is_done() {
            return self.done(slot, cost, output);
        }
        if self.recorder.measures(arrived) {
            self.recorder.spent(cost, output, false);
        }
        let trail = self.flights.trail_mut(slot);
        trail.past.push(Past { route: sent.route, outcome });
        trail.waits = 0;
        if !self.nodes[at].up {
            return self.lost(slot, matches!(outcome, Outcome::StreamBroken { .. }));
        }
        // Nobody waits any more, or part of the answer has been seen: nothing is left to plan.
        if matches!(outcome, Outcome::Cancelled | Outcome::StreamBroken { .. }) {
            return self.conclude(slot, Verdict::Failed, None);
        }
        self.plan(slot);
    }

    /// What an answered attempt costs, in nano-dollars; notes what its account's cache did for it.
    #[inline]
    fn bill(&mut self, slot: u32, output: u32) -> u64 {
        let flight = self.flights.get(slot);
        let (route, prompt) = (flight.route, flight.prompt);
        let of = &self.spec.pool.routes[route as usize];
        let Some(prefixes) = &self.prefixes else { return of.cost_nano_usd(prompt, output) };
        let [cost, plain] = prefixes.bill(slot, route, of, prompt, output);
        if self.recorder.measures(flight.arrived) {
            let Reuse { cached, written, .. } = prefixes.reused(slot);
            self.recorder.prompted(&Prompted { prompt, cached, written, cost, plain });
        }
        cost
    }

    pub(super) fn done(&mut self, slot: u32, cost: u64, output: u32) {
        let flight = self.flights.get(slot);
        let client = &self.spec.classes[usize::from(flight.class)].client;
        let good = self.now.since(flight.arrived) <= client.allows(flight.output);
        if self.recorder.measures(flight.arrived) {
            self.recorder.spent(cost, output, good);
        }
        let ttft = (flight.flags & STREAMED != 0 && flight.first_us != NONE).then(|| {
            let first = flight.sent + Span(u64::from(flight.first_us) * 1_000);
            first.since(flight.arrived)
        });
        self.conclude(slot, if good { Verdict::Good } else { Verdict::Late }, ttft);
    }

    /// The gateway answers with an error: the policy gave up, or there is no room. The client's SDK may ask
    /// again; if it does not, `verdict` is the result.
    pub(super) fn refused(&mut self, slot: u32, status: u16, verdict: Verdict) {
        let flight = self.flights.get(slot);
        let client = &self.spec.classes[usize::from(flight.class)].client;
        let retryable = matches!(status, 0 | 408 | 409 | 429 | 500..=599);
        let asked = self.flights.trail(slot).map_or(0, |trail| trail.asked_again);
        if !retryable || asked >= client.sdk_retries {
            return self.conclude(slot, verdict, None);
        }
        // min(first × 2^n, 8 s), less up to a quarter: the rule of the vendors' Python SDKs, 2026.
        let full = client.sdk_backoff.as_secs_f64() * f64::from(1u32 << asked.min(16));
        let luck = crate::engine::luck::unit(mix(mix(flight.luck, SDK), u64::from(asked)));
        let wait = Span::from_secs_f64(full.min(8.0) * (1.0 - 0.25 * luck));
        let trail = self.flights.trail_mut(slot);
        trail.asked_again += 1;
        trail.from = trail.past.len();
        trail.waits = 0;
        self.resume(slot, wait);
    }

    pub(super) fn conclude(&mut self, slot: u32, verdict: Verdict, ttft: Option<Span>) {
        let flight = *self.flights.get(slot);
        self.digest.add(self.now, Mark::Result, flight.luck, verdict as u32, 0);
        if let Some(watch) = &mut self.watch {
            watch.concluded(self.now, flight.luck, verdict);
        }
        if self.recorder.measures(flight.arrived) {
            self.pending -= 1;
            if let Some(desk) = &mut self.desk {
                desk.finished(flight.arrived, slot, verdict);
            }
            let client = &self.spec.classes[usize::from(flight.class)].client;
            self.recorder.finished(&Finish {
                arrived: flight.arrived,
                now: self.now,
                deadline: client.allows(flight.output),
                model: flight.model,
                verdict,
                ttft,
                explored: flight.flags & EXPLORED != 0,
            });
        }
        self.flights.remove(slot);
        self.workload.answered(self.now, flight.class, flight.client);
    }
}
