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

impl Ledger {
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
            self.peers.resize(peer + 1, Usage::default());
        }
        let known = &mut self.peers[peer];
        if !known.counts.is_empty() && known.sent >= usage.sent {
            return;
        }
        known.sent = usage.sent;
        known.counts.clone_from(&usage.counts);
        for (index, (meter, term)) in self.meters.iter_mut().zip(&self.terms).enumerate() {
            meter.roll(at, term);
            let told = self.peers.iter().filter_map(|peer| peer.counts.get(index));
            meter.remote =
                told.filter(|(start, _)| *start == meter.start).map(|(_, used)| used).sum();
        }
    }
}
