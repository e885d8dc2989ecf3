//! The model world.

pub mod fault;
pub mod latency;
pub mod limit;
pub mod quantile;
pub mod spec;
pub mod stream;
pub mod tokens;
pub mod workload;
