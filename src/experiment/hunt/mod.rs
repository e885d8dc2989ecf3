//! The fault schedule that hurts a policy most, and the least of it that still hurts.
//!
//! A schedule is one or two faults of the catalogue with place, start, length and depth, and a load. Its one
//! form that counts is the text of a scenario: what is judged is what is written, so a found file replays to
//! the same events. Schedules are bred in batches of fixed size and judged in parallel; nothing depends on
//! threads or on the clock. The best of every kind of fault is kept, or one kind would crowd out the others.
//!
//! ```text
//! base ─ kinds ─▶ Schedule ─ draft ─▶ text ─ scenario::parse, one run (and the oracle's) ─▶ score
//!                    ▲                                                                       │
//!                    └───────────── breed: the worst so far, changed a little ◀──────────────┘
//! worst of each kind ─ shrink ─▶ minimal schedule ─ look: all phases, fresh seeds, a longer fault ─▶ record
//! ```

mod breed;
mod draft;
mod judge;
mod kinds;
mod look;
mod schedule;
mod search;
mod shrink;

#[cfg(test)]
mod tests;

pub use judge::By;
pub use kinds::names as kinds;
pub use search::{Catch, HuntError, HuntPlan, hunt};

/// The world of a hunt that is given none: small, with limits, keys, regions and two models to break.
pub const BASE: &str = include_str!("base.toml");
