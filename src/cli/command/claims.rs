//! `windtunnel claims`: what vendors say, put to the test.

use std::path::PathBuf;

use clap::Parser;

use crate::cli::args::{Format, seed};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::experiment::{RunError, claims as experiment};
use crate::record::{self, Made, StoreError};
use crate::report;
use crate::scenario::claim::{self, Claim};

/// What vendors say of their balancers, put to the test.
///
/// One file a claim: what is said and where, and a scenario with bounds, a figure of the real clock, or the
/// vendor's own documents. The verdicts do not change the exit code: this is a report.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Claims {
    /// Claim files, or folders of them
    #[arg(value_name = "FILE|FOLDER", default_value = "scenarios/claims")]
    claims: Vec<PathBuf>,
    /// Seed of the first replication of each scenario
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Folder for results
    #[arg(long, value_name = "DIR", default_value = "results/claims")]
    out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

pub(super) fn claims(args: &Claims) -> Result<(), Failure> {
    let claims = load(args)?;
    record::writable(&args.out).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    let threads = threads(args.threads)?;
    let time = experiment::virtual_time(&claims);
    style::note(&format!("{} claims, {time} of virtual time", claims.len()));
    let bar = Bar::new(time);
    let result = threads.install(|| experiment::scorecard(&claims, args.seed, &bar));
    bar.finish();
    let scorecard = result.map_err(|error| failure(&error, args))?;
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    let page = report::claims::markdown(&scorecard);
    record::write_whole(&args.out.join("README.md"), page.as_bytes()).map_err(stored)?;
    let json = record::to_json(&scorecard);
    record::write_whole(&args.out.join("claims.json"), json.as_bytes()).map_err(stored)?;
    Made::new(command(args), "", Vec::new()).write(&args.out).map_err(stored)?;
    match args.format {
        Format::Text => style::tables(&report::claims::text(&scorecard)),
        Format::Json => style::data(&json),
    }
    style::note(&format!("3 files in {}", args.out.display()));
    Ok(())
}

/// The claims of all files, folders in the order of their file names.
fn load(args: &Claims) -> Result<Vec<Claim>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in &args.claims {
        if path.is_dir() {
            paths.extend(super::toml_files(path)?);
        } else {
            paths.push(path.clone());
        }
    }
    if paths.is_empty() {
        return Err(Failure::new(Exit::NothingRun, "no claim in these folders"));
    }
    let mut claims: Vec<Claim> = Vec::new();
    for path in paths {
        let claim = claim::load(&path).map_err(|error| Failure::pointing(Exit::Usage, &error))?;
        if claims.iter().any(|other| other.name == claim.name) {
            let what = format!("two claims are called `{}`", claim.name);
            return Err(Failure::new(Exit::Usage, what));
        }
        claims.push(claim);
    }
    Ok(claims)
}

fn failure(error: &RunError, args: &Claims) -> Failure {
    match error {
        RunError::Policy { .. } => Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error).reproduce(again(args)),
        RunError::Store(_) => Failure::new(Exit::Unexpected, error).reproduce(again(args)),
        RunError::Interrupted => {
            Failure::new(Exit::Interrupted, "interrupted; nothing was written")
                .reproduce(again(args))
        }
    }
}

/// The command that does the same again, into the same folder.
fn again(args: &Claims) -> String {
    format!("{} --out {}", command(args), quote(&args.out.to_string_lossy()))
}

/// The command wherever its results go.
fn command(args: &Claims) -> String {
    let mut line = "windtunnel claims".to_owned();
    for path in &args.claims {
        line += &format!(" {}", quote(&path.to_string_lossy()));
    }
    format!("{line} --seed {}", args.seed)
}
