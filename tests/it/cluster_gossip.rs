//! The gossip that a gateway embeds, around real engines, over a network that loses, doubles and splits: whatever
//! happened, nodes agree once it is over, and nothing that was released comes back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use windtunnel::cluster::{Change, Config, Gossip, Member, Scope};
use windtunnel::engine::{Outcome, Reason, Refusal, Span, Time, luck};

use super::engine_host::{DONE, Host, params};

/// What happens at one second of a history.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// From now on only nodes of one side reach each other; bit i is the side of node i.
    Split(u8),
    /// A provider refuses the key of a node's pinned request.
    Refuse(u8),
    /// It serves it.
    Serve(u8),
    /// A node dies and comes back at once, knowing nothing.
    Restart(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => any::<u8>().prop_map(Act::Split),
        2 => any::<u8>().prop_map(Act::Refuse),
        1 => any::<u8>().prop_map(Act::Serve),
        1 => any::<u8>().prop_map(Act::Restart),
    ]
}

/// Nodes of two regions with two keys each, out of phase, over a network of 20 to 80 ms.
struct Bed {
    now: Time,
    nodes: Vec<(Host, Gossip)>,
    lives: Vec<u32>,
    /// Packets under way by arrival and order of sending.
    wire: BTreeMap<(Time, u64), (usize, Vec<u8>)>,
    sent: u64,
    sides: u8,
    seed: u64,
    scope: Scope,
    /// By hearer and speaker, the moment of the newest report.
    newest: BTreeMap<(usize, u32), Time>,
    /// The moment of each node's last report.
    told: Vec<Time>,
}

const STEP: Span = Span::from_millis(10);

impl Bed {
    fn new(count: u8, scope: Scope, seed: u64) -> Self {
        let mode = if scope == Scope::Everything { 2.0 } else { 1.0 };
        let values = [("share.mode", mode), ("hold.enabled", 1.0)];
        let count = usize::from(count);
        let mut bed = Self {
            now: Time::ZERO,
            nodes: Vec::new(),
            lives: vec![0; count],
            wire: BTreeMap::new(),
            sent: 0,
            sides: 0,
            seed,
            scope,
            newest: BTreeMap::new(),
            told: vec![Time::ZERO; count],
        };
        for at in 0..count {
            let mut host = Host::of_keys(params("windtunnel", &values), 2);
            host.next_tick = Time::ZERO + Span::from_millis(700 * at as u64 + 5_000);
            let gossip = bed.gossip(at);
            bed.nodes.push((host, gossip));
        }
        bed
    }

    fn member(&self, at: usize) -> Member {
        Member { id: at as u32, region: at as u32 % 2, life: self.lives[at] }
    }

    fn gossip(&self, at: usize) -> Gossip {
        let config = Config::new(self.scope, self.lives.len());
        Gossip::new(config, self.member(at), luck::mix(self.seed, at as u64))
    }

    fn act(&mut self, act: Act) {
        let count = self.nodes.len() as u8;
        match act {
            Act::Split(sides) => self.sides = sides,
            Act::Refuse(at) => self.pinned(at % count, REFUSED),
            Act::Serve(at) => self.pinned(at % count, DONE),
            Act::Restart(at) => {
                let at = usize::from(at % count);
                self.lives[at] += 1;
                let tick = self.nodes[at].0.next_tick;
                let params = self.nodes[at].0.engine.params();
                let mut host = Host::of_keys(params, 2);
                (host.now, host.next_tick) = (self.now, tick);
                self.nodes[at] = (host, self.gossip(at));
            }
        }
    }

    /// A request that is pinned to the first key.
    fn pinned(&mut self, at: u8, outcome: Outcome) {
        let host = &mut self.nodes[usize::from(at)].0;
        host.now = self.now;
        // A key whose check is under way elsewhere in this node is not pinned to.
        if let Ok(ticket) = host.engine.pin(host.now, host.keys[0]) {
            host.engine.end(ticket, host.now, outcome);
        }
    }

    fn run(&mut self, span: Span) {
        let end = self.now + span;
        while self.now < end {
            self.now += STEP;
            self.step();
        }
    }

