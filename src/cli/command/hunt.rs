//! `windtunnel hunt`: what hurts a policy most.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::engine::Span;
use crate::experiment::RunError;
use crate::experiment::compare::Contender;
use crate::experiment::hunt::{self, By, HuntError, HuntPlan};
use crate::record::{self, StoreError};
use crate::report;
use crate::scenario::{self, Scenario, fault, suggest};

use super::searching::Searching;

/// The fault schedule that hurts a policy most, shrunk to a minimal scenario.
///
/// Searches kinds of fault, places, starts, lengths, depths and load, keeps the worst of every kind, takes away
/// what is not needed for four fifths of the harm, and writes what is left as scenario files. The same seed and
/// budget find the same, on any number of threads.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Hunt {
    /// The scenario whose world it is, without its faults [default: a small world of its own]
    scenario: Option<PathBuf>,
    /// Whom to hurt [default: the scenario's policy]
    #[arg(long)]
    policy: Option<String>,
    /// The metric that says what hurting means (see `list metrics`)
    #[arg(long, value_name = "METRIC", default_value = "regret")]
    by: String,
    /// Kinds of fault to try, separated by commas [default: all that the world has a place for]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Schedules to try before shrinking
    #[arg(long, value_name = "N", default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    budget: u32,
    /// How many to shrink, each the worst of its kind
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    keep: u32,
    /// Folder for results [default: results/hunt-POLICY]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    searching: Searching,
}

pub(super) fn hunt(args: &Hunt) -> Result<(), Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let by = By::of(&args.by).map_err(usage)?;
    check_kinds(&args.kinds)?;
    if i64::try_from(args.searching.seed).is_err() {
        return Err(usage(format!("the seed goes into scenario files: at most {}", i64::MAX)));
    }
    let scenario = load(args)?;
    let policy = Contender {
        label: scenario.policy.spec.name.to_owned(),
        spec: scenario.policy.spec,
        settings: scenario.policy.settings.clone(),
    };
    let dir = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results").join(format!("hunt-{}", policy.spec.name)));
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    let plan = HuntPlan {
        scenario: &scenario,
        policy: &policy,
        by,
        kinds: &args.kinds,
        seed: args.searching.seed,
        budget: args.budget,
        keep: args.keep,
    };
    style::note(&format!(
        "hunting {} by {} in {} · {} schedules of {} · seed {}",
        policy.label,
        by.0.id,
        scenario.spec.name,
        args.budget,
        scenario.spec.horizon,
        args.searching.seed
    ));
    let threads = threads(args.searching.threads)?;
    // Shrinking and looking take about 60 schedules each.
    let schedules = u64::from(args.budget) + 60 * u64::from(args.keep);
    let bar = Bar::new(Span(scenario.spec.horizon.0 * schedules * by.runs()));
    let result = threads.install(|| hunt::hunt(&plan, &bar));
    bar.finish();
    let caught = result.map_err(|error| failure(error, args, &dir))?;
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    for (name, text) in &caught.files {
        record::write_whole(&dir.join(name), text.as_bytes()).map_err(stored)?;
    }
    let json = record::to_json(&caught.hunt);
    record::write_whole(&dir.join("hunt.json"), json.as_bytes()).map_err(stored)?;
    match args.searching.format {
        Format::Text => style::data(&report::hunt::text(&caught.hunt)),
        Format::Json => style::data(&json),
    }
    style::note(&format!("{} files in {}", caught.files.len() + 1, dir.display()));
    Ok(())
}

fn check_kinds(kinds: &[String]) -> Result<(), Failure> {
    let known = hunt::kinds();
    match kinds.iter().find(|kind| !known.contains(&kind.as_str())) {
        None => Ok(()),
        Some(kind) if fault::FAULTS.iter().any(|known| known.name == kind) => {
            let what = format!("hunt does not try `{kind}`: {}", suggest::help("", &known));
            Err(Failure::new(Exit::Usage, what))
        }
        Some(kind) => {
            let help = suggest::help(kind, &known);
            Err(Failure::new(Exit::Usage, format!("there is no kind of fault `{kind}`: {help}")))
        }
    }
}

fn load(args: &Hunt) -> Result<Scenario, Failure> {
    let mut sets = args.searching.sets.clone();
    if let Some(name) = &args.policy {
        super::policy(name)?;
        sets.insert(0, format!("policy={name}"));
    }
    let loaded = match &args.scenario {
        Some(path) => scenario::load(path, &sets),
        None => scenario::parse("hunt.toml", hunt::BASE, Path::new(""), &sets),
    };
    loaded.map_err(|error| Failure::pointing(Exit::Usage, &error))
}

fn failure(error: HuntError, args: &Hunt, dir: &Path) -> Failure {
    match error {
        HuntError::Ground(_) => Failure::new(Exit::Usage, error),
        HuntError::Run { error: RunError::Interrupted, .. } => {
            Failure::new(Exit::Interrupted, "interrupted; nothing was written")
                .reproduce(again(args))
        }
        HuntError::Run { error: error @ RunError::Policy { .. }, .. } => {
            Failure::new(Exit::Usage, error)
        }
        HuntError::Run { error, text } => {
            // What broke the simulator is worth more than the hunt.
            let path = dir.join("broken.toml");
            let line = match record::write_whole(&path, text.as_bytes()) {
                Ok(()) => format!(
                    "windtunnel run {} --seed {}",
                    quote(&path.to_string_lossy()),
                    args.searching.seed
                ),
                Err(_) => again(args),
            };
            Failure::new(Exit::Broken, error).reproduce(line)
        }
    }
}

/// The command that does the same again.
fn again(args: &Hunt) -> String {
    let mut line = "windtunnel hunt".to_owned();
    if let Some(path) = &args.scenario {
        line += &format!(" {}", quote(&path.to_string_lossy()));
    }
    if let Some(policy) = &args.policy {
        line += &format!(" --policy {}", quote(policy));
    }
    if !args.kinds.is_empty() {
        line += &format!(" --kinds {}", quote(&args.kinds.join(",")));
    }
    if let Some(out) = &args.out {
        line += &format!(" --out {}", quote(&out.to_string_lossy()));
    }
    let line = format!("{line} --by {} --budget {} --keep {}", args.by, args.budget, args.keep);
    args.searching.again(&line)
}
