//! Tenants in the world: whose a request is, what it may use now, what it is charged.
//!
//! ```text
//!  arrival ─▶ who (a function of its luck) ─▶ admit ─▶ the set of routes that a policy may choose from
//!  send    ─▶ reserve at the configuration of the route's provider
//!  end     ─▶ settle: tokens and money, whatever became of the request
//!  retry   ─▶ admit again: a budget may have run out meanwhile
//! ```
//!
//! Governance decides what is eligible, then the policy ranks it. A routing rule, or weights that the policy leaves to
//! the gateway, lead a request along a course of legs (`course.rs`). The counts are those of
//! [`governance`](crate::governance); here are only the hooks, and what is recorded of each tenant.

mod course;
mod desk;
mod draw;
mod hooks;
mod plan;

pub(super) use course::Ask;
pub(super) use desk::Desk;
pub use plan::{Cache, Leg, Redirect, Tenancy, Tenant};
