//! The processes of a gateway among each other: the gossip that each embeds, driven over the simulated network,
//! and the books on what comes of it.
//!
//! What is simulated is the very object of [`crate::cluster`]. Each process publishes its engine's report at the
//! scenario's interval, out of phase with the others, and within 10 ms when a provider refused a key or a
//! request for its rate, at most ten times a second.

use std::collections::BTreeMap;

use crate::cluster::{Config, Gossip, Member, Scope};
use crate::engine::luck::{mix, name};
use crate::engine::{HoldClass, Outcome, Report, RouteReport, Span, Time};
use crate::metrics::cluster::{ClusterTape, Distance, HoldSpread, PROBE_TELLS};
use crate::policy::{Pool, RouteView, Share};
use crate::sim::digest::{Digest, Mark};
use crate::sim::spec::Spec;

use super::network::Wire;
use super::node::Node;

const GOSSIP: u64 = name("gossip");
/// From a refusal until it is told.
const AT_ONCE: Span = Span::from_millis(10);
/// Between two reports of one process.
const BREATH: Span = Span::from_millis(100);
const SAMPLES: Span = Span::from_secs(1);
/// Bifrost, documentation of 2026: a leader stores holds every 30 s.
const STORES: Span = Span::from_secs(30);
/// Who stored holds are heard from.
const STORE: u64 = u64::MAX;

/// What is between processes; idle where there is one.
#[derive(Debug)]
pub(in crate::sim) struct Mesh {
    /// When something happens here next.
    pub(in crate::sim) next: Time,
    parts: Option<Box<Parts>>,
}

#[derive(Debug)]
struct Parts {
    scope: Option<Scope>,
    every: Span,
    seed: u64,
    horizon: Time,
    seats: Vec<Seat>,
    wire: Wire,
    /// In order of time, then of scheduling.
    due: BTreeMap<(Time, u64), Due>,
    scheduled: u64,
    /// Index of each route by the engine's name for it.
    routes: BTreeMap<u64, u32>,
    models: Vec<u16>,
    views: Vec<Vec<RouteView>>,
    holds: BTreeMap<u32, Episode>,
    /// By route, the last probe and whose it was.
    probed: Vec<Option<(Time, usize)>>,
    stored: Option<(Time, Report)>,
    tape: ClusterTape,
}

/// The place of one process.
#[derive(Debug)]
struct Seat {
    me: Member,
    /// `None` while it is gone, or where nothing is shared.
    gossip: Option<Gossip>,
    up: bool,
    /// When its gossip wakes, as scheduled.
    wakes: Time,
    /// When it publishes next besides the regular turns.
    urgent: Time,
    published: Time,
}

#[derive(Debug)]
enum Due {
    Wake(usize),
    Arrive { to: usize, bytes: Vec<u8> },
    Turn(usize),
    Urgent(usize),
    Sample,
    Store,
}

/// A refused key on its way to be known.
#[derive(Debug)]
struct Episode {
    first: Time,
    knows: Vec<bool>,
    all: bool,
}

impl Mesh {
    /// For the processes of a world at time zero.
    pub(in crate::sim) fn new(spec: &Spec, nodes: &[Node], seed: u64) -> Self {
        if nodes.len() == 1 {
            return Self { next: Time::NEVER, parts: None };
        }
        let mut parts = Parts::new(spec, nodes, seed);
        parts.begin();
        let mut mesh = Self { next: Time::NEVER, parts: Some(Box::new(parts)) };
        mesh.schedule();
        mesh
    }

    /// Whether there is more than one process.
    #[inline]
    pub(in crate::sim) const fn is_idle(&self) -> bool {
        self.parts.is_none()
    }

    fn schedule(&mut self) {
        let parts = self.parts.as_ref();
        let first = parts.and_then(|parts| parts.due.first_key_value());
        self.next = first.map_or(Time::NEVER, |((at, _), _)| *at);
    }

    /// What is due now.
    pub(in crate::sim) fn on_time(&mut self, now: Time, nodes: &mut [Node], digest: &mut Digest) {
        if let Some(parts) = &mut self.parts {
            while let Some(entry) = parts.due.first_entry()
                && entry.key().0 <= now
            {
                let due = entry.remove();
                parts.handle(now, due, nodes, digest);
            }
        }
        self.schedule();
    }

