//! What a run leaves behind, and what is computed from it.
//!
//! A [`Tape`] holds the counts of one run; every number of a report is a function of one or more
//! tapes and stands in the [`catalog`], which says its unit, its formula and which direction is
//! better.

pub mod budget;
pub mod catalog;
pub mod churn;
pub mod cluster;
pub mod fairness;
#[cfg(test)]
pub(crate) mod fixture;
pub mod health;
pub mod metric;
mod noise;
pub mod onset;
pub mod oscillation;
pub mod penalty;
mod phase;
pub mod prompt_cache;
pub mod recorder;
pub mod recovery;
pub mod service;
pub mod stability;
pub mod tape;
pub mod tenant;
pub mod value;
pub mod waste;
pub mod weight;

pub use catalog::METRICS;
pub use metric::{Direction, Measure, Metric};
pub use prompt_cache::PromptTape;
pub use tape::*;
pub use tenant::{DENIALS, RuleTape, TenantTape};
pub use value::Value;
