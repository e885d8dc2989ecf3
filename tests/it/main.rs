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
mod smoke;
mod still;
mod theory;