    /// An attempt of a process, sent at that moment, ended.
    #[inline]
    pub(in crate::sim) fn ended(
        &mut self,
        now: Time,
        at: usize,
        sent: Time,
        route: u32,
        outcome: Outcome,
    ) {
        let Some(parts) = &mut self.parts else { return };
        match outcome {
            Outcome::KeyRefused { .. } => {
                parts.knows(now, at, route);
                parts.urge(now, at);
            }
            Outcome::RateLimited { .. } => parts.urge(now, at),
            Outcome::Done { .. } if !parts.holds.is_empty() => return parts.worked(route, sent),
            _ => return,
        }
        self.schedule();
    }

    /// A process tries a faulted route to learn about it.
    #[cold]
    pub(in crate::sim) fn probed(&mut self, now: Time, at: usize, route: u32) {
        let Some(parts) = &mut self.parts else { return };
        let last = parts.probed[route as usize].replace((now, at));
        parts.tape.probes += 1;
        let again = last.is_some_and(|(then, who)| who != at && now.since(then) < PROBE_TELLS);
        parts.tape.duplicated += u64::from(again);
    }

    /// A process says goodbye: it will soon be gone.
    pub(in crate::sim) fn leaves(&mut self, now: Time, at: usize) {
        if let Some(parts) = &mut self.parts {
            if let Some(gossip) = &mut parts.seats[at].gossip {
                gossip.leave(now);
            }
            parts.post(now, at);
            parts.seats[at].gossip = None;
        }
        self.schedule();
    }

    /// A process is gone.
    pub(in crate::sim) fn died(&mut self, at: usize) {
        if let Some(parts) = &mut self.parts {
            (parts.seats[at].gossip, parts.seats[at].up) = (None, false);
            parts.holds.values_mut().for_each(|episode| episode.knows[at] = false);
        }
    }

    /// A process started, with what was stored if it asks for it.
    pub(in crate::sim) fn started(&mut self, now: Time, at: usize, node: &mut Node, holds: bool) {
        if let Some(parts) = &mut self.parts {
            parts.started(now, at);
            if let Some((stored, report)) = parts.stored.as_ref().filter(|_| holds) {
                node.policy.hear(now, STORE, *stored, report);
            }
        }
        self.schedule();
    }

    /// What there is to say of it all, at the end.
    pub(in crate::sim) fn finish(self) -> Option<Box<ClusterTape>> {
        let mut parts = self.parts?;
        for (route, episode) in std::mem::take(&mut parts.holds) {
            if !episode.all {
                parts.tape.holds.push(HoldSpread { route, first: episode.first, last: None });
            }
        }
        parts.tape.holds.sort_unstable_by_key(|hold| (hold.first, hold.route));
        Some(Box::new(parts.tape))
    }
}

impl Parts {
    fn new(spec: &Spec, nodes: &[Node], seed: u64) -> Self {
        let fleet = &spec.gateway.fleet;
        let processes = nodes.len() / fleet.nodes.len();
        let scope = match nodes[0].policy.shares() {
            Share::Nothing => None,
            Share::LimitsInRegion => Some(Scope::LimitsInRegion),
            Share::Everything => Some(Scope::Everything),
        };
        let seat = |(at, node): (usize, &Node)| Seat {
            me: Member::new(at as u32, u32::from(node.region)),
            gossip: None,
            up: true,
            wakes: Time::NEVER,
            urgent: Time::NEVER,
            published: Time::ZERO,
        };
        let routes = spec.pool.routes.len();
        Self {
            scope,
            every: fleet.share_every,
            seed: mix(seed, GOSSIP),
            horizon: Time::ZERO + spec.horizon,
            seats: nodes.iter().enumerate().map(seat).collect(),
            wire: Wire::new(fleet, processes, seed),
            due: BTreeMap::new(),
            scheduled: 0,
            routes: identities(&spec.pool),
            models: spec.pool.routes.iter().map(|route| route.model.0).collect(),
            views: vec![vec![RouteView::default(); routes]; nodes.len()],
            holds: BTreeMap::new(),
            probed: vec![None; routes],
            stored: None,
            tape: ClusterTape {
                processes: nodes.len() as u32,
                shares: scope.is_some(),
                ..ClusterTape::default()
            },
        }
    }

    /// The gateway starts in mid-life: its processes know each other.
    fn begin(&mut self) {
        self.at(Time::ZERO + SAMPLES, Due::Sample);
        if self.scope.is_none() {
            return;
        }
        let members: Vec<Member> = self.seats.iter().map(|seat| seat.me).collect();
        let of = self.seats.len();
        for at in 0..of {
            let mut gossip = self.gossip(at);
            gossip.know(Time::ZERO, members.iter().copied());
            self.seats[at].gossip = Some(gossip);
            self.post(Time::ZERO, at);
            let phase = self.every.times((at + 1) as f64 / of as f64);
            self.at(Time::ZERO + phase, Due::Turn(at));
        }
        self.at(Time::ZERO + STORES, Due::Store);
    }

