//! The one integration binary: one module a subject.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod bench;
mod bound;
mod clients;
mod conservation;
mod determinism;
mod fault_timing;
mod faults;
mod limits;
mod metrics;
mod order;
mod scripted;
mod dependencies;
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
mod bad_input;
mod cli;
mod docs;
mod golden;
mod program;
mod real_trace;
mod smoke;
mod tidy;
