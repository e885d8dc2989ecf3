//! Stored results: the waist between experiments, which write them, and reports, which read nothing
//! else.
//!
//! A run is a folder: `summary.json` (versioned, with a JSON Schema in `docs/summary.schema.json`),
//! `series.csv`, `arrivals.csv`, `transitions.csv`, and apart from these deterministic files
//! `timing.json`. Counts are integers; estimates are rounded to 6 significant digits here, so that
//! reports have the same bytes everywhere.

pub mod baseline;
pub mod bench;
pub mod check;
pub mod claims;
pub mod cluster;
pub mod comparison;
pub mod decision;
pub mod explained;
#[cfg(test)]
pub(crate) mod fixture;
pub mod hunt;
pub mod journal;
pub mod made;
pub mod manifest;
pub mod plan;
pub mod quantity;
pub mod run;
pub mod run_row;
pub mod series;
pub mod solution;
pub mod store;
pub mod study;
pub mod summarise;
pub mod summary;
pub mod sweep;
pub mod table;
mod tenants;
pub mod tuning;
pub mod warning;

pub use baseline::{Baseline, BaselineError};
pub use bench::{Bench, Bucket, Measurements};
pub use check::CheckReport;
pub use claims::Scorecard;
pub use cluster::ClusterSummary;
pub use comparison::Comparison;
pub use decision::{Decision, DecisionInputs};
pub use explained::{EXPLAINED_VERSION, Explained, Parting};
pub use hunt::Hunt;
pub use made::Made;
pub use manifest::{MANIFEST_VERSION, Manifest};
pub use quantity::{Measured, Quantity, Spread, significant};
pub use run::{StoredRun, Timing};
pub use series::{ArrivalRow, Counts, Sample, Series, TransitionRow};
pub use solution::Solution;
pub use store::{StoreError, read, read_versioned, to_json, writable, write, write_whole};
pub use summarise::{Subject, summary};
pub use summary::{
    FaultSummary, Quantiles, Requests, RouteSummary, RuleSummary, SCHEMA_VERSION, Summary,
    TenantSummary, Tokens,
};
pub use sweep::Sweep;
pub use tuning::Tuning;
pub use warning::Warning;
