//! Fitting a scenario to a request log: who asks and how bursty, how long prompts and answers are, how
//! fast each deployment answers, how often it fails, and where its limit is.
//!
//! ```text
//! log ─ rows ─┬─ by client: arrivals (rate curve, process), tokens (quantiles), models
//!             └─ by deployment: latency (body, slow mode, decode rate), errors, limit ─▶ Fitted ─ write ─▶ TOML
//! ```
//!
//! Everything is estimated from the log's own rows; what a log does not say is left to the profile of the
//! vendor, and said so. Each estimate comes with how well it fits.

mod arrivals;
mod distance;
mod fitted;
mod latency;
mod limit;
mod mixture;
mod onto;
mod process;
mod rows;
mod server;
mod sizes;
mod write;

#[cfg(test)]
mod tests;

pub use arrivals::ArrivalFit;
pub use fitted::{ClassFit, FitError, Fitted, Options, fit};
pub use latency::LatencyFit;
pub use limit::LimitFit;
pub use onto::{Onto, OntoError, onto};
pub use process::Burst;
pub use server::ServerFit;
pub use sizes::SizeFit;
pub use write::{Traffic, scenario};
