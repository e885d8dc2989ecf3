//! The network between gateway processes: delay, loss, duplication and partitions, each message with luck of its
//! own.

use crate::engine::luck::{mix, name, unit};
use crate::engine::{Span, Time};
use crate::sim::quantile::normal;

use super::spec::{Delay, Fleet, Network};

const NETWORK: u64 = name("gossip network");
const LOSS: u64 = name("lost");
const COPY: u64 = name("duplicated");
const DELAY: u64 = name("delay");
const LATER: u64 = name("delay of the copy");

/// Between processes of one machine (our choice).
const LOCAL: Delay = Delay { median: Span(100_000), sigma: 0.3 };

/// When messages arrive, if they do.
#[derive(Debug)]
pub(super) struct Wire {
    spec: Network,
    /// Region of each node.
    regions: Vec<u8>,
    processes: usize,
    seed: u64,
    /// Messages sent so far, by sender and receiver.
    sent: Vec<u32>,
    of: usize,
}

impl Wire {
    /// Between the processes of these nodes, so many each.
    pub(super) fn new(fleet: &Fleet, processes: usize, seed: u64) -> Self {
        let of = fleet.nodes.len() * processes;
        Self {
            spec: fleet.network.clone(),
            regions: fleet.nodes.iter().map(|node| node.region).collect(),
            processes,
            seed: mix(seed, NETWORK),
            sent: vec![0; of * of],
            of,
        }
    }

    /// When a message from one process to another arrives: never, once or twice.
    pub(super) fn send(&mut self, now: Time, from: usize, to: usize) -> [Option<Time>; 2] {
        let link = from * self.of + to;
        let luck = mix(mix(self.seed, link as u64), u64::from(self.sent[link]));
        self.sent[link] += 1;
        let (from, to) = (from / self.processes, to / self.processes);
        let delay = match from == to {
            true => LOCAL,
            false if self.regions[from] == self.regions[to] => self.spec.near,
            false => self.spec.far,
        };
        let arrives = |luck: u64| now + delay.drawn(luck);
        let lost =
            from != to && (self.cut(now, from, to) || unit(mix(luck, LOSS)) < self.spec.loss);
        let copied = from != to && unit(mix(luck, COPY)) < self.spec.duplicate;
        match (lost, copied) {
            (true, _) => [None; 2],
            (false, false) => [Some(arrives(mix(luck, DELAY))), None],
            (false, true) => [DELAY, LATER].map(|purpose| Some(arrives(mix(luck, purpose)))),
        }
    }

    /// Whether a partition stops messages from one node to another now.
    fn cut(&self, now: Time, from: usize, to: usize) -> bool {
        let side = |bits: u64, node: usize| bits >> node & 1 == 1;
        self.spec.partitions.iter().any(|partition| {
            (partition.start..partition.end).contains(&now)
                && (partition.out && side(partition.on, from) && side(partition.to, to)
                    || partition.into && side(partition.to, from) && side(partition.on, to))
        })
    }
}

impl Delay {
    fn drawn(self, luck: u64) -> Span {
        // The middle of the luck's own step, so that neither end is infinite.
        let u = unit(luck) + 0.5 / (1u64 << 53) as f64;
        self.median.times(libm::exp(self.sigma * normal::quantile(u)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::{NodeSpec, Partition};
    use super::*;

    fn wire(network: Network) -> Wire {
        let node = |region| NodeSpec { name: String::new(), region, weight: 1.0 };
        let nodes = vec![node(0), node(0), node(1)];
        Wire::new(&Fleet { nodes, network, ..Fleet::single() }, 1, 7)
    }

    fn network() -> Network {
        let delay = |millis| Delay { median: Span::from_millis(millis), sigma: 0.4 };
        Network { near: delay(50), far: delay(150), ..Network::default() }
    }

    fn seconds(wire: &mut Wire, from: usize, to: usize) -> Vec<f64> {
        let mut seconds: Vec<f64> = (0..4_001)
            .filter_map(|_| wire.send(Time::ZERO, from, to)[0])
            .map(|at| at.since(Time::ZERO).as_secs_f64())
            .collect();
        seconds.sort_by(f64::total_cmp);
        seconds
    }

    #[test]
    fn delays_have_their_median_and_regions_are_further_apart() {
        let mut wire = wire(network());
        for (to, median) in [(1, 0.050), (2, 0.150)] {
            let seconds = seconds(&mut wire, 0, to);
            let (middle, p90) = (seconds[2_000], seconds[3_600]);
            assert!((middle / median - 1.0).abs() < 0.03, "{middle}");
            assert!((p90 / median / libm::exp(0.4 * 1.2816) - 1.0).abs() < 0.05, "{p90}");
        }
    }

    #[test]
    fn messages_get_lost_and_doubled_in_their_shares() {
        let mut wire = wire(Network { loss: 0.2, duplicate: 0.1, ..network() });
        let sent: Vec<_> = (0..10_000).map(|_| wire.send(Time::ZERO, 0, 1)).collect();
        let share = |test: fn(&[Option<Time>; 2]) -> bool| {
            sent.iter().filter(|times| test(times)).count() as f64 / 10_000.0
        };
        assert!((share(|times| times[0].is_none()) - 0.2).abs() < 0.012);
        assert!((share(|times| times[1].is_some()) - 0.08).abs() < 0.009);
    }

    #[test]
    fn a_partition_stops_what_it_says_while_it_lasts() {
        let partition = Partition {
            start: Time::from_secs(10),
            end: Time::from_secs(20),
            on: 0b001,
            to: 0b100,
            out: true,
            into: false,
        };
        let mut wire = wire(Network { partitions: vec![partition], ..network() });
        let mut gets = |second, from, to| wire.send(Time::from_secs(second), from, to)[0].is_some();
        assert!(gets(9, 0, 2) && !gets(10, 0, 2) && gets(20, 0, 2));
        assert!(gets(10, 2, 0) && gets(10, 0, 1) && gets(10, 1, 2), "one way, between two sides");
    }
}
