//! The world: owns everything, and its one loop.
//!
//! An attempt's end is computed when it starts (the earliest of completion, timeouts and the client's
//! patience) and is one event. Faults that cut attempts in flight, and nothing else, can change it; events of
//! an attempt that is no more are recognised by its sequence number.

use crate::engine::luck::mix;
use crate::engine::{Span, Time};
use crate::metrics::recorder::Recorder;
use crate::metrics::{FaultTape, Tape};
use crate::policy::{Policy, Pool, RouteView};

use super::attempt::Stage;
use super::check::{Breach, Ledger};
use super::digest::{Digest, Mark};
use super::fault::{Active, Replication};
use super::fleet::{self, Front, Maker, Mesh, Node, Rounds};
use super::flight::{EXPLORED, FLYING, Flights, OPEN, Trail};
use super::operate::edges;
use super::prefix::Prefixes;
use super::queue::{Event, EventQueue, Kind, Wheel};
use super::script::Script;
use super::spec::{Spec, What};
use super::telling::Telling;
use super::tenancy::Desk;
use super::watch::Watch;
use super::workload::Workload;

/// One run in progress.
pub struct World<'a, Q = Wheel> {
    pub(super) spec: &'a Spec,
    /// The processes of the gateway.
    pub(super) nodes: Vec<Node>,
    pub(super) front: Front,
    pub(super) mesh: Mesh,
    /// What processes tell each other of what tenants have used.
    pub(super) rounds: Rounds,
    /// Makes the policy of a process that starts.
    pub(super) maker: Option<Maker<'a>>,
    pub(super) workload: Workload,
    pub(super) queue: Q,
    pub(super) seq: u64,
    pub(super) seed: u64,
    pub(super) now: Time,
    pub(super) flights: Flights,
    pub(super) stage: Stage,
    /// Moments at which faults begin or end, an operator changes something or something happens to a node,
    /// ascending: (moment, which one, begins).
    pub(super) edges: Vec<(Time, usize, bool)>,
    pub(super) next_edge: usize,
    /// The earliest wake of any node.
    pub(super) wake: Time,
    pub(super) recorder: Recorder,
    pub(super) views: Vec<RouteView>,
    pub(super) digest: Digest,
    pub(super) ledger: Ledger,
    /// Measured requests that have no result yet.
    pub(super) pending: u64,
    pub(super) arrivals_until: Time,
    /// When to look again whether the run is over, after the horizon.
    pub(super) next_look: Time,
    /// Requests that arrived, measured or not.
    pub(super) arrived: u64,
    pub(super) first_tokens: bool,
    pub(super) telling: Telling,
    pub(super) trail: Trail,
    /// What the luck of decisions is mixed with.
    pub(super) plan_luck: u64,
    pub(super) watch: Option<Box<Watch>>,
    /// Who may use what, if that is limited.
    pub(super) desk: Option<Desk<'a>>,
    /// What prompts have in common, if the scenario says it.
    pub(super) prefixes: Option<Prefixes<'a>>,
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

    /// A world at time zero whose gateway has the nodes that the spec names, each of so many processes. The first
    /// process has `seed` as its key.
    ///
    /// # Errors
    /// What `maker` says.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn of_nodes(
        spec: &'a Spec,
        maker: Maker<'a>,
        processes: u32,
        seed: u64,
        replication: Replication,
    ) -> Result<Self, String> {
        let nodes = fleet::start(spec, &maker, processes, seed)?;
        let front = Front::new(&spec.gateway.fleet, processes);
        Ok(Self::built(spec, nodes, front, Some(maker), seed, replication))
    }

    /// The same with a script in the place of providers.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn scripted(
        spec: &'a Spec,
        policy: Box<dyn Policy>,
        seed: u64,
        replication: Replication,
        script: Script,
    ) -> Self {
        let mut world = Self::new(spec, policy, seed, replication);
        world.stage.script = Some(script);
        world
    }
}

