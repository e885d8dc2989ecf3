//! What a log looks like: one pass, bounded memory.
//!
//! Counts per second are kept by the hour, only of hours in which something came, at most
//! [`seconds::HOURS_MAX`] of them; quantiles come from histograms of three digits; names from a sketch
//! that forgets rare ones. So ten million rows need no more memory than ten thousand.

mod clock;
mod seconds;
mod sizes;
mod top;

pub(crate) use clock::keeps_step;
pub use clock::{Clock, Jump};
pub use seconds::{Gap, Minutes};
pub use sizes::Quantiles;
pub use top::{Share, Top};

use crate::engine::Span;

use super::dispersion::Spread;
use super::entry::{Entry, Status};
use super::error::TraceError;
use super::field::Field;
use super::format::TraceFormat;
use super::hide::Hide;
use super::source::{Source, Tally};

use clock::Watch;
use seconds::Seconds;
use sizes::Sizes;
use top::Names;

/// What a log looks like.
#[derive(Clone, Debug)]
pub struct Census {
    /// Its format.
    pub format: TraceFormat,
    /// Entries, other rows, unreadable rows.
    pub tally: Tally,
    /// Nanoseconds of its first stamp since 1970, or since an origin of the file's own.
    pub start: u64,
    /// From the first stamp to the last.
    pub span: Span,
    /// Burstiness of requests and of tokens.
    pub requests: Spread,
    /// Likewise of tokens.
    pub tokens: Spread,
    /// Whether every second counts in the figures for 1 and 10 s; of a very long log only part does.
    pub seconds_complete: bool,
    /// Requests and tokens per minute.
    pub minutes: Minutes,
    /// Longest times without a request, the longest first.
    pub gaps: Vec<Gap>,
    /// What is odd about its stamps.
    pub clock: Clock,
    /// Quantiles of what was found, by name: "prompt tokens", "output tokens", ….
    pub quantiles: Vec<Quantiles>,
    /// Requests that ended without an answer, those refused with 429 among them, and those of which the
    /// log does not say.
    pub errors: u64,
    /// Refused with 429.
    pub limited: u64,
    /// How they ended is not said.
    pub unknown: u64,
    /// Answered from the gateway's own cache.
    pub from_cache: u64,
    /// Sum of prices, in nano-dollars.
    pub cost: u64,
    /// Who asks most.
    pub tenants: Top,
    /// Who answers most.
    pub deployments: Top,
    /// What is asked for most.
    pub models: Top,
    /// What the log does not say, and what is assumed instead.
    pub missing: Vec<(&'static str, &'static str)>,
}

impl Census {
    /// Goes through a log. `hide` says how tenants are called.
    ///
    /// # Errors
    /// As of [`Source::each`].
    pub fn of(source: &Source, hide: &Hide) -> Result<Self, TraceError> {
        let mut count = Count::default();
        let tally = source.each(|entry| count.see(entry, hide))?;
        Ok(count.census(source, tally))
    }

    /// Mean requests per second.
    pub fn rate(&self) -> f64 {
        self.tally.entries as f64 / self.span.as_secs_f64().max(1e-9)
    }
}

/// A pass under way.
#[derive(Default)]
struct Count {
    watch: Watch,
    seconds: Seconds,
    sizes: Sizes,
    tenants: Names,
    deployments: Names,
    models: Names,
    errors: u64,
    limited: u64,
    unknown: u64,
    from_cache: u64,
    cost: u64,
    without: [u64; WITHOUT.len()],
}

/// What may be missing, and what is then assumed.
const WITHOUT: [(Field, &str, &str); 8] = [
    (Field::Tenant, "tenant", "all requests are one client's"),
    (Field::Prompt, "prompt tokens", "those of the row before"),
    (Field::Output, "output tokens", "those of the row before"),
    (
        Field::MaxTokens,
        "max_tokens",
        "twice the 99th percentile of the output, at most 4,096; limits that charge it in full are \
         guesses",
    ),
    (
        Field::Ttft,
        "time to first token",
        "told from durations, where the log has them; else the profile's",
    ),
    (Field::Duration, "duration", "the profile's latency"),
    (Field::Status, "status", "every request had an answer"),
    (Field::Deployment, "deployment", "one provider answers everything"),
];

impl Count {
    fn see(&mut self, entry: &Entry, hide: &Hide) {
        self.watch.see(entry);
        self.seconds.add(entry.at, entry.tokens());
        self.sizes.see(entry);
        let weight = top::Weight::of(entry);
        if entry.tenant.is_empty() {
            self.tenants.add("", weight);
        } else {
            hide.name(&entry.tenant, |name| self.tenants.add(name, weight));
        }
        self.deployments.add(&entry.deployment, weight);
        self.models.add(&entry.model, weight);
        self.errors += u64::from(entry.status.is_error());
        self.limited += u64::from(entry.status.is_limited());
        self.unknown += u64::from(entry.status == Status::Unknown);
        self.from_cache += u64::from(entry.from_cache);
        self.cost = self.cost.saturating_add(entry.cost.unwrap_or(0));
        let failed = entry.status.is_error();
        let lacks = [
            entry.tenant.is_empty(),
            entry.prompt.is_none(),
            entry.output.is_none() && !failed,
            entry.max_tokens.is_none(),
            entry.ttft.is_none() && !failed,
            entry.duration.is_none(),
            entry.status == Status::Unknown,
            entry.deployment.is_empty(),
        ];
        for (count, lacks) in self.without.iter_mut().zip(lacks) {
            *count += u64::from(lacks);
        }
    }

    fn census(self, source: &Source, tally: Tally) -> Census {
        let rows = tally.entries;
        let (start, span) = self.watch.range();
        let view = self.seconds.view(start, span);
        // A log that says it of a few rows says it; what most rows lack is missing.
        let is_missing = |count: u64| count * 2 > rows;
        let missing = WITHOUT.iter().zip(self.without).filter(|(_, count)| is_missing(*count));
        Census {
            format: source.format(),
            start,
            span,
            requests: view.requests,
            tokens: view.tokens,
            seconds_complete: view.complete,
            minutes: view.minutes,
            gaps: view.gaps,
            clock: self.watch.clock(rows),
            quantiles: self.sizes.quantiles(),
            errors: self.errors,
            limited: self.limited,
            unknown: self.unknown,
            from_cache: self.from_cache,
            cost: self.cost,
            tenants: self.tenants.top(),
            deployments: self.deployments.top(),
            models: self.models.top(),
            missing: missing.map(|((_, what, assumed), _)| (*what, *assumed)).collect(),
            tally,
        }
    }
}
