//! One limit of one owner.

use crate::engine::Span;

use super::window::{Length, Window};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Requests: attempts at a provider that were not taken back.
    Requests,
    /// Tokens, prompt and output.
    Tokens,
    /// Money, in nano-dollars.
    Budget,
}

impl Kind {
    /// Its word in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "request limit",
            Self::Tokens => "token limit",
            Self::Budget => "budget",
        }
    }
}

/// So much per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub kind: Kind,
    /// The most per window: requests, tokens or nano-dollars.
    pub max: u64,
    /// Over which time.
    pub window: Window,
    /// What was used of the window that the ledger starts in.
    pub used: u64,
    /// How long that window had been running when the ledger starts; only for one that is not aligned.
    pub running: Span,
}

impl Limit {
    /// A limit whose first window begins with the ledger, unused.
    pub const fn new(kind: Kind, max: u64, window: Window) -> Self {
        Self { kind, max, window, used: 0, running: Span::ZERO }
    }

    /// The same, so much of the first window used.
    #[must_use]
    pub const fn used(mut self, used: u64) -> Self {
        self.used = used;
        self
    }

    /// Why it cannot be, if it cannot.
    pub(super) fn check(&self) -> Result<(), String> {
        let Window { length, aligned } = self.window;
        if aligned && length < Length::Day {
            return Err(format!("a window of {} cannot follow the calendar", length.name()));
        }
        if aligned && self.running > Span::ZERO {
            return Err("a window of the calendar begins when the calendar says".to_owned());
        }
        if self.running.0 >= length.nanos() {
            return Err(format!("a window of {} is over by then", length.name()));
        }
        Ok(())
    }
}
