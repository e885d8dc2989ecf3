//! `windtunnel trace synth`: a log that nobody has to ask for.

use clap::{Parser, ValueEnum};

use crate::cli::args::seed;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::engine::Span;
use crate::sim::spec::Gaps;
use crate::trace::{self, Ledger, Synthetic};

/// What a synthetic log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Looks {
    /// Three columns, as in Azure's public traces
    Azure,
    /// LiteLLM's spend log of a made-up company: three teams, three deployments, errors, a limit
    Litellm,
}

/// Make a synthetic trace with the token counts of coding traffic (our fit to Microsoft's public trace of
/// 2023). The defaults make scenarios/data/azure-small.csv, byte for byte.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Synth {
    /// What it looks like
    #[arg(long, value_enum, default_value_t = Looks::Azure)]
    format: Looks,
    /// Seed
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Length in seconds
    #[arg(long, default_value_t = 3_600, allow_negative_numbers = true)]
    seconds: u64,
    /// Mean requests per second
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    rate: f64,
    /// Mean length of a burst in seconds; 0 = no bursts (of --format azure)
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    on: f64,
    /// Mean length of a pause in seconds (of --format azure)
    #[arg(long, default_value_t = 14.0, allow_negative_numbers = true)]
    off: f64,
}

pub(super) fn synth(args: &Synth) -> Result<(), Failure> {
    let legal = args.rate > 0.0 && args.rate <= 1e6 && args.seconds > 0 && args.on >= 0.0;
    if !legal || args.off < 0.0 {
        let what =
            "--rate must be above 0 (to 1,000,000), --seconds above 0, --on and --off not negative";
        return Err(Failure::new(Exit::Usage, what));
    }
    let length = Span::from_secs(args.seconds);
    let mut bytes = Vec::new();
    if args.format == Looks::Litellm {
        let ledger = Ledger::tuesday(args.seed, length, args.rate);
        let made = trace::write_ledger(&ledger, &mut bytes);
        made.map_err(|error| Failure::new(Exit::Unexpected, error))?;
        style::data(&String::from_utf8_lossy(&bytes));
        return Ok(());
    }
    let bursts = args.on > 0.0 && args.off > 0.0;
    let gaps = if bursts {
        Gaps::OnOff { on: Span::from_secs_f64(args.on), off: Span::from_secs_f64(args.off) }
    } else {
        Gaps::Poisson
    };
    let synthetic = Synthetic { rate: args.rate, gaps, length, ..Synthetic::coding(args.seed) };
    trace::synth(&synthetic, &mut bytes).map_err(|error| Failure::new(Exit::Unexpected, error))?;
    style::data(&String::from_utf8_lossy(&bytes));
    Ok(())
}
