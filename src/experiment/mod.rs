//! What the subcommands do, without a terminal.

pub mod bench;
pub mod check;
pub mod claims;
pub mod compare;
mod judge;
pub mod league;
pub mod progress;
pub mod run;
pub mod shim;

pub use progress::{Progress, Silent};
pub use run::{RunError, RunPlan, described, run};
