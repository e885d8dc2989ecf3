//! Every way to route, behind one contract.
//!
//! To add a policy: write a file with a type that implements [`Policy`] and a `SPEC: PolicySpec` (name,
//! product, source of every rule, parameters); list it in [`registry::POLICIES`]. Parsing, help, docs, the
//! conformance tests and every command find it there.

pub mod adaptive;
pub mod bedrock;
pub mod bifrost_oss;
pub mod bifrost_v0;
pub mod classic;
pub mod cloudflare;
mod contract;
pub mod field;
#[cfg(test)]
mod fixture;
pub mod kong;
pub mod layer;
pub mod litellm;
#[cfg(test)]
mod mutation;
pub mod oracle;
pub mod part;
pub mod plausible;
pub mod proxy;
pub mod registry;
pub mod settable;

pub use crate::engine::Health;
pub use contract::{
    Attempt, Deadline, ModelId, Past, Policy, Pool, ProviderId, Report, Request, RouteHistory,
    RouteId, RouteInfo, RouteView, Sees, Sent, SetId, Share, Step, Transition, Truth,
};
pub use registry::{Family, Grade, POLICIES, PolicySpec, Process};