    fn gossip(&self, at: usize) -> Gossip {
        let scope = self.scope.expect("only what is shared is told");
        let me = self.seats[at].me;
        let seed = mix(mix(self.seed, at as u64), u64::from(me.life));
        Gossip::new(Config::new(scope, self.seats.len()), me, seed)
    }

    fn at(&mut self, at: Time, due: Due) {
        self.due.insert((at, self.scheduled), due);
        self.scheduled += 1;
    }

    fn handle(&mut self, now: Time, due: Due, nodes: &mut [Node], digest: &mut Digest) {
        match due {
            Due::Wake(at) => {
                if self.seats[at].wakes != now {
                    return;
                }
                self.seats[at].wakes = Time::NEVER;
                if let Some(gossip) = &mut self.seats[at].gossip {
                    gossip.wake(now);
                }
                self.post(now, at);
            }
            Due::Arrive { to, bytes } => {
                digest.add(now, Mark::Gossip, bytes.len() as u64, to as u32, 0);
                let Some(gossip) = &mut self.seats[to].gossip else { return };
                gossip.receive(now, &bytes);
                self.hear(now, to, &mut nodes[to]);
                self.post(now, to);
            }
            Due::Turn(at) => {
                self.publish(now, at, &nodes[at]);
                self.at(now + self.every, Due::Turn(at));
            }
            Due::Urgent(at) => {
                if self.seats[at].urgent == now {
                    self.seats[at].urgent = Time::NEVER;
                    self.publish(now, at, &nodes[at]);
                }
            }
            Due::Sample => {
                self.sample(now, nodes);
                if now + SAMPLES <= self.horizon {
                    self.at(now + SAMPLES, Due::Sample);
                }
            }
            Due::Store => {
                self.store(now, nodes);
                self.at(now + STORES, Due::Store);
            }
        }
    }

    /// A process tells the others what it knows by itself. One that nobody has answered yet asks again.
    fn publish(&mut self, now: Time, at: usize, node: &Node) {
        let through = self.door(at);
        let seat = &mut self.seats[at];
        let Some(gossip) = &mut seat.gossip else { return };
        if let Some(through) = through
            && gossip.members().is_empty()
        {
            gossip.join(now, through);
        }
        seat.published = now;
        gossip.publish(now, &node.policy.report(now));
        self.post(now, at);
    }

    /// Another process that is there: the next in turn, so that no single one is everybody's door.
    fn door(&self, at: usize) -> Option<u32> {
        let of = self.seats.len();
        let next = (1..of).map(|by| (at + by) % of).find(|&other| self.seats[other].up)?;
        Some(self.seats[next].me.id)
    }

    /// A process has something that cannot wait.
    fn urge(&mut self, now: Time, at: usize) {
        let seat = &mut self.seats[at];
        if seat.gossip.is_some() && seat.urgent == Time::NEVER {
            seat.urgent = (now + AT_ONCE).max(seat.published + BREATH);
            let urgent = seat.urgent;
            self.at(urgent, Due::Urgent(at));
        }
    }

    /// Sends what a process wants sent, and schedules its next wake.
    fn post(&mut self, now: Time, at: usize) {
        let Some(gossip) = &mut self.seats[at].gossip else { return };
        let (packets, wake) = (gossip.outbox(), gossip.next_wake());
        for packet in packets {
            let to = packet.to as usize;
            self.tape.packets += 1;
            self.tape.bytes += packet.bytes.len() as u64;
            match self.wire.send(now, at, to) {
                [None, _] => self.tape.lost += 1,
                [Some(once), again] => {
                    if let Some(again) = again {
                        self.at(again, Due::Arrive { to, bytes: packet.bytes.clone() });
                    }
                    self.at(once, Due::Arrive { to, bytes: packet.bytes });
                }
            }
        }
        if let Some(wake) = wake
            && wake < self.seats[at].wakes
        {
            self.seats[at].wakes = wake.max(now);
            self.at(wake.max(now), Due::Wake(at));
        }
    }

