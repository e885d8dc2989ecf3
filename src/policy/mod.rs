//! Every way to route, behind one contract.
//!
//! To add a policy: write a file with a type that implements [`Policy`] and a `SPEC: PolicySpec` (name,
//! product, source of every rule, parameters); list it in [`registry::POLICIES`]. Parsing, help, docs, the
//! conformance tests and every command find it there.

pub mod adaptive;
pub mod classic;
mod contract;
pub mod layer;
pub mod litellm;
pub mod part;
pub mod registry;

pub use crate::engine::Health;
pub use contract::{
    Attempt, ModelId, Past, Policy, Pool, ProviderId, Report, Request, RouteHistory, RouteId,
    RouteInfo, RouteView, Sees, Sent, Step, Transition, Truth,
};
pub use registry::{Family, Grade, POLICIES, PolicySpec, Process};
