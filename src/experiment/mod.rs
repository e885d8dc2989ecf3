//! What the subcommands do, without a terminal.

pub mod bench;
pub mod claims;
pub mod compare;
pub mod league;
pub mod progress;
pub mod run;

pub use progress::{Progress, Silent};
pub use run::{RunError, RunPlan, described, run, tapes};
