//! The one integration binary: one module a subject.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod bad_input;
mod bench;
mod bound;
mod claims;
mod cli;
mod clients;
mod compare;
mod conformance;
mod conservation;
#[cfg(feature = "dashboard")]
mod dashboard;
mod dependencies;
mod determinism;
mod docs;
mod engine;
mod engine_holds;
mod engine_host;
mod engine_latency;
mod engine_law;
mod engine_limits;
mod engine_routes;
mod engine_selection;
mod engine_sharing;
mod engine_threads;
mod explain;
mod fault_timing;
mod faults;
mod golden;
mod limits;
mod metrics;
mod oracle_litellm;
mod oracle_litellm_bands;
mod order;
mod program;
mod real_trace;
mod regret;
mod scripted;
mod sinkhole;
mod smoke;
mod still;
mod theory;
mod tidy;
