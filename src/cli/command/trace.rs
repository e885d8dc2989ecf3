//! `windtunnel trace`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::cli::args::seed;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::engine::Span;
use crate::sim::spec::Gaps;
use crate::trace::{self, Synthetic, TraceFormat};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Trace {
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
pub(in crate::cli) struct Synth {
    /// Seed
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Length in seconds
    #[arg(long, default_value_t = 3_600, allow_negative_numbers = true)]
    seconds: u64,
    /// Mean requests per second
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    rate: f64,
    /// Mean length of a burst in seconds; 0 = no bursts
    #[arg(long, default_value_t = 5.0, allow_negative_numbers = true)]
    on: f64,
    /// Mean length of a pause in seconds
    #[arg(long, default_value_t = 14.0, allow_negative_numbers = true)]
    off: f64,
}

pub(super) fn trace(command: &Trace) -> Result<(), Failure> {
    match command {
        Trace::Info { file, format } => {
            let format: TraceFormat = format.parse().map_err(|_| {
                let names = TraceFormat::ALL.map(TraceFormat::name).join(", ");
                Failure::new(Exit::Usage, format!("`{format}` is no trace format: {names}"))
            })?;
            let facts =
                trace::check(file, format).map_err(|error| Failure::new(Exit::Usage, error))?;
            let rows = trace::rows(file, format);
            let spread = trace::dispersion((rows.0)(), facts.span);
            let rate = facts.rows as f64 / facts.span.as_secs_f64().max(1e-9);
            let mut text = format!(
                "rows                     {}\nspan                     {:.1} s\n\
                 rate                     {rate:.3} requests/s\n\
                 mean prompt, output      {:.1}, {:.1} tokens\n",
                facts.rows,
                facts.span.as_secs_f64(),
                facts.prompt_mean,
                facts.output_mean
            );
            for (name, of) in [("requests", &spread.requests), ("tokens", &spread.tokens)] {
                let [one, ten, minute] = of.index;
                text += &format!(
                    "{:24} {one:.2}, {ten:.2}, {minute:.2}; minute p95/mean {:.2}\n",
                    format!("{name}: var/mean 1,10,60 s"),
                    of.minute_p95_over_mean
                );
            }
            style::data(&text);
            Ok(())
        }
        Trace::Synth(args) => synth(args),
    }
}

fn synth(args: &Synth) -> Result<(), Failure> {
    let legal = args.rate > 0.0 && args.rate <= 1e6 && args.seconds > 0 && args.on >= 0.0;
    if !legal || args.off < 0.0 {
        let what =
            "--rate must be above 0 (to 1,000,000), --seconds above 0, --on and --off not negative";
        return Err(Failure::new(Exit::Usage, what));
    }
    let bursts = args.on > 0.0 && args.off > 0.0;
    let gaps = if bursts {
        Gaps::OnOff { on: Span::from_secs_f64(args.on), off: Span::from_secs_f64(args.off) }
    } else {
        Gaps::Poisson
    };
    let synthetic = Synthetic {
        rate: args.rate,
        gaps,
        length: Span::from_secs(args.seconds),
        ..Synthetic::coding(args.seed)
    };
    let mut bytes = Vec::new();
    trace::synth(&synthetic, &mut bytes).map_err(|error| Failure::new(Exit::Unexpected, error))?;
    style::data(&String::from_utf8_lossy(&bytes));
    Ok(())
}
