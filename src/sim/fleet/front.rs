//! The balancer in front of the gateway's nodes.

use crate::engine::luck::{below, mix, name, unit};

use super::spec::{Fleet, Spread};

const STICK: u64 = name("sticky node");
const WORKER: u64 = name("worker process");

/// Spreads requests over nodes, and over the worker processes of each as an operating system does: by chance.
#[derive(Debug)]
pub(in crate::sim) struct Front {
    spread: Spread,
    weights: Vec<f64>,
    /// Smooth weighted round robin: what each node is owed.
    owed: Vec<f64>,
    /// All weigh the same: whose turn is next.
    alike: bool,
    turn: usize,
    /// Nodes that it sends to.
    open: Vec<bool>,
    workers: u32,
}

impl Front {
    pub(in crate::sim) fn new(fleet: &Fleet, workers: u32) -> Self {
        let nodes = fleet.nodes.len();
        Self {
            spread: fleet.spread,
            weights: fleet.shares(),
            owed: vec![0.0; nodes],
            alike: fleet.nodes.iter().all(|node| node.weight == fleet.nodes[0].weight),
            turn: 0,
            open: vec![true; nodes],
            workers,
        }
    }

    /// From now on it sends to a node, or no longer.
    pub(in crate::sim) fn open(&mut self, node: usize, open: bool) {
        self.open[node] = open;
        self.owed[node] = 0.0;
    }

    /// The process that a request goes to; the first node's if none is open.
    #[inline]
    pub(in crate::sim) fn pick(&mut self, luck: u64, client: u64) -> u8 {
        if self.open.len() == 1 && self.workers == 1 {
            return 0;
        }
        let node = match self.spread {
            Spread::RoundRobin => self.next(),
            Spread::Sticky => self.stick(client),
        };
        let worker = match self.workers {
            1 => 0,
            n => below(mix(luck, WORKER), n),
        };
        (node as u32 * self.workers + worker) as u8
    }

    /// The node that is owed most, the first of those that tie.
    fn next(&mut self) -> usize {
        if self.alike {
            return self.following();
        }
        let mut best = 0;
        let mut most = f64::NEG_INFINITY;
        let mut total = 0.0;
        for (node, owed) in self.owed.iter_mut().enumerate() {
            if self.open[node] {
                *owed += self.weights[node];
                total += self.weights[node];
                if *owed > most {
                    (best, most) = (node, *owed);
                }
            }
        }
        self.owed[best] -= total;
        best
    }

    /// The same where all weigh the same.
    #[inline]
    fn following(&mut self) -> usize {
        let of = self.open.len();
        for _ in 0..of {
            let node = self.turn;
            self.turn = if node + 1 == of { 0 } else { node + 1 };
            if self.open[node] {
                return node;
            }
        }
        0
    }

    /// Weighted rendezvous hashing: the nodes that stay keep their clients when one goes or comes.
    fn stick(&self, client: u64) -> usize {
        let score = |node: usize| {
            let u = unit(mix(mix(client, STICK), node as u64)).max(f64::MIN_POSITIVE);
            self.weights[node] / -libm::log(u)
        };
        let open = (0..self.open.len()).filter(|&node| self.open[node]);
        open.max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::NodeSpec;
    use super::*;

    fn front(weights: &[f64], spread: Spread, workers: u32) -> Front {
        let node = |&weight: &f64| NodeSpec { name: String::new(), region: 0, weight };
        let nodes = weights.iter().map(node).collect();
        Front::new(&Fleet { nodes, spread, ..Fleet::single() }, workers)
    }

    fn counts(front: &mut Front, requests: u64, processes: usize) -> Vec<u32> {
        let mut counts = vec![0; processes];
        for id in 0..requests {
            counts[usize::from(front.pick(mix(id, 7), id))] += 1;
        }
        counts
    }

    #[test]
    fn turns_follow_weights_exactly() {
        let mut front = front(&[2.0, 1.0, 1.0], Spread::RoundRobin, 1);
        assert_eq!(counts(&mut front, 400, 3), [200, 100, 100]);
        let first: Vec<u8> = (0..4).map(|id| front.pick(id, id)).collect();
        assert_eq!(first, [0, 1, 2, 0], "and are smooth");
        let mut alike = self::front(&[3.0; 3], Spread::RoundRobin, 1);
        alike.open(1, false);
        assert_eq!(counts(&mut alike, 100, 3), [50, 0, 50]);
        front.open(0, false);
        assert_eq!(counts(&mut front, 100, 3), [0, 50, 50]);
        front.open(0, true);
        assert_eq!(counts(&mut front, 400, 3), [200, 100, 100], "nothing is made up for");
    }

    #[test]
    fn sticky_clients_stay_and_only_those_of_a_node_that_goes_move() {
        let mut front = front(&[2.0, 1.0, 1.0], Spread::Sticky, 1);
        let of = |front: &mut Front| -> Vec<u8> { (0..4_000).map(|c| front.pick(9, c)).collect() };
        let before = of(&mut front);
        assert_eq!(before, of(&mut front));
        let share = before.iter().filter(|&&node| node == 0).count() as f64 / 4_000.0;
        assert!((share - 0.5).abs() < 0.03, "{share}");
        front.open(1, false);
        let after = of(&mut front);
        assert!(before.iter().zip(&after).all(|(was, is)| (*was == 1) == (was != is)));
        front.open(1, true);
        assert_eq!(before, of(&mut front), "and they come back");
    }

    #[test]
    fn workers_of_a_node_are_picked_by_chance() {
        let counts = counts(&mut front(&[1.0, 1.0], Spread::RoundRobin, 4), 8_000, 8);
        assert!(counts.iter().all(|&n| (850..1_150).contains(&n)), "{counts:?}");
    }
}
