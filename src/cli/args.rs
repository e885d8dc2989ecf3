//! What was typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

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
    /// What vendors say of their balancers, put to the test
    Claims(Claims),
    /// Measure the real engine on the real clock, and the simulator's speed
    Bench(Bench),
    /// Request traces: look at one, make one
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
    /// Write a commented scenario to start from
    New {
        /// Its name: NAME.toml is written, or scenarios/NAME.toml if there is such a folder
        name: String,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Run one scenario under one policy.
#[derive(Debug, Parser)]
pub(super) struct Run {
    /// The scenario file
    pub(super) scenario: PathBuf,
    /// Override any key of the scenario, e.g. provider.azure.tpm='"110%"' or policy.error.cap=2
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
    /// Policy instead of the scenario's own (see `list policies`)
    #[arg(long)]
    pub(super) policy: Option<String>,
    /// Seed of the first replication [default: the scenario's, else 1]
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
    /// How often to run, with drawn fault phases spread evenly
    #[arg(long, short = 'R', value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) replications: u32,
    /// Folder for results [default: results/NAME, as the scenario is called]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Threads for replications [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
    /// Run twice and compare the digests (exit code 97 if they differ)
    #[arg(long)]
    pub(super) verify: bool,
}

/// Many policies on the same random numbers.
///
/// Every policy meets the same requests and the same luck, so that they are compared pair by pair. Two tables
/// are made: policies as they ship, and their rules alone under one common layer (one retry on another route,
/// at most 10 % retries). What an interrupted comparison has finished is kept; the same command goes on.
#[derive(Debug, Parser)]
pub(super) struct Compare {
    /// Scenario files, or folders of them
    #[arg(required = true)]
    pub(super) scenarios: Vec<PathBuf>,
    /// Policies, separated by commas, each NAME or NAME{parameter=value,…}; or `all` [default: the gateways of
    /// the vendors' comparison as they ship and as their documents tune them, and the classics; the oracle
    /// always runs]
    #[arg(long, value_name = "LIST")]
    pub(super) policies: Option<String>,
    /// This policy of the engine, and the same with one part off at a time: what each part is worth
    #[arg(long, value_name = "POLICY")]
    pub(super) ablate: Option<String>,
    /// Which tables to make
    #[arg(long, value_enum, default_value_t = Tables::Both)]
    pub(super) tables: Tables,
    /// How often each scenario runs under each policy, with drawn fault phases spread evenly
    #[arg(long, short = 'R', value_name = "R", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) replications: u32,
    /// 10 replications
    #[arg(long, conflicts_with = "replications")]
    pub(super) quick: bool,
    /// Override any key of every scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
    /// Seed of the first replication
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Folder for results [default: results/compare-NAME for one scenario, else results/compare]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Tables {
    /// As shipped, and the rules alone
    Both,
    /// As shipped
    Shipped,
    /// The rules alone
    Rule,
}

/// What vendors say of their balancers, put to the test.
///
/// One file a claim: what is said and where, and a scenario with bounds, a figure of the real clock, or the
/// vendor's own documents. The verdicts do not change the exit code: this is a report.
#[derive(Debug, Parser)]
pub(super) struct Claims {
    /// Claim files, or folders of them
    #[arg(value_name = "FILE|FOLDER", default_value = "scenarios/claims")]
    pub(super) claims: Vec<PathBuf>,
    /// Seed of the first replication of each scenario
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Folder for results
    #[arg(long, value_name = "DIR", default_value = "results/claims")]
    pub(super) out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

/// Measure the engine and the simulator.
#[derive(Debug, Parser)]
pub(super) struct Bench {
    /// Folder for the records and the picture
    #[arg(long, value_name = "DIR", default_value = "results/bench")]
    pub(super) out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// A tenth of the work: figures are rougher
    #[arg(long)]
    pub(super) quick: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Trace {
    /// Rate, dispersion and tokens of a trace
    Info {
        /// The trace file
        file: PathBuf,
        /// Its format: azure, mooncake or burstgpt
        #[arg(long, default_value = "azure")]
        format: String,
    },
    /// Make a synthetic trace in the Azure format on stdout
    Synth(Synth),
}

/// Make a synthetic trace with the token counts of coding traffic (our fit to Microsoft's public trace of
/// 2023). The defaults make scenarios/data/azure-small.csv, byte for byte.
#[derive(Debug, Parser)]
pub(super) struct Synth {
    /// Seed
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Length in seconds
    #[arg(long, default_value_t = 3_600, allow_negative_numbers = true)]
    pub(super) seconds: u64,
    /// Mean requests per second
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    pub(super) rate: f64,
    /// Mean length of a burst in seconds; 0 = no bursts
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    pub(super) on: f64,
    /// Mean length of a pause in seconds
    #[arg(long, default_value_t = 14.0, allow_negative_numbers = true)]
    pub(super) off: f64,
}

/// List things.
#[derive(Debug, Parser)]
pub(super) struct List {
    /// What to list
    #[arg(value_enum)]
    pub(super) what: Listed,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// For `parameters`: of this policy
    #[arg(long, default_value = "windtunnel")]
    pub(super) policy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Listed {
    /// Ways to route
    Policies,
    /// Parameters of a policy (`--policy`)
    Parameters,
    /// Kinds of fault
    Faults,
    /// Provider profiles
    Profiles,
    /// What is measured
    Metrics,
    /// Files in scenarios/
    Scenarios,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// Scenario files
    Scenario,
    /// summary.json
    Summary,
    /// comparison.json
    Comparison,
    /// claims.json
    Claims,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A seed: any number of 64 bits.
fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}
