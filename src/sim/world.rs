//! The world: owns everything, and its one loop.
//!
//! An attempt's end is computed when it starts (the earliest of completion, timeouts and the client's
//! patience) and is one event. Faults that cut attempts in flight, and nothing else, can change it; events of
//! an attempt that is no more are recognised by its sequence number.

use crate::engine::luck::{mix, name};
use crate::engine::{Outcome, Span, Time};
use crate::metrics::recorder::{Finish, Recorder, Verdict};
use crate::metrics::{FaultTape, Tape};
use crate::policy::{Attempt, Past, Policy, Request, RouteView, Sent, Step};

use super::attempt::{Draft, Settled, Stage, hint_ms};
use super::check::{Breach, Ledger};
use super::digest::{Digest, Mark};
use super::fault::{Active, Failure, Replication};
use super::flight::{
    EXPLORED, Ending, FLYING, Flight, Flights, HEARD, NONE, OPEN, STREAMED, Trail,
};
use super::queue::{Event, EventQueue, Kind, SLOTS_MAX, Wheel};
use super::spec::Spec;
use super::workload::{Arrival, Workload};

const PLAN: u64 = name("plan");
const SDK: u64 = name("sdk backoff");

/// The status of a request for which the gateway has no room.
const SHED: u16 = 503;

/// One run in progress.
pub struct World<'a, Q = Wheel> {
    spec: &'a Spec,
    policy: Box<dyn Policy>,
    workload: Workload,
    queue: Q,
    seq: u64,
    now: Time,
    flights: Flights,
    stage: Stage,
    /// Moments at which faults begin or end, ascending: (moment, fault, begins).
    edges: Vec<(Time, usize, bool)>,
    next_edge: usize,
    wake: Time,
    recorder: Recorder,
    views: Vec<RouteView>,
    digest: Digest,
    ledger: Ledger,
    /// Measured requests that have no result yet.
    pending: u64,
    arrivals_until: Time,
    /// When to look again whether the run is over, after the horizon.
    next_look: Time,
    /// Requests that arrived, measured or not.
    arrived: u64,
    first_tokens: bool,
    trail: Trail,
}

impl<Q> std::fmt::Debug for World<'_, Q> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).field("seq", &self.seq).finish()
    }
}

impl<'a> World<'a> {
    /// A world at time zero. `policy` was built over `spec.pool`.
    ///
    /// # Panics
    /// If `spec` breaks one of its invariants.
    pub fn new(
        spec: &'a Spec,
        policy: Box<dyn Policy>,
        seed: u64,
        replication: Replication,
    ) -> Self {
        Self::with_queue(spec, policy, seed, replication)
    }
}

