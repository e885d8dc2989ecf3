//! `windtunnel trace`: look at a request log, fit a scenario to it, make one.

mod fit;
mod info;
mod synth;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::trace::{Choice, Hide, Source, TraceFormat};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Trace {
    /// What a request log looks like, what is odd about it, and what it does not say
    Info(info::Info),
    /// Fit a scenario to a request log: clients, arrivals, tokens, latencies, errors, limits
    Fit(fit::Fit),
    /// Make a synthetic log on stdout
    Synth(synth::Synth),
}

pub(super) fn trace(command: &Trace) -> Result<(), Failure> {
    match command {
        Trace::Info(args) => info::info(args),
        Trace::Fit(args) => fit::fit(args),
        Trace::Synth(args) => synth::synth(args),
    }
}

/// A log, and how it is to be read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Log {
    /// The log: CSV, JSON or JSON lines
    file: PathBuf,
    /// Its format: azure, mooncake, burstgpt, litellm, otel or kong [default: recognised]
    #[arg(long, value_name = "FORMAT", conflicts_with = "map")]
    format: Option<String>,
    /// Which columns mean what, e.g. time=created_at,prompt=usage.prompt_tokens,ttft=first@ms
    #[arg(long, value_name = "FIELD=COLUMN,…")]
    map: Option<String>,
    /// Refuse the log if more of its rows than this cannot be read
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    unreadable: f64,
    /// Hash the names of tenants, with a key of this run's own or with KEY
    #[arg(long, value_name = "KEY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    anonymise: Option<String>,
}

impl Log {
    fn open(&self) -> Result<Source, Failure> {
        let source = Source::open(&self.file, &self.choice()?);
        let source = source.map_err(|error| Failure::new(Exit::Usage, error))?;
        Ok(source.with_unreadable(self.unreadable))
    }

    fn choice(&self) -> Result<Choice, Failure> {
        match (&self.format, &self.map) {
            (Some(name), _) => name.parse().map(Choice::Format).map_err(|_| {
                let names = TraceFormat::ALL.map(TraceFormat::name).join(", ");
                Failure::new(Exit::Usage, format!("`{name}` is no trace format: {names}"))
            }),
            (None, Some(map)) => Ok(Choice::Map(map.clone())),
            (None, None) => Ok(Choice::Recognise),
        }
    }

    fn hide(&self) -> Hide {
        self.anonymise.as_ref().map_or(Hide::Nothing, |key| Hide::with(Some(key)))
    }

    fn path(&self) -> &Path {
        &self.file
    }
}

/// A share such as `1%` or `0.01`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 0.01));
    let share = number.trim().parse::<f64>().ok().map(|number| number * unit);
    share.filter(|share| (0.0..=1.0).contains(share)).ok_or_else(|| "expected e.g. 1%".to_owned())
}
