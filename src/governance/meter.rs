//! A limit with its count: one cache line, and nothing in it that a request does not need.

use super::limit::Kind;
use super::plan::Whose;
use super::window::Window;

/// The count of one limit in its current window. Moments are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// Used in this window.
    pub(super) used: u64,
    /// Reserved in this window by requests under way.
    pub(super) reserved: u64,
    /// What peers have used of this window, as far as is known.
    pub(super) remote: u64,
    pub(super) max: u64,
    pub(super) start: u64,
    pub(super) end: u64,
    /// Most used beyond `max` in any window that is over.
    pub(super) over: u64,
    pub(super) kind: Kind,
}

/// What does not change about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) whose: Whose,
    pub(super) window: Window,
    pub(super) anchor: u64,
    /// Its place in the order of checks.
    pub(super) rank: u8,
}

/// A limit as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose it is.
    pub whose: Whose,
    /// What is counted.
    pub kind: Kind,
    /// Over which time.
    pub window: Window,
    /// The most per window.
    pub max: u64,
    /// Used in the current window by this node.
    pub used: u64,
    /// Reserved in it by requests under way.
    pub reserved: u64,
    /// What peers have used of it, as far as is known.
    pub remote: u64,
    /// Most used by this node beyond `max` in any window, the current one included.
    pub over: u64,
}

impl Meter {
    /// Goes to the window that holds `at`, if the current one is over. An expired window counts as empty.
    #[inline]
    pub(super) fn roll(&mut self, at: u64, term: &Term) {
        let end = if planted!(WindowOffByOne) { self.end + 1_000_000_000 } else { self.end };
        if at >= end {
            self.begin(at, term);
        }
    }

    #[cold]
    fn begin(&mut self, at: u64, term: &Term) {
        self.over = self.over.max(self.used.saturating_sub(self.max));
        (self.start, self.end) = term.window.around(at, term.anchor);
        (self.used, self.reserved, self.remote) = (0, 0, 0);
    }

    /// What is used and reserved here, and used elsewhere.
    #[inline]
    pub(super) const fn counted(&self) -> u64 {
        self.used.saturating_add(self.reserved).saturating_add(self.remote)
    }

    /// Whether `need` more cannot be had. Requests are always reserved. What is paid after is refused when
    /// everything is used; what is reserved, when the need does not fit.
    #[inline]
    pub(super) fn refuses(&self, need: u64, reserving: bool) -> bool {
        let counted = self.counted();
        if self.kind == Kind::Requests || reserving {
            counted.saturating_add(need) > self.max
        } else {
            counted >= self.max
        }
    }

    pub(super) fn reading(&self, term: &Term) -> Reading {
        Reading {
            whose: term.whose,
            kind: self.kind,
            window: term.window,
            max: self.max,
            used: self.used,
            reserved: self.reserved,
            remote: self.remote,
            over: self.over.max(self.used.saturating_sub(self.max)),
        }
    }
}
