//! One node of a gossiping gateway.

use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use foca::{Foca, Notification, PeriodicParams, Runtime, Timer};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::engine::{Report, Span, Time};

use super::codec::Compact;
use super::member::Member;
use super::shelf::Shelf;
use super::wire::{Scope, encode};

/// How a node gossips. The intervals are those of HashiCorp's memberlist in a LAN, which the vendor's gateway
/// uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// What is shared.
    pub scope: Scope,
    /// How often one other node is probed; twice that without an answer, and it is suspected.
    pub probe_every: Span,
    /// How long a probe may take before others are asked to try. Less than `probe_every`.
    pub probe_rtt: Span,
    /// How long a suspect has to object.
    pub suspect_for: Span,
    /// How often news is passed on.
    pub gossip_every: Span,
    /// To how many at once.
    pub fanout: NonZeroUsize,
    /// How often each node passes on one piece of news.
    pub transmissions: NonZeroU8,
    /// Longest packet in bytes.
    pub packet: NonZeroUsize,
}

impl Config {
    /// For about so many nodes.
    pub fn new(scope: Scope, nodes: usize) -> Self {
        // memberlist: retransmissions = 4 × ⌈log10(N + 1)⌉, suspicion = 4 × max(1, log10 N) probe intervals.
        let decades = libm::ceil(libm::log10(nodes as f64 + 1.0));
        let transmissions = NonZeroU8::new((4.0 * decades) as u8);
        Self {
            scope,
            probe_every: Span::from_secs(1),
            probe_rtt: Span::from_millis(500),
            suspect_for: Span::from_secs_f64(4.0 * libm::log10(nodes as f64).max(1.0)),
            gossip_every: Span::from_millis(200),
            fanout: const { NonZeroUsize::new(3).expect("three") },
            transmissions: transmissions.unwrap_or(NonZeroU8::MIN),
            packet: const { NonZeroUsize::new(1_400).expect("many") },
        }
    }

    fn foca(&self) -> foca::Config {
        let duration = |span: Span| Duration::from_nanos(span.0);
        let each = |frequency: Span, num_members| {
            Some(PeriodicParams { frequency: duration(frequency), num_members })
        };
        foca::Config {
            probe_period: duration(self.probe_every),
            probe_rtt: duration(self.probe_rtt),
            num_indirect_probes: self.fanout,
            max_transmissions: self.transmissions,
            suspect_to_down_after: duration(self.suspect_for),
            remove_down_after: Some(Duration::from_secs(86_400)),
            max_packet_size: self.packet,
            notify_down_members: true,
            periodic_announce: each(Span::from_secs(30), NonZeroUsize::MIN),
            // Sides of a partition that took each other for dead find together again by this.
            periodic_announce_to_down_members: each(Span::from_secs(5), NonZeroUsize::MIN),
            periodic_gossip: each(self.gossip_every, self.fanout),
        }
    }
}

/// A packet to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The node that it is for.
    pub to: u32,
    /// What to send.
    pub bytes: Vec<u8>,
}

/// A whole report of another node, for [`Engine::hear`](crate::engine::Engine::hear).
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Whose.
    pub peer: u32,
    /// When it was sent, by that node's clock.
    pub sent_at: Time,
    /// What it said.
    pub report: Report,
}

/// A node came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there.
    Up(u32),
    /// It left, or nobody reaches it.
    Down(u32),
}

/// One node. Everything happens in its methods, and what it wants sent lies in its outbox afterwards.
pub struct Gossip {
    me: Member,
    config: Config,
    foca: Foca<Member, Compact, ChaCha8Rng, Shelf>,
    desk: Desk,
    heard: Receiver<Heard>,
}

/// What `foca` wants done.
#[derive(Debug, Default)]
struct Desk {
    now: Time,
    /// Order of timers of one moment.
    next: u64,
    timers: BTreeMap<(Time, u64), Timer<Member>>,
    out: Vec<Packet>,
    changes: Vec<Change>,
    /// It was taken for dead and lives again under a new identity, which nobody has written to yet.
    reborn: bool,
}

impl std::fmt::Debug for Gossip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gossip").field("me", &self.me).finish_non_exhaustive()
    }
}

