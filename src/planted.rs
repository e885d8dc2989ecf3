//! Bugs that tests plant in the code under test, to see that the swarm's checkers find them.
//!
//! `planted!(Bug)` is `false` in every build but the library's own tests, where one thread at a time may have one bug
//! in it. Nothing of this is in a program.

/// Whether a bug is planted here and now.
macro_rules! planted {
    ($bug:ident) => {{
        #[cfg(all(test, feature = "lab"))]
        {
            crate::planted::PLANTED.get() == Some(crate::planted::Bug::$bug)
        }
        #[cfg(not(all(test, feature = "lab")))]
        {
            false
        }
    }};
}

/// A bug.
#[cfg(all(test, feature = "lab"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A policy is not told of timeouts.
    LostCompletion,
    /// A stream that breaks is charged twice.
    DoubleCharge,
    /// Windows of tenants end a second late.
    WindowOffByOne,
    /// A tick's result is published with the next one.
    StaleSnapshot,
    /// A peer's older word brings back a hold that was released.
    ResurrectedHold,
    /// Only the first process hears that a route leaves.
    RemovedRoute,
    /// A retry may go anywhere.
    IneligibleRetry,
    /// Cancelled attempts stay in flight for their process.
    LeakedInFlight,
    /// Attempts that have not begun to answer outlive their process.
    ForgottenOnCrash,
    /// Streams that break cost nothing.
    FreeCutStreams,
    /// Events up to a millisecond ahead overtake what is due.
    TimeOrder,
    /// A counter of tokens per minute lets everything pass while it is reached.
    LimitReached,
}

#[cfg(all(test, feature = "lab"))]
impl Bug {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::LostCompletion,
        Self::DoubleCharge,
        Self::WindowOffByOne,
        Self::StaleSnapshot,
        Self::ResurrectedHold,
        Self::RemovedRoute,
        Self::IneligibleRetry,
        Self::LeakedInFlight,
        Self::ForgottenOnCrash,
        Self::FreeCutStreams,
        Self::TimeOrder,
        Self::LimitReached,
    ];
}

#[cfg(all(test, feature = "lab"))]
std::thread_local! {
    /// The bug that is planted in this thread.
    pub(crate) static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}
