//! A swarm of random worlds: a seed is a world, and in each of them independent books must balance.
//!
//! ```text
//!  seed ─ feature/* ─▶ text of a scenario ─ scenario::parse ─▶ a run, followed from outside (spy, watch, looks)
//!                                                                    │
//!                                          evidence ─ checker/* ─▶ the first thing that cannot be
//! ```
//!
//! A world is an ordinary scenario: `windtunnel check --swarm` can write it down, and `windtunnel run` runs it.
//! Whoever teaches the simulator something new adds a function to `feature` and, if there is an invariant, a file
//! to `checker`.

mod checker;
mod coverage;
mod dice;
mod draft;
mod evidence;
mod feature;
mod run;
mod spy;

#[cfg(test)]
mod tests;

pub use coverage::{Coverage, Row};
pub use run::{Finding, SwarmPlan, SwarmReport, current, swarm, text, world};
