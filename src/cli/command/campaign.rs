//! `windtunnel campaign`: the work of `compare` and `sweep`, over many machines.

use clap::Subcommand;

use super::campaign_emit::{Emit, emit};
use super::campaign_merge::{Merge, merge};
use super::campaign_plan::{Make, make};
use super::campaign_run::{Run, run};
use crate::cli::fail::Failure;

#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum Campaign {
    /// Write the list of units: all runs of a `compare` or a `sweep`
    Plan(Make),
    /// Run the units of a plan, or one part of them; it goes on where it was
    Run(Run),
    /// Join parts to what `compare` or `sweep` would have written
    Merge(Merge),
    /// Print what runs a plan on Slurm, Kubernetes, GitHub Actions or GNU parallel
    Emit(Emit),
}

pub(super) fn campaign(command: &Campaign) -> Result<(), Failure> {
    match command {
        Campaign::Plan(args) => make(args),
        Campaign::Run(args) => run(args),
        Campaign::Merge(args) => merge(args),
        Campaign::Emit(args) => emit(args),
    }
}
