//! Better values for the parameters of a policy, proven on what the search never saw.
//!
//! ```text
//! scenarios ─ families ─▶ some for the search, others held out (their hash is written down first)
//! axes ─ study asks ─▶ settings ─ runs on common random numbers ─▶ objectives ─ study is told ─▶ …
//!                                      │ clearly worse than one of the front after a third of its runs: stopped
//! front ─ knee, no worse than the reference ─▶ one candidate ─ once, on held-out scenarios and seeds ─▶ verdicts
//! ```
//!
//! The whole is a pure function of its plan. A journal of finished runs stands between it and the simulator, so
//! that a search that was killed is begun again from the start, and reads what it had instead of running it.

mod axes;
mod export;
mod families;
mod front;
mod outcome;
mod proof;
mod runs;
mod search;
mod searcher;
mod shared;
mod study;

#[cfg(test)]
mod tests;

pub use axes::{Axis, ENGINE, axes};
pub use export::{product_file, thresholds};
pub use families::{Split, split};
pub use search::{Plan, Status, TuneError, objectives, tune};
pub use shared::{SharedError, Storage};
