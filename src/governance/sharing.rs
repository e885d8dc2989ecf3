//! What nodes tell each other: each counts locally, and adds at its checks what the others had used when they
//! last said so.
//!
//! # How much leaks
//! Say every node tells the others every `interval`, and that takes at most `delay`. What a node knows of a peer
//! is then at most `stale = interval + delay` old, and so when the last request of a window is admitted, no node
//! misses more than what its peers were charged during the last `stale`. With [`Charging::Reserved`] the sum
//! over all nodes exceeds a limit by at most what the *other* nodes reserved within `stale`: for a load that
//! uses `r` of the limit per second over `n` even nodes, `r × stale × (n − 1)/n`. [`Charging::PostPaid`] adds what
//! is under way when the limit is reached, `r ×` the length of an answer, and one request.
//!
//! [`Charging::Reserved`]: super::Charging::Reserved
//! [`Charging::PostPaid`]: super::Charging::PostPaid

use std::sync::Arc;

use crate::engine::Time;

use super::clock::Clock;
use super::counts::Counts;
use super::ledger::Ledger;
use super::meter::Meter;

/// What a node has used of every limit: charged, and reserved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// When it was sent.
    pub sent: Time,
    /// When the windows began in which it counted (nanoseconds since 1970), in an order that is the plan's.
    pub starts: Vec<u64>,
    /// By limit, in the order of [`Ledger::readings`].
    pub counts: Vec<u64>,
}

/// What a peer last said.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// When it was heard, by this node's clock, in nanoseconds since 1970.
    heard_at: u64,
    said: Arc<Usage>,
}

impl Ledger {
    /// Makes a new ledger one of several over the same plan: what its limits say was used before is in `first`, the one
    /// of them that counts it, and known here from there.
    pub fn beside(&mut self, first: &Arc<Usage>) {
        self.counts.meters.iter_mut().for_each(|meter| meter.used = 0);
        self.hear(first.sent, 0, first);
    }

    /// What this node has used.
    pub fn tell(&mut self, now: Time) -> Usage {
        self.at(now);
        let Counts { meters, clocks, .. } = &self.counts;
        Usage {
            sent: now,
            starts: clocks.iter().map(|clock| clock.start).collect(),
            counts: meters.iter().map(Meter::told).collect(),
        }
    }

    /// What peer number `peer` has used. The newest counts; hearing it twice, or something older later,
    /// changes nothing. What a peer says of another plan (other limits) is not heard.
    pub fn hear(&mut self, now: Time, peer: usize, usage: &Arc<Usage>) {
        let at = self.at(now);
        let Counts { clocks, remote, .. } = &mut self.counts;
        if (usage.starts.len(), usage.counts.len()) != (clocks.len(), remote.len()) {
            return;
        }
        if self.peers.len() <= peer {
            self.peers.resize(peer + 1, None);
        }
        let before = &self.peers[peer];
        if before.as_ref().is_some_and(|before| before.said.sent >= usage.sent) {
            return;
        }
        // All bits of a count of the current window stay, none of another's.
        let mask = |stays: bool| if stays { u64::MAX } else { 0 };
        let is: Vec<u64> = clocks
            .iter()
            .zip(&usage.starts)
            .map(|(clock, start)| mask(clock.start == *start))
            .collect();
        let words = remote.iter_mut().zip(&self.lists.clocks).zip(&usage.counts);
        if let Some(Peer { heard_at, said }) = before {
            // What was said of this window before it began here is not in its sum.
            let was = |(clock, start): (&Clock, &u64)| {
                mask(clock.start == *start && *heard_at >= clock.start)
            };
            let was: Vec<u64> = clocks.iter().zip(&said.starts).map(was).collect();
            for (((remote, clock), new), old) in words.zip(&said.counts) {
                let clock = *clock as usize;
                *remote = remote.saturating_sub(old & was[clock]).saturating_add(new & is[clock]);
            }
        } else {
            for ((remote, clock), new) in words {
                *remote = remote.saturating_add(new & is[*clock as usize]);
            }
        }
        self.peers[peer] = Some(Peer { heard_at: at, said: Arc::clone(usage) });
    }
}
