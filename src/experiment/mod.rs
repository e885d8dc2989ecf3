//! What the subcommands do, without a terminal.

pub mod bench;
pub mod check;
mod child;
pub mod choices;
pub mod claims;
pub mod compare;
pub mod explain;
pub mod flight;
pub mod hunt;
mod judge;
pub mod league;
mod measure;
pub mod probe;
pub mod progress;
pub mod run;
pub mod shim;
pub mod shown;
pub mod solve;
pub mod swarm;
pub mod sweep;
pub mod timeline;
pub mod tune;
pub mod unit;

pub use progress::{Progress, Silent};
pub use run::{RunError, RunPlan, described, run, run_only, tapes};
