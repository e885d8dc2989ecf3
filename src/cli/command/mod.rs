//! One file a command: arguments in, plan out, results printed.

pub(super) mod bench;
pub(super) mod campaign;
mod campaign_emit;
mod campaign_merge;
mod campaign_plan;
mod campaign_ray;
mod campaign_run;
pub(super) mod check;
mod check_swarm;
pub(super) mod claims;
pub(super) mod compare;
mod contender;
#[cfg(feature = "dashboard")]
pub(super) mod dashboard;
pub(super) mod explain;
pub(super) mod hunt;
pub(super) mod list;
pub(super) mod new;
pub(super) mod replay;
pub(super) mod report;
pub(super) mod run;
pub(super) mod schema;
mod searching;
pub(super) mod solve;
pub(super) mod sweep;
pub(super) mod trace;
pub(super) mod tune;

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Allocations;
use super::args::{Args, Command};
use super::exit::Exit;
use super::fail::Failure;
use super::style;
use crate::experiment::shim;
use crate::policy::{POLICIES, PolicySpec, registry};
use crate::record::StoreError;
use crate::scenario::{self, Scenario, suggest};

/// Does what was asked.
pub(super) fn dispatch(args: &Args, allocations: Allocations) -> Result<(), Failure> {
    match &args.command {
        Command::Run(args) => run::run(args),
        Command::Compare(args) => compare::compare(args),
        Command::Hunt(args) => hunt::hunt(args),
        Command::Tune(args) => tune::tune(args),
        Command::Solve(args) => solve::solve(args),
        Command::Check(args) => check::check(args),
        #[cfg(feature = "dashboard")]
        Command::Dashboard(args) => dashboard::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Sweep(args) => sweep::sweep(args),
        Command::Campaign(command) => campaign::campaign(command),
        Command::Claims(args) => claims::claims(args),
        Command::Report(args) => report::report(args),
        Command::Bench(args) => bench::bench(args, allocations),
        Command::Trace(command) => trace::trace(command),
        Command::List(args) => list::list(args),
        Command::Schema { of } => {
            style::data(&schema::schema(*of));
            Ok(())
        }
        Command::New(args) => new::new(args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "windtunnel", &mut script);
            style::data(&String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}

/// The policy of this name, or the nearest that exists.
fn policy(name: &str) -> Result<&'static PolicySpec, Failure> {
    if let Some(command) = name.strip_prefix(shim::PREFIX) {
        return Ok(shim::policy(command));
    }
    registry::find(name).ok_or_else(|| {
        let names: Vec<&str> = POLICIES.iter().map(|spec| spec.name).collect();
        let help = suggest::help(name, &names);
        Failure::new(Exit::Usage, format!("there is no policy `{name}`: {help}"))
    })
}

/// The scenario files among some files and folders, folders in the order of their file names.
fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(toml_files(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// All scenarios of some files and folders.
fn load_all(paths: &[PathBuf], sets: &[String]) -> Result<Vec<Scenario>, Failure> {
    let files = files_of(paths)?;
    if files.is_empty() {
        return Err(Failure::new(Exit::NothingRun, "no scenario in these folders"));
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    for path in files {
        let scenario =
            scenario::load(&path, sets).map_err(|error| Failure::pointing(Exit::Usage, &error))?;
        if scenarios.iter().any(|other| other.spec.name == scenario.spec.name) {
            let what = format!("two scenarios are called `{}`", scenario.spec.name);
            return Err(Failure::new(Exit::Usage, what));
        }
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

/// The scenario files in a folder, by name.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort_unstable();
    Ok(files)
}

/// A journal that could not be opened: somebody else's, or as `exit` says.
fn busy_or(exit: Exit, error: StoreError) -> Failure {
    let exit = if matches!(error, StoreError::Busy { .. }) { Exit::Usage } else { exit };
    Failure::new(exit, error)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("cannot read {}: {error}; run this where the folder is", path.display());
    Failure::new(Exit::Usage, what)
}
