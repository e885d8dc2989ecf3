//! The model world: clients, a gateway node, providers with keys and limits, and what goes wrong.
//!
//! [`World`] runs a [`spec::Spec`] under a policy and a seed and leaves a tape. Two rules of order: events
//! come by (time, sequence number); at one moment faults come first, then attempts, then policies wake, then
//! requests arrive. Chance is a function of (seed, purpose, entity, index), never "the next number", so every
//! policy meets the same requests and the same luck.

mod attempt;
pub mod bound;
mod check;
mod cutting;
mod digest;
pub mod fault;
pub mod fleet;
mod flight;
mod history;
pub mod latency;
pub mod limit;
mod operate;
mod patience;
pub mod plain;
pub mod prefix;
pub mod quantile;
pub mod queue;
pub(crate) mod region;
mod request;
pub mod script;
mod service;
pub mod spec;
mod standing;
pub mod stream;
mod telling;
pub mod tenancy;
pub mod tokens;
pub mod watch;
pub mod workload;
mod world;

pub use check::Breach;
pub use fault::Replication;
pub use fleet::Maker;
pub use queue::{EventQueue, Heap, Wheel};
pub use script::Script;
pub use watch::Watch;
pub use world::World;
