//! A counter over fixed windows of the wall clock: it starts again from zero at each.

use crate::engine::{Span, Time};

/// Nanoseconds in a minute.
pub(super) const MINUTE: u64 = 60_000_000_000;

/// Use within the present window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Virtual time zero in nanoseconds since 1970.
    epoch: u64,
    /// Length of a window in nanoseconds.
    width: u64,
    /// Number of the present window.
    pub(super) number: u64,
    /// What was used in it.
    pub(super) used: u64,
}

impl Window {
    /// `epoch` in seconds since 1970; `width` divides a minute.
    pub(super) fn new(epoch: u64, width: Span) -> Self {
        Self { epoch: epoch * 1_000_000_000, width: width.0.clamp(1, MINUTE), number: 0, used: 0 }
    }

    /// Starts again from zero if a new window has begun.
    #[inline]
    pub(super) fn turn(&mut self, now: Time) {
        let number = (self.epoch + now.0) / self.width;
        if number != self.number {
            self.number = number;
            self.used = 0;
        }
    }

    /// What is used at this moment.
    pub(super) fn used_at(&self, now: Time) -> u64 {
        if (self.epoch + now.0) / self.width == self.number { self.used } else { 0 }
    }

    /// How long until the next window begins.
    #[inline]
    pub(super) fn end(&self, now: Time) -> Span {
        Span(self.width - (self.epoch + now.0) % self.width)
    }

    /// This window's part of a limit per minute. The parts of a minute add up to the limit: 500 a
    /// minute are 8, 8, 9, … a second.
    #[inline]
    pub(super) fn part(&self, now: Time, per_minute: u64) -> u64 {
        let within = (self.epoch + now.0) % MINUTE;
        let begin = within - within % self.width;
        let end = (begin + self.width).min(MINUTE);
        let due = |at: u64| (u128::from(per_minute) * u128::from(at) / u128::from(MINUTE)) as u64;
        due(end) - due(begin)
    }
}