impl<'a, Q: EventQueue> World<'a, Q> {
    /// The same with a queue of one's choice.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn with_queue(
        spec: &'a Spec,
        policy: Box<dyn Policy>,
        seed: u64,
        replication: Replication,
    ) -> Self {
        assert_eq!(spec.gateway.fleet.nodes.len(), 1, "several nodes need several policies");
        let mut node = Node::new(policy, 0, Time::ZERO);
        fleet::leave_out(spec, node.policy.as_mut(), Time::ZERO);
        if spec.history > Span::ZERO {
            let past = super::history::clean_past(spec, seed);
            node.policy.remember(Time::ZERO, spec.history, &past);
        }
        let front = Front::new(&spec.gateway.fleet, 1);
        Self::built(spec, vec![node], front, None, seed, replication)
    }

    fn built(
        spec: &'a Spec,
        nodes: Vec<Node>,
        front: Front,
        maker: Option<Maker<'a>>,
        seed: u64,
        replication: Replication,
    ) -> Self {
        spec.assert_sound();
        let reloads = spec.changes.iter().any(|change| change.what == What::Reload);
        assert!(maker.is_some() || !reloads, "a reload needs somebody who makes policies");
        let mut faults: Vec<Active> =
            spec.faults.iter().map(|fault| Active::new(fault, seed, replication)).collect();
        if let Some(incidents) = &spec.incidents {
            let drawn = super::fault::draw(incidents, spec, seed);
            faults.extend(drawn.iter().map(|fault| Active::new(fault, seed, replication)));
        }
        let edges = edges(spec, &faults);
        let tapes = faults
            .iter()
            .map(|active| FaultTape {
                name: active.fault.name.clone(),
                start: active.start,
                end: active.end,
                routes: active.fault.routes.clone(),
                seen_from: active.fault.seen_from,
                first_per_s: Vec::new(),
                base_per_s: Vec::new(),
            })
            .collect();
        let patience = spec.longest_deadline();
        let regions = spec.gateway.fleet.regions.len() as u8;
        let recorder = Recorder::new(spec.horizon, &spec.pool, regions, tapes);
        let ranks = nodes[0].policy.ranks_providers();
        let desk = spec.tenancy.as_ref().map(|tenancy| {
            Desk::new(
                tenancy,
                &spec.pool,
                spec.classes.len(),
                (nodes.len(), ranks),
                recorder.bins(),
                Time(spec.horizon.0),
            )
        });
        let mut world = Self {
            workload: Workload::new(spec, seed),
            queue: Q::default(),
            seq: 0,
            seed,
            now: Time::ZERO,
            flights: Flights::default(),
            stage: Stage::new(spec, faults, seed),
            edges,
            next_edge: 0,
            wake: fleet::next_wake(&nodes),
            recorder,
            views: vec![RouteView::default(); spec.pool.routes.len()],
            digest: Digest::default(),
            ledger: Ledger::new(spec.pool.routes.len()),
            pending: 0,
            arrivals_until: Time(spec.horizon.0) + patience,
            next_look: Time(spec.horizon.0),
            arrived: 0,
            first_tokens: nodes[0].policy.wants_first_token(),
            telling: Telling::new(nodes[0].policy.sees(), spec.pool.routes.len()),
            trail: Trail::default(),
            plan_luck: super::request::PLAN,
            watch: None,
            mesh: Mesh::new(spec, &nodes, seed),
            rounds: Rounds::new(spec, nodes.len(), seed),
            desk,
            prefixes: Prefixes::new(spec),
            spec,
            nodes,
            front,
            maker,
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

    /// The same world, but with other luck for the policy's own draws: what two builds of one policy differ in
    /// when they draw otherwise. 0 changes nothing.
    #[must_use]
    pub const fn with_luck_key(mut self, key: u64) -> Self {
        if key != 0 {
            self.plan_luck = mix(super::request::PLAN, key);
        }
        self
    }

    /// Why the policy cannot go on, if it cannot: what it did since is not its own.
    pub fn trouble(&self) -> Option<String> {
        self.nodes.iter().find_map(|node| node.policy.trouble())
    }

    /// Has the run followed from here on.
    pub fn follow(&mut self, watch: Watch) {
        self.watch = Some(Box::new(watch));
    }

    /// Who follows the run.
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    /// Takes the watch, and with it what it saw.
    pub fn unfollow(&mut self) -> Option<Watch> {
        self.watch.take().map(|watch| *watch)
    }

    /// What is on the tape so far.
    pub const fn tape(&self) -> &Tape {
        self.recorder.tape()
    }

    /// Digest of the events so far.
    pub const fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// What the gateway can route to.
    pub const fn pool(&self) -> &Pool {
        &self.spec.pool
    }

    /// Who routes.
    pub fn policy(&self) -> &dyn Policy {
        self.nodes[0].policy.as_ref()
    }

    /// Requests that have arrived.
    pub const fn arrived(&self) -> u64 {
        self.arrived
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
        if let Some(desk) = self.desk {
            desk.check()?;
            (tape.tenants, tape.rules) = desk.finish();
        }
        tape.arrived = self.arrived;
        tape.cluster = self.mesh.finish();
        Ok(tape)
    }

    /// Handles the next event. Gives false when the run is over.
    fn step(&mut self) -> bool {
        let edge = self.edges.get(self.next_edge).map_or(Time::NEVER, |edge| edge.0);
        let arrival = self.workload.peek();
        let inner = self.wake.min(self.telling.next).min(self.mesh.next).min(self.rounds.next);
        let other = edge.min(arrival).min(inner);
        let last = if self.pending == 0 { Time(self.spec.horizon.0) } else { self.arrivals_until };
        // At one moment a fault comes before an attempt, and an attempt before everything else.
        let bound = if edge == other { Time(edge.0.saturating_sub(1)) } else { other }.min(last);
        let (flights, desk) = (&self.flights, &self.desk);
        let soon = |event: Event| {
            let node = flights.fetch(event.slot());
            if let Some(desk) = desk.as_ref().filter(|_| event.kind() == Kind::End) {
                desk.fetch(event.slot(), usize::from(node));
            }
        };
        if let Some(event) = self.queue.pop_until(bound, soon) {
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
        } else if self.telling.next == other {
            self.telling.on_grid(other, &mut self.stage, &mut self.nodes);
        } else if self.mesh.next == other {
            self.mesh.on_time(other, &mut self.nodes, &mut self.digest);
        } else if self.rounds.next == other {
            if let Some(desk) = &mut self.desk {
                self.rounds.on_time(other, &self.nodes, desk, &mut self.digest);
            }
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
            let Some(active) = self.stage.faults.get(fault) else {
                self.operate(at, fault - self.stage.faults.len());
                continue;
            };
            if let Some(watch) = &mut self.watch {
                watch.edge(at, &active.fault.name, &active.fault.routes, begins);
            }
            let cuts = begins && active.cuts();
            self.stage.edge(fault, begins);
            if cuts {
                cutting.push(fault);
            }
        }
        if !cutting.is_empty() {
            self.cut(&cutting);
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
            Kind::End if flight.flags & FLYING == 0 => self.answered_from_store(slot),
            Kind::End => self.attempt_ended(slot),
            Kind::Resume => self.resumed(slot),
        }
    }

    /// The policy of the first process that is due wakes.
    fn on_wake(&mut self) {
        let at = self.nodes.iter().position(|node| node.wake == self.wake);
        let at = at.expect("the earliest wake is somebody's");
        let recorder = &mut self.recorder;
        let digest = &mut self.digest;
        let watch = &mut self.watch;
        let node = &mut self.nodes[at];
        node.policy.on_wake(self.now, &mut |change| {
            if let (0, Some(watch)) = (at, watch.as_mut()) {
                watch.changed(change);
            }
            digest.add(change.at, Mark::State, change.to as u64, change.route.0, at as u16);
            // Of several nodes, the first stands for all: states of one make a history, those of many do not.
            if at == 0 {
                recorder.changed(change);
            }
        });
        node.wake = node.policy.next_wake().unwrap_or(Time::NEVER);
        self.wake = fleet::next_wake(&self.nodes);
        if at == 0 {
            self.look();
        }
    }

    /// Records how the policy of the first process sees its routes.
    pub(super) fn look(&mut self) {
        if self.recorder.keeps_views() {
            self.nodes[0].policy.show(&mut self.views);
            self.recorder.viewed(self.now, &self.views);
        }
    }
}
