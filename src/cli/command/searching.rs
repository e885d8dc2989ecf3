//! What the searches `hunt`, `tune` and `solve` take alike.

use clap::Args;

use crate::cli::args::{Format, seed};
use crate::cli::fail::quote;

/// Options of every search.
#[derive(Debug, Args)]
pub(in crate::cli) struct Searching {
    /// Override any key of every scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) sets: Vec<String>,
    /// Seed of the search and of its runs
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

impl Searching {
    /// What of it decides the result, behind a command.
    pub(super) fn again(&self, line: &str) -> String {
        let sets = self.sets.iter().map(|set| format!(" --set {}", quote(set)));
        format!("{line}{} --seed {}", sets.collect::<String>(), self.seed)
    }
}