    /// Hands a process's policy what came for it.
    fn hear(&mut self, now: Time, at: usize, node: &mut Node) {
        while let Some(heard) = self.seats[at].gossip.as_mut().and_then(Gossip::heard) {
            node.policy.hear(now, u64::from(heard.peer), heard.sent_at, &heard.report);
            for route in heard.report.routes.iter().filter(|route| is_refused(route)) {
                if let Some(&route) = self.routes.get(&route.identity)
                    && self.holds.contains_key(&route)
                {
                    self.knows(now, at, route);
                }
            }
        }
    }

    /// A process knows that a key is refused.
    fn knows(&mut self, now: Time, at: usize, route: u32) {
        let of = self.seats.len();
        let episode = self.holds.entry(route).or_insert_with(|| Episode {
            first: now,
            knows: vec![false; of],
            all: false,
        });
        episode.knows[at] = true;
        let missing = self.seats.iter().zip(&episode.knows).any(|(seat, knows)| seat.up && !knows);
        if !episode.all && !missing {
            episode.all = true;
            let hold = HoldSpread { route, first: episode.first, last: Some(now) };
            self.tape.holds.push(hold);
        }
    }

    /// An attempt at a route was served: a key that was refused before it was sent works again.
    fn worked(&mut self, route: u32, sent: Time) {
        if self.holds.get(&route).is_some_and(|episode| sent >= episode.first)
            && let Some(episode) = self.holds.remove(&route)
            && !episode.all
        {
            self.tape.holds.push(HoldSpread { route, first: episode.first, last: None });
        }
    }

    fn started(&mut self, now: Time, at: usize) {
        self.seats[at].up = true;
        self.seats[at].me.life += 1;
        (self.seats[at].wakes, self.seats[at].urgent) = (Time::NEVER, Time::NEVER);
        if self.scope.is_some() {
            let mut gossip = self.gossip(at);
            if let Some(through) = self.door(at) {
                gossip.join(now, through);
            }
            self.seats[at].gossip = Some(gossip);
            self.post(now, at);
        }
    }

    /// How far the processes that are there are apart.
    fn sample(&mut self, now: Time, nodes: &[Node]) {
        let up: Vec<usize> = (0..nodes.len()).filter(|&at| self.seats[at].up).collect();
        for &at in &up {
            self.views[at].fill(RouteView::default());
            nodes[at].policy.show(&mut self.views[at]);
        }
        let shown = |at: usize| self.views[at].iter().any(|view| view.expected > 0.0);
        if up.len() < 2 || !up.iter().all(|&at| shown(at)) {
            return;
        }
        let models = usize::from(self.models.iter().copied().max().unwrap_or(0)) + 1;
        let (mut sum, mut max, mut pairs) = (0.0, 0.0f64, 0u32);
        let mut apart = vec![0.0; models];
        for (i, &a) in up.iter().enumerate() {
            for &b in &up[..i] {
                apart.fill(0.0);
                let views = self.views[a].iter().zip(&self.views[b]);
                for (&model, (a, b)) in self.models.iter().zip(views) {
                    apart[usize::from(model)] += (a.expected - b.expected).abs() / 2.0;
                }
                pairs += 1;
                sum += apart.iter().sum::<f64>() / models as f64;
                max = apart.iter().copied().fold(max, f64::max);
            }
        }
        self.tape.distances.push(Distance { at: now, mean: sum / f64::from(pairs), max });
    }

    /// The leader, the first process that is there, stores what is held.
    fn store(&mut self, now: Time, nodes: &[Node]) {
        let Some(leader) = self.seats.iter().position(|seat| seat.up) else { return };
        let mut report = nodes[leader].policy.report(now);
        report.routes.retain(|route| route.held.is_some());
        for route in &mut report.routes {
            let RouteReport { identity: _, sums, all, since_error, limited_for, held: _, released } =
                route;
            (*sums, *all) = Default::default();
            (*since_error, *limited_for, *released) = (None, None, None);
        }
        self.stored = Some((now, report));
    }
}

fn is_refused(route: &RouteReport) -> bool {
    route.held.is_some_and(|held| matches!(held.class, HoldClass::Refused(_)))
}

/// Routes by the name that an engine knows them by.
fn identities(pool: &Pool) -> BTreeMap<u64, u32> {
    let named = |(at, route): (usize, &crate::policy::RouteInfo)| {
        let provider = &pool.providers[usize::from(route.provider.0)];
        let model = &pool.models[usize::from(route.model.0)];
        let route = crate::engine::Route::new(provider, model, &route.key).region(&route.region);
        (name(&route.name()), at as u32)
    };
    pool.routes.iter().enumerate().map(named).collect()
}
