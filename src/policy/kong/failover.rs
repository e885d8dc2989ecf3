//! Failover: which ends of an attempt are retried, which the breaker counts, what the client is told.
//!
//! Source: developer.konghq.com, AI load balancing, circuit breaker and proxying, and the plugin's schema
//! (repository at bc1cd742, 2026-08-21); nginx at 3f6f7824, `ngx_http_upstream.c`, whose mask of retried ends Kong
//! sets. Chat is POST: once a request was sent, it is retried only if `non_idempotent` is listed. A retry follows at
//! once. Our choices: a listed status counts for the breaker whether or not a retry follows; what breaks in the middle
//! of a stream does not count.

use crate::engine::{Outcome, Settings};

/// The criteria that are listed.
#[derive(Clone, Copy, Debug)]
pub struct Failover {
    retries: u32,
    error: bool,
    timeout: bool,
    statuses: [(u16, bool); 7],
    non_idempotent: bool,
    counts_midstream: bool,
}

impl Failover {
    /// From settings.
    pub fn new(settings: &Settings) -> Self {
        let status = |status, id| (status, settings.on(id));
        Self {
            retries: settings.get("retries") as u32,
            error: settings.on("criteria.error"),
            timeout: settings.on("criteria.timeout"),
            statuses: [
                status(500, "criteria.http_500"),
                status(502, "criteria.http_502"),
                status(503, "criteria.http_503"),
                status(504, "criteria.http_504"),
                status(403, "criteria.http_403"),
                status(404, "criteria.http_404"),
                status(429, "criteria.http_429"),
            ],
            non_idempotent: settings.on("criteria.non_idempotent"),
            counts_midstream: settings.on("breaker.count_midstream"),
        }
    }

    /// Whether a retry follows the `attempts`-th attempt, which ended so.
    pub fn retries(&self, outcome: &Outcome, attempts: usize) -> bool {
        let listed = match outcome {
            // No connection was made, so nothing was sent.
            Outcome::Unreachable => self.error,
            Outcome::Timeout => self.timeout && self.non_idempotent,
            _ => self.lists(outcome) && self.non_idempotent,
        };
        listed && attempts <= self.retries as usize
    }

    /// Whether the breaker counts it as a failure.
    pub fn counts(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Unreachable | Outcome::Timeout => true,
            Outcome::StreamBroken { .. } => self.counts_midstream,
            _ => !matches!(outcome.status(), 403 | 404) && self.lists(outcome),
        }
    }

    /// The status that the client gets when no retry follows.
    pub const fn status(outcome: &Outcome) -> u16 {
        match outcome {
            Outcome::Unreachable => 502,
            Outcome::Timeout => 504,
            other => other.status(),
        }
    }

    fn lists(&self, outcome: &Outcome) -> bool {
        self.statuses.contains(&(outcome.status(), true))
    }
}
