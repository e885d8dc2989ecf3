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

use crate::engine::Time;

use super::ledger::Ledger;

/// What a node has used: for every limit the start of its window (nanoseconds since 1970), and what is charged
/// and reserved in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// When it was sent.
    pub sent: Time,
    /// By limit, in the order of [`Ledger::readings`].
    pub counts: Vec<(u64, u64)>,
}

/// What a peer last said.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    /// When it was heard, by this node's clock, in nanoseconds since 1970.
    heard_at: u64,
    said: Usage,
}

impl Ledger {
    /// Makes a new ledger one of several over the same plan: what its limits say was used before is in `first`, the one
    /// of them that counts it, and known here from there.
    pub fn beside(&mut self, first: &Usage) {
        self.meters.iter_mut().for_each(|meter| meter.used = 0);
        self.hear(first.sent, 0, first);
    }

    /// What this node has used. `usage` is filled, so that a host may keep using one.
    pub fn tell(&mut self, now: Time, usage: &mut Usage) {
        let at = self.at(now);
        usage.sent = now;
        usage.counts.clear();
        for (meter, term) in self.meters.iter_mut().zip(&self.terms) {
            meter.roll(at, term);
            usage.counts.push((meter.start, meter.used.saturating_add(meter.reserved)));
        }
    }

    /// What peer number `peer` has used. The newest counts; hearing it twice, or something older later,
    /// changes nothing. What a peer says of another plan (other limits) is not heard.
    pub fn hear(&mut self, now: Time, peer: usize, usage: &Usage) {
        let at = self.at(now);
        if usage.counts.len() != self.meters.len() {
            return;
        }
        if self.peers.len() <= peer {
            self.peers.resize(peer + 1, Peer::default());
        }
        let Peer { heard_at, said } = &mut self.peers[peer];
        if !said.counts.is_empty() && said.sent >= usage.sent {
            return;
        }
        said.counts.resize(usage.counts.len(), (u64::MAX, 0));
        let meters = self.meters.iter_mut().zip(&self.terms);
        for ((meter, term), (old, new)) in meters.zip(said.counts.iter_mut().zip(&usage.counts)) {
            meter.roll(at, term);
            // What was said of this window before it began here is not in its sum.
            let was = if old.0 == meter.start && *heard_at >= meter.start { old.1 } else { 0 };
            let is = if new.0 == meter.start { new.1 } else { 0 };
            meter.remote = meter.remote.saturating_sub(was).saturating_add(is);
            *old = *new;
        }
        (*heard_at, said.sent) = (at, usage.sent);
    }
}
