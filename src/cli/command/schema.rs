//! `windtunnel schema`.

use clap::ValueEnum;

use crate::record::{Baseline, CheckReport, Comparison, Scorecard, Summary};
use crate::scenario;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchemaOf {
    /// Scenario files
    Scenario,
    /// summary.json
    Summary,
    /// comparison.json
    Comparison,
    /// claims.json
    Claims,
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
        SchemaOf::Claims => Scorecard::schema(),
        SchemaOf::Check => CheckReport::schema(),
        SchemaOf::Baseline => Baseline::schema(),
    }
}