impl<'a, Q: EventQueue> World<'a, Q> {
    /// The same with a queue of one's choice.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn with_queue(
        spec: &'a Spec,
        mut policy: Box<dyn Policy>,
        seed: u64,
        replication: Replication,
    ) -> Self {
        spec.assert_sound();
        if spec.history > Span::ZERO {
            policy.remember(Time::ZERO, spec.history, &super::history::clean_past(spec, seed));
        }
        let mut faults: Vec<Active> =
            spec.faults.iter().map(|fault| Active::new(fault, seed, replication)).collect();
        if let Some(incidents) = &spec.incidents {
            let drawn = super::fault::draw(incidents, spec, seed);
            faults.extend(drawn.iter().map(|fault| Active::new(fault, seed, replication)));
        }
        let mut edges: Vec<(Time, usize, bool)> = (faults.iter().enumerate())
            .flat_map(|(i, f)| [(f.start, i, true), (f.end, i, false)])
            .collect();
        edges.sort_unstable();
        let tapes = faults
            .iter()
            .map(|active| FaultTape {
                name: active.fault.name.clone(),
                start: active.start,
                end: active.end,
                routes: active.fault.routes.clone(),
                first_per_s: Vec::new(),
                base_per_s: Vec::new(),
            })
            .collect();
        let patience = spec.longest_deadline();
        let mut world = Self {
            workload: Workload::new(spec, seed),
            queue: Q::default(),
            seq: 0,
            now: Time::ZERO,
            flights: Flights::default(),
            stage: Stage::new(spec, faults, seed),
            edges,
            next_edge: 0,
            wake: policy.next_wake().unwrap_or(Time::NEVER),
            recorder: Recorder::new(spec.horizon, &spec.pool, tapes),
            views: vec![RouteView::default(); spec.pool.routes.len()],
            digest: Digest::default(),
            ledger: Ledger::new(spec.pool.routes.len()),
            pending: 0,
            arrivals_until: Time(spec.horizon.0) + patience,
            next_look: Time(spec.horizon.0),
            arrived: 0,
            first_tokens: policy.wants_first_token(),
            trail: Trail::default(),
            spec,
            policy,
        };
        world.look();
        world
    }

    /// Runs to the end: through the horizon, and on (arrivals too) until every measured request has its
    /// result or is past its deadline.
    ///
    /// # Errors
    /// [`Breach`] if the books do not balance: a bug in the simulator or in the policy.
    pub fn run(mut self) -> Result<Tape, Breach> {
        while self.step() {}
        self.finish()
    }

    /// Goes on until virtual time `until`, or to the end of the run, whichever comes first. Gives false when
    /// the run is over.
    pub fn advance(&mut self, until: Time) -> bool {
        while self.now < until {
            if !self.step() {
                return false;
            }
        }
        true
    }

    /// Virtual time.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Closes the books and gives the tape of a run that is over (or is broken off here).
    ///
    /// # Errors
    /// As [`World::run`].
    pub fn finish(mut self) -> Result<Tape, Breach> {
        let unfinished = self.pending;
        for flight in self.flights.all() {
            if flight.flags & OPEN != 0 && self.recorder.measures(flight.arrived) {
                let client = &self.spec.classes[usize::from(flight.class)].client;
                let deadline = client.allows(flight.output);
                self.recorder.unfinished(deadline, flight.flags & EXPLORED != 0);
            }
        }
        self.ledger.close(&self.flights, unfinished);
        let events = self.digest.events();
        let mut tape =
            self.recorder.finish(unfinished, self.digest.value(), events, self.flights.flying_max);
        self.ledger.balance(&tape)?;
        tape.arrived = self.arrived;
        Ok(tape)
    }

    /// Handles the next event. Gives false when the run is over.
    fn step(&mut self) -> bool {
        let edge = self.edges.get(self.next_edge).map_or(Time::NEVER, |edge| edge.0);
        let arrival = self.workload.peek();
        let other = edge.min(self.wake).min(arrival);
        let last = if self.pending == 0 { Time(self.spec.horizon.0) } else { self.arrivals_until };
        // At one moment a fault comes before an attempt, and an attempt before everything else.
        let bound = if edge == other { Time(edge.0.saturating_sub(1)) } else { other }.min(last);
        if let Some(event) = self.queue.pop_until(bound) {
            self.now = event.time();
            self.on_event(event);
            return true;
        }
        if other >= last || (other >= self.next_look && self.settled(other)) {
            return false;
        }
        self.now = other;
        if edge == other {
            self.on_edges();
        } else if self.wake == other {
            self.on_wake();
        } else {
            let arrival = self.workload.pop();
            self.on_arrival(&arrival);
        }
        true
    }

    /// Whether, after the horizon, no measured request can become good any more. Looks once a virtual second.
    #[cold]
    fn settled(&mut self, now: Time) -> bool {
        self.next_look = now + Span::from_secs(1);
        self.flights.all().iter().all(|flight| {
            let client = &self.spec.classes[usize::from(flight.class)].client;
            flight.flags & OPEN == 0
                || !self.recorder.measures(flight.arrived)
                || flight.arrived + client.allows(flight.output) < now
        })
    }

    /// All faults that begin or end now. What they cut breaks when all are in place, so that whatever is
    /// sent instead meets them all.
    fn on_edges(&mut self) {
        let mut cutting = Vec::new();
        while let Some(&(at, fault, begins)) = self.edges.get(self.next_edge)
            && at == self.now
        {
            self.next_edge += 1;
            self.digest.add(at, Mark::Edge, fault as u64, u32::from(begins), 0);
            self.stage.edge(fault, begins);
            if begins && self.stage.faults[fault].cuts() {
                cutting.push(fault);
            }
        }
        if !cutting.is_empty() {
            self.cut(&cutting);
        }
    }

    /// Breaks the attempts in flight on these faults' routes, in slot order. How far a stream had come is
    /// not known any more; half its output is what it has given on average.
    fn cut(&mut self, faults: &[usize]) {
        let cutter = |flight: &Flight| {
            let active = (faults.iter().map(|&fault| &self.stage.faults[fault]))
                .find(|active| active.fault.routes.binary_search(&flight.route).is_ok())?;
            (flight.flags & FLYING != 0).then(|| active.cut_with())
        };
        let hit: Vec<(u32, Failure)> = (self.flights.all().iter().enumerate())
            .filter_map(|(slot, flight)| Some((slot as u32, cutter(flight)?)))
            .collect();
        for (slot, failure) in hit {
            let now = self.now;
            let flight = self.flights.get_mut(slot);
            let since = now.since(flight.sent).0 / 1_000;
            // A 429 on its way keeps its hint where others keep their first token.
            let streaming = flight.flags & STREAMED != 0
                && flight.ending != Ending::RateLimited
                && since >= u64::from(flight.first_us);
            flight.ending = match failure {
                _ if streaming => Ending::Broken(127),
                Failure::Status(status) => Ending::of_status(status),
                Failure::Refused(class) => Ending::Refused(class),
                Failure::RateLimited(_) => Ending::RateLimited,
                Failure::Hang | Failure::Unreachable => Ending::Unreachable,
            };
            if !streaming {
                flight.first_us = match failure {
                    Failure::RateLimited(hint) => hint_ms(hint),
                    _ => NONE,
                };
            }
            self.attempt_ended(slot);
        }
    }

    fn on_event(&mut self, event: Event) {
        let slot = event.slot();
        let flight = self.flights.get(slot);
        if flight.seq != event.seq() as u32 || flight.flags & OPEN == 0 {
            return;
        }
        match event.kind() {
            Kind::First => self.first_token(slot),
            Kind::End => self.attempt_ended(slot),
            Kind::Resume => self.resumed(slot),
        }
    }

    fn on_wake(&mut self) {
        let recorder = &mut self.recorder;
        let digest = &mut self.digest;
        self.policy.on_wake(self.now, &mut |change| {
            digest.add(change.at, Mark::State, change.to as u64, change.route.0, 0);
            recorder.changed(change);
        });
        self.wake = self.policy.next_wake().unwrap_or(Time::NEVER);
        self.look();
    }

    /// Records how the policy sees its routes.
    fn look(&mut self) {
        if self.recorder.keeps_views() {
            self.policy.show(&mut self.views);
            self.recorder.viewed(self.now, &self.views);
        }
    }

    fn on_arrival(&mut self, arrival: &Arrival) {
        self.arrived += 1;
        if self.recorder.measures(self.now) {
            self.recorder.offered(self.now);
            self.pending += 1;
        }
        let shed = self.full();
        self.digest.add(self.now, Mark::Arrival, arrival.luck, u32::from(shed), 0);
        let flight = Flight {
            arrived: self.now,
            luck: arrival.luck,
            sent: self.now,
            tag: 0,
            charge: super::limit::Charge::default(),
            prompt: arrival.prompt,
            output: arrival.output,
            route: u32::MAX,
            seq: 0,
            first_us: NONE,
            trail: 0,
            client: arrival.client,
            class: arrival.class,
            model: arrival.model,
            ending: Ending::Done,
            flags: OPEN | if arrival.streamed { STREAMED } else { 0 },
        };
        let slot = self.flights.insert(flight);
        if shed {
            return self.refused(slot, SHED, Verdict::Shed);
        }
        let request = Request {
            id: arrival.luck,
            arrived: self.now,
            model: crate::policy::ModelId(arrival.model),
            class: arrival.class,
            prompt_tokens: arrival.prompt,
            max_tokens: arrival.max_tokens,
            streamed: arrival.streamed,
            session: arrival.session,
            topic: arrival.topic,
        };
        let step = self.policy.next(self.now, &request, &[], 0, mix(arrival.luck, PLAN));
        self.take(slot, step);
    }

    /// Asks the policy what to do next with a request that has failed or waited.
    #[cold]
    fn plan(&mut self, slot: u32) {
        let flight = *self.flights.get(slot);
        let (session, topic) = self.workload.who(flight.class, flight.luck);
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
        };
        let trail = self.flights.trail(slot).unwrap_or(&self.trail);
        let call = (trail.past.len() as u64) << 20
            | u64::from(trail.waits) << 10
            | u64::from(trail.asked_again);
        let luck = mix(mix(flight.luck, PLAN), call);
        let past: &[Past] = &trail.past[trail.from..];
        let step = self.policy.next(self.now, &request, past, trail.waits, luck);
        self.take(slot, step);
    }

    fn take(&mut self, slot: u32, step: Step) {
        match step {
            Step::Send(attempt) => self.send(slot, attempt),
            Step::Wait(span) => {
                self.flights.trail_mut(slot).waits += 1;
                self.resume(slot, span);
            }
            Step::Stop { status } => self.refused(slot, status, Verdict::Failed),
        }
    }

    /// Calls for the request again after `span`, or when its client gives up, if that is earlier.
    fn resume(&mut self, slot: u32, span: Span) {
        self.seq += 1;
        self.flights.get_mut(slot).seq = self.seq as u32;
        let at = (self.now + span).min(self.gone(slot));
        self.queue.push(Event::new(at, self.seq, Kind::Resume, slot));
    }

    fn resumed(&mut self, slot: u32) {
        if self.now >= self.gone(slot) {
            return self.conclude(slot, Verdict::Failed, None);
        }
        let trail = self.flights.trail(slot);
        // Whoever waited for the policy is inside already; a client that asks again is not.
        let inside = trail.is_some_and(|trail| trail.waits > 0);
        if !inside && self.full() {
            let tried = trail.is_some_and(|trail| !trail.past.is_empty());
            return self.refused(slot, SHED, if tried { Verdict::Failed } else { Verdict::Shed });
        }
        self.plan(slot);
    }

    /// Whether the gateway has as many attempts in flight as it may.
    fn full(&self) -> bool {
        let flights = &self.flights;
        flights.flying >= self.spec.gateway.max_in_flight || flights.open >= SLOTS_MAX - 1
    }

    /// When the client of a request gives up.
    fn gone(&self, slot: u32) -> Time {
        let flight = self.flights.get(slot);
        let patience = self.spec.classes[usize::from(flight.class)].client.gives_up;
        patience.map_or(Time::NEVER, |patience| flight.arrived + patience)
    }

    fn send(&mut self, slot: u32, attempt: Attempt) {
        self.seq += 1;
        let (seq, now) = (self.seq, self.now);
        let route = attempt.route.0;
        let trail = self.flights.trail(slot);
        let visits = trail.map_or(0, |trail| {
            trail.past.iter().filter(|past| past.route == attempt.route).count()
        });
        let first = trail.is_none_or(|trail| trail.past.is_empty());
        if let (false, Some(trail)) = (first, trail) {
            debug_assert!(trail.past.len() < 10_000, "a policy retries for ever");
        }
        let flight = self.flights.get_mut(slot);
        let draft = self.stage.draft(now, flight, &attempt, visits as u64);
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
        let (luck, arrived) = (flight.luck, flight.arrived);
        self.flights.takes_off();
        self.digest.add(now, Mark::Send, luck, route, 0);
        self.recorder.attempted(arrived, now, route, first, attempt.explored);
        self.ledger.opened(route, self.recorder.measures(arrived));
        self.schedule(&draft, seq, slot, streamed);
    }

    fn schedule(&mut self, draft: &Draft, seq: u64, slot: u32, streamed: bool) {
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

    fn sent(&self, slot: u32) -> Sent {
        let flight = self.flights.get(slot);
        Sent {
            route: crate::policy::RouteId(flight.route),
            at: flight.sent,
            tag: flight.tag,
            prompt_tokens: flight.prompt,
            streamed: flight.flags & STREAMED != 0,
            heard: flight.flags & HEARD != 0,
            number: self.flights.trail(slot).map_or(0, |trail| trail.past.len() as u16),
        }
    }

    fn first_token(&mut self, slot: u32) {
        let sent = self.sent(slot);
        self.policy.on_first_token(self.now, &sent);
        let flight = self.flights.get_mut(slot);
        flight.flags |= HEARD;
        let route = flight.route;
        if let Some(limits) = self.stage.limits(self.now, route) {
            self.policy.on_headers(self.now, &sent, &limits);
        }
    }

    fn attempt_ended(&mut self, slot: u32) {
        let sent = self.sent(slot);
        let now = self.now;
        let flight = self.flights.get_mut(slot);
        let (route, started) = (flight.route, flight.sent);
        let outcome = flight.ending.outcome(flight.prompt, flight.output, flight.first_us);
        flight.flags &= !FLYING;
        self.flights.flying -= 1;
        let flight = self.flights.get(slot);
        let answered = matches!(outcome, Outcome::Done { .. } | Outcome::StreamBroken { .. });
        let Settled { output, charged } = self.stage.settle(now, flight, outcome);
        if let Some(tokens) = charged {
            self.recorder.charged(route, tokens);
        }
        let cost = if output > 0 || answered {
            self.spec.pool.routes[route as usize].cost_nano_usd(flight.prompt, output)
        } else {
            0
        };
        let (luck, arrived) = (flight.luck, flight.arrived);
        self.digest.add(now, Mark::End, luck, route, outcome.status());
        self.recorder.ended(arrived, started, route, outcome);
        self.ledger.ended(route, if self.recorder.measures(arrived) { cost } else { 0 });
        if answered
            // Headers of a response whose first token was reported have been told already.
            && !sent.heard
            && let Some(limits) = self.stage.limits(now, route)
        {
            self.policy.on_headers(now, &sent, &limits);
        }
        self.policy.on_end(now, &sent, &outcome);
        if outcome.is_done() {
            return self.done(slot, cost, output);
        }
        if self.recorder.measures(arrived) {
            self.recorder.spent(cost, output, false);
        }
        let trail = self.flights.trail_mut(slot);
        trail.past.push(Past { route: sent.route, outcome });
        trail.waits = 0;
        // Nobody waits any more, or part of the answer has been seen: nothing is left to plan.
        if matches!(outcome, Outcome::Cancelled | Outcome::StreamBroken { .. }) {
            return self.conclude(slot, Verdict::Failed, None);
        }
        self.plan(slot);
    }

    fn done(&mut self, slot: u32, cost: u64, output: u32) {
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
    fn refused(&mut self, slot: u32, status: u16, verdict: Verdict) {
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

    fn conclude(&mut self, slot: u32, verdict: Verdict, ttft: Option<Span>) {
        let flight = *self.flights.get(slot);
        self.digest.add(self.now, Mark::Result, flight.luck, verdict as u32, 0);
        if self.recorder.measures(flight.arrived) {
            self.pending -= 1;
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
