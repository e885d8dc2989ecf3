//! The one integration binary: one module a subject.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod bad_input;
mod bench;
mod bound;
mod claims;
mod cli;
mod clients;
mod conformance;
mod conservation;
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
mod fault_timing;
mod faults;
mod golden;
mod limits;
mod metrics;
mod order;
mod program;
mod real_trace;
mod scripted;
mod smoke;
mod still;
mod theory;
mod tidy;
