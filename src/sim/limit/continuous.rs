//! A bucket with continuous refill: what was used drains at limit/60 per second; a minute's limit
//! fits in.
//!
//! The level is kept in units of 1/(60·10⁹), in which a nanosecond drains exactly `limit` units: no
//! rounding, however long the run.

use crate::engine::{Span, Time};

/// Units in one token or request.
const UNITS: u64 = 60_000_000_000;

/// How full a bucket is. The limit is an argument of every call, since a fault may cut it; a cut
/// then also slows the draining since the last call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    units: u128,
    at: Time,
}

impl Level {
    /// Lets drain what has drained by now.
    #[inline]
    pub(super) fn drain(&mut self, now: Time, limit: u64) {
        self.units = self.left(now, limit);
        self.at = now;
    }

    /// Whether so much more fits, after [`Level::drain`].
    #[inline]
    pub(super) fn fits(&self, amount: u64, limit: u64) -> bool {
        self.units + units(amount) <= units(limit)
    }

    #[inline]
    pub(super) fn add(&mut self, amount: u64) {
        self.units += units(amount);
    }

    #[inline]
    pub(super) fn give_back(&mut self, amount: u64) {
        self.units = self.units.saturating_sub(units(amount));
    }

    /// Full to the limit and no further.
    pub(super) fn add_up_to(&mut self, amount: u64, limit: u64) {
        self.units = (self.units + units(amount)).min(units(limit).max(self.units));
    }

    /// How long until so much fits, rounded up to the nanosecond; `None` if it never does.
    pub(super) fn wait(&self, amount: u64, limit: u64) -> Option<Span> {
        if amount > limit {
            return None;
        }
        let over = (self.units + units(amount)).saturating_sub(units(limit));
        Some(Span(over.div_ceil(u128::from(limit)) as u64))
    }

    /// Whole amount that still fits.
    pub(super) fn remaining(&self, now: Time, limit: u64) -> u64 {
        let left = self.left(now, limit);
        let used = match u64::try_from(left) {
            Ok(small) => small.div_ceil(UNITS),
            Err(_) => left.div_ceil(u128::from(UNITS)) as u64,
        };
        limit.saturating_sub(used)
    }

    /// How long until the bucket is empty.
    pub(super) fn reset(&self, now: Time, limit: u64) -> Span {
        Span(self.left(now, limit).div_ceil(u128::from(limit)) as u64)
    }

    #[inline]
    fn left(&self, now: Time, limit: u64) -> u128 {
        self.units.saturating_sub(u128::from(limit) * u128::from(now.since(self.at).0))
    }
}

#[inline]
fn units(amount: u64) -> u128 {
    u128::from(amount) * u128::from(UNITS)
}
