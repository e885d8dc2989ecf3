//! A wind tunnel for the load balancers of LLM gateways.
//!
//! windtunnel puts a real adaptive scoring engine, and models of how other gateways route, into one
//! simulated world (clients, gateway, providers, keys, token limits, faults) and measures how fast each
//! notices a fault, how much traffic it loses, how fast it comes back and what a decision costs.
//!
//! # Five nouns
//! * A *request* is what a client asked, once. An *attempt* is one try at one provider key.
//! * An *outcome* ends an attempt; a *result* ends a request.
//! * A *run* is scenario × policy × seed.
//!
//! A *route* is provider + model + key (+ region where a provider has several); a *direction* is
//! provider + model.
//!
//! # Modules, in reading order
//! * [`engine`]: the adaptive balancer that a gateway embeds. No clock, no I/O, no randomness of its own.
//! * [`governance`]: who may use what, and how much of it: budgets, rates, virtual keys.
//! * [`policy`]: the one contract that every way to route fulfils, and the registry of them.
#![cfg_attr(
    feature = "cluster",
    doc = "* [`cluster`]: how the nodes of a gateway share what their engines learn. Gossip without I/O."
)]
#![cfg_attr(
    feature = "sim",
    doc = "* [`metrics`]: what a run leaves behind, and what is computed from it."
)]
#![cfg_attr(
    feature = "sim",
    doc = "* [`sim`]: the model world: arrivals, providers, limits, faults, the gateway node."
)]
#![cfg_attr(feature = "lab", doc = "* [`trace`]: request traces in public formats.")]
#![cfg_attr(feature = "lab", doc = "* [`scenario`]: the file format.")]
#![cfg_attr(
    feature = "lab",
    doc = "* [`import`]: configurations of other gateways, read into scenarios."
)]
#![cfg_attr(feature = "lab", doc = "* [`fit`]: request logs, fitted by scenarios.")]
#![cfg_attr(
    feature = "lab",
    doc = "* [`record`]: stored results, the waist between experiments and reports."
)]
#![cfg_attr(
    feature = "lab",
    doc = "* [`experiment`]: what the subcommands do, without a terminal."
)]
#![cfg_attr(feature = "report", doc = "* [`report`]: stored results as pictures and tables.")]
#![cfg_attr(feature = "cli", doc = "* [`cli`]: the only code that prints or reads the terminal.")]
#![cfg_attr(feature = "dashboard", doc = "* [`dashboard`]: a live page of a running simulation.")]
//!
//! # Features
//! Without default features the crate is [`engine`], [`governance`] and [`policy`], with `arc-swap` and `libm` as its only
//! dependencies; `rules` adds routing rules, `cluster` gossip. `sim`, `lab`, `report` and `cli` add the modules above, each on top of the one before.

#[macro_use]
mod planted;

pub mod engine;
pub mod governance;
pub mod policy;

#[cfg(feature = "cluster")]
pub mod cluster;

#[cfg(feature = "sim")]
pub mod metrics;
#[cfg(feature = "sim")]
pub mod sim;

#[cfg(feature = "lab")]
pub mod experiment;
#[cfg(feature = "lab")]
pub mod fit;
#[cfg(feature = "lab")]
pub mod import;
#[cfg(feature = "lab")]
pub mod record;
#[cfg(feature = "lab")]
pub mod scenario;
#[cfg(feature = "lab")]
pub mod stats;
#[cfg(feature = "lab")]
pub mod trace;

#[cfg(feature = "report")]
pub mod report;

#[cfg(feature = "dashboard")]
pub mod dashboard;

#[cfg(feature = "cli")]
pub mod cli;
