//! `windtunnel replay`: the decisions of an embedded engine's flight record, made again.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::style;
use crate::engine::FLIGHT_MAGIC;
use crate::experiment::flight;
use crate::record;
use crate::report;

/// Make the decisions of a flight record again.
///
/// They come out as recorded, or the exit code is 97. With --set the record is asked what other thresholds would
/// have chosen: a counterfactual, since what would have come of it was never recorded.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Replay {
    /// The record
    file: PathBuf,
    /// Another threshold, e.g. state.failed=3%
    #[arg(long = "set", value_name = "PARAMETER=VALUE")]
    sets: Vec<String>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(args: &Replay) -> Result<(), Failure> {
    let bytes = bytes(&args.file)?;
    let usage = |error| Failure::new(Exit::Usage, error);
    let thresholds = flight::thresholds(&args.sets).map_err(usage)?;
    let told = flight::replay(&bytes, &thresholds).map_err(|error| {
        let what = format!(
            "{}: {error}; the engine's FlightRecorder writes such files",
            args.file.display()
        );
        Failure::new(Exit::Usage, what)
    })?;
    match args.format {
        Format::Text => style::data(&report::explained::replayed(&told)),
        Format::Json => style::data(&record::to_json(&told)),
    }
    if told.differ > 0 && !told.counterfactual {
        let what = "the replay differs from the record: its calls are not in the order in which the engine saw \
                    them, or another version of the engine made it";
        let line = format!("windtunnel replay {}", quote(&args.file.to_string_lossy()));
        return Err(Failure::new(Exit::Broken, what).reproduce(line));
    }
    Ok(())
}

/// Whether a file begins as a flight record.
pub(super) fn is_record(path: &Path) -> bool {
    let mut head = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *FLIGHT_MAGIC
}

pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        let what = format!("cannot read {}: {error}; expected a flight record", path.display());
        Failure::new(Exit::Usage, what)
    })
}
