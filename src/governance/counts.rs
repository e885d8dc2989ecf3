//! All that changes with the charges of a ledger: its meters, what peers have used, and the clocks that both follow.
//!
//! When a window ends, the next call, whatever it is about, sets all limits of that window to zero: requests find every
//! count as it is, and look at no clock.

use std::collections::BTreeSet;

use super::clock::Clock;
use super::meter::Meter;

/// The counts of all limits, each by its place in the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) meters: Vec<Meter>,
    /// What peers have used, as far as is known. Apart from the meters: what peers say is of all limits, and a request
    /// meets a few.
    pub(super) remote: Vec<u64>,
    /// Most used beyond the maximum in any window that is over.
    pub(super) over: Vec<u64>,
    pub(super) clocks: Vec<Clock>,
    /// When each clock goes on.
    due: BTreeSet<(u64, u32)>,
    /// When the first of them does.
    next: u64,
    /// When the youngest window began.
    youngest: u64,
}

impl Counts {
    /// Adds a clock and gives its place.
    pub(super) fn add_clock(&mut self, clock: Clock) -> usize {
        let place = self.clocks.len();
        self.due.insert((clock.due(), place as u32));
        self.clocks.push(clock);
        self.youngest = self.youngest.max(clock.start);
        self.look();
        place
    }

    /// Adds a limit.
    pub(super) fn add(&mut self, meter: Meter) {
        self.meters.push(meter);
        self.remote.push(0);
        self.over.push(0);
    }

    /// Whether some window is over.
    #[inline]
    pub(super) const fn is_due(&self, at: u64) -> bool {
        at >= self.next
    }

    /// Windows that are over at `at` give way to those that hold it, and count as empty; `limits` says whose they are.
    #[cold]
    pub(super) fn turn(&mut self, at: u64, limits: &[Vec<u32>]) {
        while let Some((_, place)) = self.due.first().copied().filter(|(due, _)| *due <= at) {
            self.due.pop_first();
            let clock = &mut self.clocks[place as usize];
            clock.turn(at);
            self.youngest = self.youngest.max(clock.start);
            self.due.insert((clock.due(), place));
            for &limit in &limits[place as usize] {
                let limit = limit as usize;
                let meter = &mut self.meters[limit];
                self.over[limit] = self.over[limit].max(meter.over());
                (meter.used, meter.reserved, self.remote[limit]) = (0, 0, 0);
            }
        }
        self.look();
    }

    fn look(&mut self) {
        self.next = self.due.first().map_or(u64::MAX, |(due, _)| *due);
    }

    /// Used and reserved here, and used elsewhere.
    #[inline]
    pub(super) fn used(&self, limit: usize) -> u64 {
        self.meters[limit].told().saturating_add(self.remote[limit])
    }

    /// Whether `need` more cannot be had. Requests are always reserved. What is paid after is refused when everything is
    /// used; what is reserved, when the need does not fit.
    #[inline]
    pub(super) fn refuses(&self, limit: usize, need: u64, reserving: bool) -> bool {
        let (used, meter) = (self.used(limit), &self.meters[limit]);
        if meter.counts_ahead() || reserving {
            used.saturating_add(need) > meter.max
        } else {
            used >= meter.max
        }
    }

    /// Whether a limit's window is the one that held `at`, a moment that is past.
    #[inline]
    pub(super) fn held(&self, limit: usize, at: u64) -> bool {
        at >= self.youngest || self.clocks[self.meters[limit].clock()].start <= at
    }

    /// Nothing that peers have said.
    pub(super) fn forget_peers(&mut self) {
        self.remote.fill(0);
    }
}