    fn step(&mut self) {
        let now = self.now;
        while let Some(entry) = self.wire.first_entry()
            && entry.key().0 <= now
        {
            let (to, bytes) = entry.remove();
            self.nodes[to].1.receive(now, &bytes);
        }
        for at in 0..self.nodes.len() {
            let count = self.nodes.len();
            let (host, gossip) = &mut self.nodes[at];
            gossip.wake(now);
            while host.next_tick <= now {
                host.tick();
            }
            // Once a second, each at another tenth.
            if now.0 % 1_000_000_000 == 100_000_000 * at as u64 {
                if gossip.members().is_empty() {
                    gossip.join(now, ((at + 1) % count) as u32);
                }
                gossip.publish(now, &host.engine.report(now));
                self.told[at] = now;
            }
            while let Some(heard) = gossip.heard() {
                host.engine.hear(u64::from(heard.peer), heard.sent_at, &heard.report);
                self.newest.insert((at, heard.peer), heard.sent_at);
            }
            for packet in gossip.outbox() {
                self.sent += 1;
                let luck = luck::mix(self.seed ^ 0xbed, self.sent);
                let to = packet.to as usize;
                let apart = (self.sides >> at ^ self.sides >> to) & 1 == 1;
                if apart || luck % 100 < 5 {
                    continue;
                }
                let mut arrive = |millis: u64, bytes: Vec<u8>| {
                    let key = (now + Span::from_millis(millis), 2 * self.sent + millis % 2);
                    self.wire.insert(key, (to, bytes));
                };
                if luck % 100 > 90 {
                    arrive(20 + luck % 61 / 2 * 2, packet.bytes.clone());
                }
                arrive(21 + luck / 100 % 61 / 2 * 2, packet.bytes);
            }
        }
    }

    fn held(&self, at: usize) -> bool {
        self.nodes[at].0.engine.report(self.now).routes.iter().any(|route| route.held.is_some())
    }
}

const REFUSED: Outcome = Outcome::KeyRefused { class: Refusal::Credential };

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn nodes_agree_after_any_history_and_nothing_released_comes_back(
        count in 2u8..6,
        everything: bool,
        seed: u64,
        history in prop::collection::vec((1u64..8, act()), 0..12),
    ) {
        let scope = if everything { Scope::Everything } else { Scope::LimitsInRegion };
        let mut bed = Bed::new(count, scope, seed);
        for at in 1..usize::from(count) {
            bed.nodes[at].1.join(Time::ZERO, 0);
        }
        // Something to say in either scope.
        bed.run(Span::from_secs(3));
        bed.act(Act::Refuse(0));
        for (seconds, act) in history {
            bed.act(act);
            bed.run(Span::from_secs(seconds));
        }
        // The network is whole again: within a minute all know all, as they are now.
        bed.sides = 0;
        bed.run(Span::from_secs(60));
        for at in 0..usize::from(count) {
            let others: Vec<u32> =
                (0..u32::from(count)).filter(|&id| id as usize != at).collect();
            let known: Vec<u32> = bed.nodes[at].1.members().iter().map(|m| m.id).collect();
            prop_assert_eq!(&known, &others, "members of node {}", at);
            if everything {
                for id in others {
                    let newest = bed.newest.get(&(at, id)).copied().unwrap_or_default();
                    let age = bed.now.since(newest);
                    prop_assert!(age < Span::from_secs(5), "{} heard {} {} ago", at, id, age);
                }
            }
        }
        let holds: Vec<bool> = (0..usize::from(count)).map(|at| bed.held(at)).collect();
        prop_assert!(holds.iter().all(|held| *held == holds[0]), "all or none: {:?}", holds);
        // Wherever it is served, it is free everywhere after two ticks, and stays free.
        bed.act(Act::Serve(seed as u8));
        bed.run(Span::from_secs(15));
        for host in bed.nodes.iter_mut().map(|(host, _)| host) {
            host.changes.clear();
        }
        bed.run(Span::from_secs(30));
        for at in 0..usize::from(count) {
            prop_assert!(!bed.held(at), "node {} holds", at);
            let changes = &bed.nodes[at].0.changes;
            prop_assert!(changes.iter().all(|c| c.reason != Reason::Held), "node {}", at);
        }
    }
}

#[test]
fn a_dead_node_is_missed_and_a_leaving_one_says_so() {
    let mut bed = Bed::new(4, Scope::Everything, 5);
    let all: Vec<Member> = (0..4).map(|at| bed.member(at)).collect();
    for (_, gossip) in &mut bed.nodes {
        gossip.know(Time::ZERO, all.iter().copied());
    }
    bed.run(Span::from_secs(5));
    for (_, gossip) in &mut bed.nodes {
        assert_eq!(gossip.members().len(), 3);
        gossip.changes();
    }
    // Node 3 is cut off; node 2 leaves.
    bed.sides = 0b1000;
    let now = bed.now;
    bed.nodes[2].1.leave(now);
    let noticed = |bed: &mut Bed, whom: u32| {
        for tenths in 1..300 {
            bed.run(Span::from_millis(100));
            if bed.nodes[0].1.changes().contains(&Change::Down(whom)) {
                return f64::from(tenths) / 10.0;
            }
        }
        f64::INFINITY
    };
    let left = noticed(&mut bed, 2);
    assert!(left <= 2.0, "a farewell takes {left} s");
    let died = noticed(&mut bed, 3);
    assert!(died > 1.0 && died <= 15.0, "a death takes {died} s");
}
