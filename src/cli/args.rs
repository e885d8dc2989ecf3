//! The commands, and what several of them take. What one command takes stands in its own file.

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::command::bench::Bench;
use super::command::campaign::Campaign;
use super::command::check::Check;
use super::command::claims::Claims;
use super::command::compare::Compare;
#[cfg(feature = "dashboard")]
use super::command::dashboard::Dashboard;
use super::command::explain::Explain;
use super::command::hunt::Hunt;
use super::command::list::List;
use super::command::new::New;
use super::command::replay::Replay;
use super::command::report::Report;
use super::command::run::Run;
use super::command::schema::SchemaOf;
use super::command::solve::Solve;
use super::command::sweep::Sweep;
use super::command::trace::Trace;
use super::command::tune::Tune;
use super::exit;

/// A wind tunnel for the load balancers of LLM gateways.
///
/// Simulates clients, a gateway, providers, limits and faults in virtual time and measures how fast a way to
/// route notices a fault, what it loses, and how fast it comes back. Data goes to stdout, everything else to
/// stderr.
#[derive(Debug, Parser)]
#[command(name = "windtunnel", version, after_help = exit::HELP, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run one scenario under one policy: summary, CSV, plots
    Run(Run),
    /// Many policies on the same random numbers: league tables with intervals
    Compare(Compare),
    /// The fault schedule that hurts a policy most, shrunk to a minimal scenario
    Hunt(Hunt),
    /// Better values for a policy's parameters, proven on what the search never saw
    Tune(Tune),
    /// How much of something is needed until a metric reaches a bound
    Solve(Solve),
    /// Expectations, and what got worse than a baseline: the gate of a build
    Check(Check),
    /// How the metrics answer to parameters: grids, designs, sensitivity, boundaries
    Sweep(Sweep),
    /// The work of `compare` and `sweep` over many machines
    #[command(subcommand)]
    Campaign(Campaign),
    /// What vendors say of their balancers, put to the test
    Claims(Claims),
    /// Why a request was routed as it was, and what would have flipped it
    Explain(Explain),
    /// Watch and disturb a running simulation in a browser
    #[cfg(feature = "dashboard")]
    Dashboard(Dashboard),
    /// Make the decisions of an embedded engine's flight record again
    Replay(Replay),
    /// Stored results as one page: findings, figures, tables
    Report(Report),
    /// Measure the real engine on the real clock, and the simulator's speed
    Bench(Bench),
    /// Request logs: look at one, fit a scenario to one, make one
    #[command(subcommand)]
    Trace(Trace),
    /// List what can be named in scenarios and on the command line
    List(List),
    /// Print the JSON Schema of a format
    Schema {
        /// Which format
        #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
        of: SchemaOf,
    },
    /// Write a commented scenario to start from, or one of a gateway's configuration
    New(New),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A seed: any number of 64 bits.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}
