//! All that is stored of a run.

use serde::{Deserialize, Serialize};

use crate::metrics::Tape;

use super::series::{self, ArrivalRow, Series, TransitionRow};
use super::summarise::{Subject, summary};
use super::summary::Summary;

/// A run as reports see it. The series are those of the first replication.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// `summary.json`.
    pub summary: Summary,
    /// `series.csv`.
    pub series: Series,
    /// `arrivals.csv`.
    pub arrivals: Vec<ArrivalRow>,
    /// `transitions.csv`.
    pub transitions: Vec<TransitionRow>,
    /// `timing.json`, if somebody looked at the clock.
    pub timing: Option<Timing>,
}

/// How long it took on the machine that ran it; differs from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Wall-clock seconds.
    pub wall_s: f64,
    /// Simulated requests per wall-clock second.
    pub requests_per_wall_second: f64,
    /// Greatest resident memory of the process, in bytes.
    pub peak_rss_bytes: u64,
    /// Threads used.
    pub threads: u32,
}

impl StoredRun {
    /// From the replications of one scenario under one policy, in their order.
    ///
    /// # Panics
    /// Without a tape, or if the tapes have other routes than the pool.
    pub fn new(tapes: &[Tape], subject: &Subject<'_>) -> Self {
        let summary = summary(tapes, subject);
        let first = &tapes[0];
        Self {
            summary,
            series: series::series(first, subject.pool),
            arrivals: series::arrivals(first),
            transitions: series::transitions(first),
            timing: None,
        }
    }
}
