//! What goes wrong: an [`Effect`] on a set of routes during an interval, with a shape at its edges.

mod active;
mod incident;
mod strength;

use crate::engine::{Refusal, Span, Time};

pub use active::{Active, Odds, Replication, Toll};
pub use incident::draw;
pub use strength::strength;

/// One fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Name for reports, unique within a scenario.
    pub name: String,
    /// Indices of the routes concerned, ascending, not empty.
    pub routes: Vec<u32>,
    /// When it starts.
    pub start: Start,
    /// How long it lasts.
    pub lasts: Span,
    /// How it comes and goes.
    pub shape: Shape,
    /// What it does.
    pub effect: Effect,
    /// What happens to attempts under way when it begins.
    pub in_flight: InFlight,
    /// Regions of gateway nodes from which it is seen, one bit each; `None` = from everywhere.
    pub seen_from: Option<u64>,
}

/// A region of gateway nodes that no fault is particular to.
pub const NOWHERE: u8 = 63;

impl Fault {
    /// Whether attempts from nodes in this region meet it.
    #[inline]
    pub const fn concerns(&self, region: u8) -> bool {
        match self.seen_from {
            None => true,
            Some(regions) => regions >> region & 1 == 1,
        }
    }
}

/// When a fault starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this moment.
    At(Time),
    /// At this moment plus a drawn part of the longest clock period in play, stratified over replications.
    Phase {
        /// Earliest start.
        from: Time,
        /// The period.
        period: Span,
    },
}

/// How a fault comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// At once, at full strength.
    Block,
    /// Full strength at once; then falls in a straight line to nothing over the last `fall`.
    Recover {
        /// Length of the fall, at most the fault's length.
        fall: Span,
    },
    /// Rises in a straight line over the first `rise`, falls over the last `fall`.
    Ramp {
        /// Length of the rise.
        rise: Span,
        /// Length of the fall.
        fall: Span,
    },
    /// On for `on`, off for `off`, again and again.
    Flap {
        /// On time.
        on: Span,
        /// Off time.
        off: Span,
    },
}

/// What happens to attempts under way when a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlight {
    /// They end as they would have.
    Finish,
    /// They break at that moment.
    Cut,
}

/// What a fault does, at strength 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// A share of attempts fails.
    Errors {
        /// Probability.
        rate: f64,
        /// With what.
        error: Failure,
        /// How long the failure takes.
        after: Span,
    },
    /// A share of attempts is held back by `extra` before the first token; a share of those clients goes away.
    Stall {
        /// Probability.
        rate: f64,
        /// Extra wait.
        extra: Span,
        /// Share of stalled requests that the client cancels at the end of the stall.
        cancelled: f64,
    },
    /// Everything is slower: time to first token × `ttft`, decode rate ÷ `decode`.
    Slow {
        /// Factor ≥ 1 on the time to first token.
        ttft: f64,
        /// Factor ≥ 1 on the time per output token.
        decode: f64,
    },
    /// Limits are multiplied by this factor; headers show it.
    LimitCut {
        /// Factor in (0, 1].
        factor: f64,
    },
    /// Attempts are refused with a 429 when the rate is over `above` × its mean of the last 15 minutes.
    Acceleration {
        /// Factor > 1.
        above: f64,
    },
    /// 429 and 503/529 without a hint, with a probability that grows with the load on the faulted routes.
    Overload {
        /// Probability at the load of the moment the fault began; in proportion above and below.
        rate: f64,
        /// Share that are 429s; the rest are 529s.
        limited: f64,
    },
    /// A share of streams breaks after part of the output.
    Midstream {
        /// Probability.
        rate: f64,
    },
    /// The first requests after an idle time are cold: their time to first token is lognormal(mu, sigma) seconds.
    ColdStart {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
        /// How many are cold.
        requests: u32,
        /// After so long without requests.
        idle: Span,
    },
}

/// How a faulted attempt fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An HTTP error.
    Status(u16),
    /// A 429 with this hint.
    RateLimited(Option<Span>),
    /// A lasting refusal of the key.
    Refused(Refusal),
    /// No answer at all, until somebody gives up.
    Hang,
    /// The connection fails.
    Unreachable,
}

/// Incidents drawn at random over a long run, as the public status pages of 2021–2025 have them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incidents {
    /// Gaps and durations are divided by this (≥ 1): a month in minutes, and reports say so.
    pub compress: f64,
    /// Rate of incidents over the published one; 1 = as published.
    pub rate: f64,
}
