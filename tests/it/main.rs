//! The one integration binary: one module a subject.
#![expect(clippy::unwrap_used, reason = "a test may")]

mod metrics;
mod smoke;
