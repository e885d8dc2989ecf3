//! The tape: what one run leaves behind, as integers (and the policy's own views, which are shown as they are).
//!
//! Everything a report says is computed from a tape; nothing per request is kept. Time is cut into bins of
//! [`Tape::bin`] (1 s up to two hours of horizon, then the horizon's 7,200th part), so that memory does not
//! grow with the horizon.

use hdrhistogram::Histogram;

use crate::engine::{Span, Time};
use crate::policy::{RouteView, Transition};

use super::cluster::ClusterTape;
use super::prompt_cache::PromptTape;
use super::tenant::{RuleTape, TenantTape};

/// What one run left.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Length of the run.
    pub horizon: Span,
    /// Length of a bin.
    pub bin: Span,
    /// Requests that arrive at or after this moment, the horizon, are simulated but not measured.
    pub measured_until: Time,
    /// Totals over the measured requests.
    pub totals: Totals,
    /// Per bin of intended arrival.
    pub arrivals: Vec<ArrivalBin>,
    /// Per route and bin of attempt start: `routes[r][b]`. Empty inner vectors where a run has more than
    /// [`ROUTES_MAX`] routes.
    pub routes: Vec<Vec<RouteBin>>,
    /// Per route over the whole run.
    pub route_totals: Vec<RouteBin>,
    /// Per route over the whole run, what its limit was charged.
    pub charges: Vec<Charges>,
    /// Requests that failed or were shed, per model and bin of intended arrival: `unserved[m][b]`.
    pub unserved: Vec<Vec<u32>>,
    /// The faults as they happened.
    pub faults: Vec<FaultTape>,
    /// The policy's view at each of its ticks, and at time zero: at most one per bin.
    pub views: Vec<(Time, Vec<RouteView>)>,
    /// Changes of health, in time order.
    pub transitions: Vec<Transition>,
    /// Latency of requests from intended arrival, in microseconds, measured good and late requests.
    pub latency: Histogram<u64>,
    /// min(latency, deadline) of *all* measured requests in microseconds; what failed, was shed or is
    /// unfinished counts as its deadline.
    pub latency_all: Histogram<u64>,
    /// `latency` per bin of arrival, summarised: p50, p90, p99 in microseconds (0 where no request was done).
    pub latency_bins: Vec<[u64; 3]>,
    /// Time to first token from intended arrival, in microseconds, streamed requests that were good or late.
    pub ttft: Histogram<u64>,
    /// What is between the processes of the gateway, where there are several.
    pub cluster: Option<Box<ClusterTape>>,
    /// Requests that were answered from what the gateway had stored, without any attempt.
    pub stored: u64,
    /// What prompt caches did, where the scenario says what prompts have in common.
    pub prompts: Option<PromptTape>,
    /// What each tenant got; empty without tenants.
    pub tenants: Vec<TenantTape>,
    /// What each routing rule did; empty without rules.
    pub rules: Vec<RuleTape>,
    /// Digest of the event stream.
    pub digest: u64,
    /// Requests simulated, also those that are not measured.
    pub arrived: u64,
    /// Events handled.
    pub events: u64,
    /// Most attempts in flight at once.
    pub in_flight_max: u32,
}

/// Above this many routes, no series per route is kept (totals are).
pub const ROUTES_MAX: usize = 1_000;

/// Totals over the measured requests. `offered = good + late + failed + shed + unfinished`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that arrived.
    pub offered: u64,
    /// Done within the deadline.
    pub good: u64,
    /// Done after the deadline.
    pub late: u64,
    /// Ended with an error, a broken stream, or a client that went away.
    pub failed: u64,
    /// Refused by the gateway itself, without any attempt.
    pub shed: u64,
    /// Still under way at the end of the run.
    pub unfinished: u64,
    /// Attempts made, those after the horizon included (as in all totals; bins end with the horizon).
    pub attempts: u64,
    /// Attempts refused with a 429.
    pub rate_limited: u64,
    /// Attempts whose route was taken to learn about it.
    pub explored: u64,
    /// Requests with such an attempt that did not become good.
    pub explored_bad: u64,
    /// Output tokens of good requests.
    pub good_tokens: u64,
    /// Output tokens of attempts whose request did not become good.
    pub wasted_tokens: u64,
    /// What all attempts cost, in nano-dollars.
    pub cost_nano_usd: u64,
}

/// One bin of intended arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivalBin {
    /// Requests that arrived.
    pub offered: u32,
    /// Of those, good.
    pub good: u32,
    /// Of those, late.
    pub late: u32,
    /// Of those, failed or shed.
    pub failed: u32,
}

/// One bin of attempts at one route, by start of the attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteBin {
    /// Attempts that were the first of their request.
    pub first: u32,
    /// All attempts.
    pub attempts: u32,
    /// Attempts that were done.
    pub good: u32,
    /// Attempts that failed, 429s apart.
    pub failed: u32,
    /// Attempts refused with a 429.
    pub rate_limited: u32,
}

/// What a route's limit was charged for the attempts that it admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    /// Attempts that ended.
    pub attempts: u64,
    /// Tokens, as the limit counts them.
    pub tokens: u64,
}

/// A fault as it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultTape {
    /// Its name.
    pub name: String,
    /// Onset f0.
    pub start: Time,
    /// End f1.
    pub end: Time,
    /// Routes concerned, ascending.
    pub routes: Vec<u32>,
    /// Regions of gateway nodes from which it is seen, one bit each; `None` = from everywhere. Only attempts from
    /// there are counted below.
    pub seen_from: Option<u64>,
    /// First attempts sent to the set, per second from time zero (always 1 s).
    pub first_per_s: Vec<u32>,
    /// All first attempts for the models that the set serves, per second from time zero.
    pub base_per_s: Vec<u32>,
}

impl FaultTape {
    /// Whether attempts from nodes in this region meet it.
    pub fn is_seen_from(&self, region: u8) -> bool {
        self.seen_from.is_none_or(|regions| regions >> region & 1 == 1)
    }
}
