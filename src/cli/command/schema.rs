//! `windtunnel schema`.

use clap::ValueEnum;

use crate::record::{
    Baseline, CheckReport, Comparison, Hunt, Scorecard, Solution, Summary, Sweep, Tuning,
};
use crate::scenario;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaOf {
    /// Scenario files
    Scenario,
    /// summary.json
    Summary,
    /// comparison.json
    Comparison,
    /// sweep.json
    Sweep,
    /// claims.json
    Claims,
    /// hunt.json
    Hunt,
    /// What `solve --format json` prints
    Solution,
    /// tuning.json
    Tuning,
    /// What `check --format json` prints
    Check,
    /// What `check --update` writes
    Baseline,
}

/// The JSON Schema of a format.
pub(super) fn schema(of: SchemaOf) -> String {
    match of {
        SchemaOf::Scenario => format!("{:#}", scenario::schema()),
        SchemaOf::Summary => Summary::schema(),
        SchemaOf::Comparison => Comparison::schema(),
        SchemaOf::Sweep => Sweep::schema(),
        SchemaOf::Claims => Scorecard::schema(),
        SchemaOf::Hunt => Hunt::schema(),
        SchemaOf::Solution => Solution::schema(),
        SchemaOf::Tuning => Tuning::schema(),
        SchemaOf::Check => CheckReport::schema(),
        SchemaOf::Baseline => Baseline::schema(),
    }
}
