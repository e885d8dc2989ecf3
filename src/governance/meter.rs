//! A limit with its count: half a cache line, and nothing in it that a request does not need.

use super::limit::Kind;
use super::plan::Whose;
use super::window::Window;

/// The count of one limit in its current window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meter {
    /// Used in this window.
    pub(super) used: u64,
    /// Reserved in this window by requests under way.
    pub(super) reserved: u64,
    pub(super) max: u64,
    what: What,
}

/// What a meter counts and by which clock, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct What(u32);

/// What does not change about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) whose: Whose,
    pub(super) window: Window,
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
    /// Nothing but what was `used` before.
    pub(super) const fn new(kind: Kind, clock: usize, max: u64, used: u64) -> Self {
        let what = What((clock as u32) << 2 | kind as u32);
        Self { used, reserved: 0, max, what }
    }

    #[inline]
    pub(super) const fn kind(&self) -> Kind {
        match self.what.0 & 3 {
            0 => Kind::Requests,
            1 => Kind::Tokens,
            _ => Kind::Budget,
        }
    }

    /// Whether it counts requests, which are counted when they are sent.
    #[inline]
    pub(super) const fn counts_ahead(&self) -> bool {
        matches!(self.kind(), Kind::Requests)
    }

    #[inline]
    pub(super) const fn clock(&self) -> usize {
        (self.what.0 >> 2) as usize
    }

    /// Used and reserved.
    #[inline]
    pub(super) const fn told(&self) -> u64 {
        self.used.saturating_add(self.reserved)
    }

    /// Used beyond the maximum.
    #[inline]
    pub(super) const fn over(&self) -> u64 {
        self.used.saturating_sub(self.max)
    }

    pub(super) fn reading(&self, term: &Term, remote: u64, over: u64) -> Reading {
        Reading {
            whose: term.whose,
            kind: self.kind(),
            window: term.window,
            max: self.max,
            used: self.used,
            reserved: self.reserved,
            remote,
            over: over.max(self.over()),
        }
    }
}
