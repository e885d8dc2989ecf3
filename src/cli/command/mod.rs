//! One file a command: arguments in, plan out, results printed.

pub(super) mod bench;
pub(super) mod claims;
pub(super) mod compare;
#[cfg(feature = "dashboard")]
pub(super) mod dashboard;
pub(super) mod explain;
pub(super) mod list;
mod new;
pub(super) mod replay;
pub(super) mod run;
pub(super) mod schema;
pub(super) mod trace;

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::Allocations;
use super::args::{Args, Command};
use super::exit::Exit;
use super::fail::Failure;
use super::style;
use crate::policy::{POLICIES, PolicySpec, registry};
use crate::scenario::suggest;

/// Does what was asked.
pub(super) fn dispatch(args: &Args, allocations: Allocations) -> Result<(), Failure> {
    match &args.command {
        Command::Run(args) => run::run(args),
        Command::Compare(args) => compare::compare(args),
        #[cfg(feature = "dashboard")]
        Command::Dashboard(args) => dashboard::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Claims(args) => claims::claims(args),
        Command::Bench(args) => bench::bench(args, allocations),
        Command::Trace(command) => trace::trace(command),
        Command::List(args) => list::list(args),
        Command::Schema { of } => {
            style::data(&schema::schema(*of));
            Ok(())
        }
        Command::New { name } => new::new(name),
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
    registry::find(name).ok_or_else(|| {
        let names: Vec<&str> = POLICIES.iter().map(|spec| spec.name).collect();
        let help = suggest::help(name, &names);
        Failure::new(Exit::Usage, format!("there is no policy `{name}`: {help}"))
    })
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

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("cannot read {}: {error}; run this where the folder is", path.display());
    Failure::new(Exit::Usage, what)
}
