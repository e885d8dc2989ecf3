//! The one integration binary: one module a subject.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod bad_input;
mod cli;
mod docs;
mod golden;
mod program;
mod real_trace;
mod smoke;
mod tidy;