impl Gossip {
    /// A node on its own.
    pub fn new(config: Config, me: Member, seed: u64) -> Self {
        let (told, heard) = channel();
        let shelf = Shelf::new(me, config.scope, told);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let foca = Foca::with_custom_broadcast(me, config.foca(), rng, Compact, shelf);
        Self { me, config, foca, desk: Desk::default(), heard }
    }

    /// Asks a node to let this one in. Ask again, or another, if nothing comes of it.
    pub fn join(&mut self, now: Time, through: u32) {
        self.desk.now = now;
        let gate = Member { id: through, region: 0, life: 0 };
        self.foca.announce(gate, &mut self.desk).expect("an announcement fits into a packet");
    }

    /// Takes these nodes for present: for a gateway that starts knowing its nodes.
    pub fn know(&mut self, now: Time, members: impl IntoIterator<Item = Member>) {
        self.desk.now = now;
        let others = members.into_iter().filter(|member| member.id != self.me.id);
        self.foca
            .apply_many(others.map(foca::Member::alive), false, &mut self.desk)
            .expect("a member fits into a packet");
    }

    /// Says goodbye.
    pub fn leave(&mut self, now: Time) {
        self.desk.now = now;
        self.foca.leave_cluster(&mut self.desk).expect("a farewell fits into a packet");
    }

    /// Tells the others what this node's engine knows by itself.
    pub fn publish(&mut self, now: Time, report: &Report) {
        self.desk.now = now;
        // Room for the head of the packet and some news of members.
        let room = self.config.packet.get() - ENVELOPE;
        let origin = (self.me.id, self.me.region);
        for part in encode(origin, now, report, self.config.scope, room) {
            self.foca.add_broadcast(&part).expect("parts fit into packets");
        }
        self.foca.broadcast(&mut self.desk).expect("parts fit into packets");
        self.call();
    }

    /// Calls those it knows, until one of them writes to what it is now. Two nodes that take each other for dead at one
    /// time are both somebody else from then on, and each would wait for ever to be written to; of three, the third
    /// tells them.
    fn call(&mut self) {
        if !self.desk.reborn {
            return;
        }
        let known: Vec<Member> =
            self.foca.iter_membership_state().map(|member| *member.id()).collect();
        for member in known {
            self.foca.announce(member, &mut self.desk).expect("an announcement fits into a packet");
        }
    }

    /// A packet came. Packets that mean nothing, or are for somebody else, are dropped.
    pub fn receive(&mut self, now: Time, bytes: &[u8]) {
        self.desk.now = now;
        let _ = self.foca.handle_data(bytes, &mut self.desk);
    }

    /// When [`Gossip::wake`] is to be called; `None` for never.
    pub fn next_wake(&self) -> Option<Time> {
        self.desk.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Time) {
        self.desk.now = now;
        while let Some(entry) = self.desk.timers.first_entry()
            && entry.key().0 <= now
        {
            let timer = entry.remove();
            // Timers of a former life are old; of an unfinished probe, foca says so and goes on.
            let _ = self.foca.handle_timer(timer, &mut self.desk);
        }
    }

    /// What is to be sent, and is not there any more.
    pub fn outbox(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.desk.out)
    }

    /// The next report that came, oldest first.
    pub fn heard(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }

    /// Who came and went since the last call.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.desk.changes)
    }

    /// The nodes that it takes for present, itself apart, ascending.
    pub fn members(&self) -> Vec<Member> {
        let mut members: Vec<_> = self.foca.iter_members().map(|member| *member.id()).collect();
        members.sort_unstable();
        members
    }
}

/// Bytes of a packet that are not for reports.
const ENVELOPE: usize = 200;

impl Runtime<Member> for Desk {
    fn notify(&mut self, notification: Notification<'_, Member>) {
        match notification {
            Notification::MemberUp(member) => self.changes.push(Change::Up(member.id)),
            Notification::MemberDown(member) => self.changes.push(Change::Down(member.id)),
            Notification::Rejoin(_) => self.reborn = true,
            Notification::Active => self.reborn = false,
            Notification::Rename(..) | Notification::Idle | Notification::Defunct => {}
        }
    }

    fn send_to(&mut self, to: Member, data: &[u8]) {
        self.out.push(Packet { to: to.id, bytes: data.to_vec() });
    }

    fn submit_after(&mut self, event: Timer<Member>, after: Duration) {
        let after = Span(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX));
        self.timers.insert((self.now + after, self.next), event);
        self.next += 1;
    }
}
