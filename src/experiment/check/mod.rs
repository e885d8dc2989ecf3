//! The gate of a build: expectations, and what got worse than a baseline.
//!
//! ```text
//! plan: scenarios × policies ─▶ first look ─▶ judge ─▶ suspicious? ─▶ twice the replications ─▶ judge … ─▶ report
//! ```
//!
//! Gates are compared pair by pair on common random numbers. With equal behaviour every difference is 0, and
//! with equal digests nothing else needs to be known.

mod merge;
mod plan;
mod reference;
mod verdict;
mod work;

#[cfg(test)]
mod tests;

pub use merge::{MergeError, merge};
pub use plan::{ALPHA, CheckPlan, Subject};
pub use reference::{Refused, Source};
pub use work::{Check, Pending};
