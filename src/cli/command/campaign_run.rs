//! `windtunnel campaign run`: the units of a plan, or a part of them, on this machine or on a Ray cluster.
//!
//! A part is a folder with the plan and a journal. Rows are on disk when their unit ends, so that whatever is killed
//! loses what was in flight and nothing else; who runs the same command again goes on.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Parser, ValueEnum};

use super::campaign_plan::{Opened, open};
use super::campaign_ray::{self, Cluster};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::engine::Span;
use crate::experiment::RunError;
use crate::experiment::unit::complete;
use crate::record::journal::{Journal, UnitId};
use crate::record::plan::{Shard, WHOLE};
use crate::record::run_row::RunRow;
use crate::record::{self, StoreError, store};

/// Name of the plan in a part.
pub(super) const PLAN: &str = "plan.json";
/// Name of the journal of a part.
pub(super) const ROWS: &str = "rows.csv";

/// Run the units of a plan, or one part of them.
///
/// Which units belong to a part is decided by their ids, so parts need not know of each other. A part that was
/// interrupted or killed goes on where it was.
#[derive(Clone, Debug, Parser)]
pub(in crate::cli) struct Run {
    /// The plan, from `campaign plan`
    plan: PathBuf,
    /// Only this part: the I-th of N, from 1
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, conflicts_with = "units")]
    shard: Option<Shard>,
    /// Only these units, ids separated by commas; their rows go to stdout (what an engine asks of its workers)
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with_all = ["out", "engine"])]
    units: Vec<String>,
    /// Folder of the part [default: part, or part-I-of-N]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Who runs the units
    #[arg(long, value_enum, default_value_t = Engine::Local)]
    engine: Engine,
    /// Where the cluster is: HOST:PORT, `auto`, or `local` for one on this machine
    #[arg(long, value_name = "ADDRESS", default_value = "auto")]
    address: String,
    /// Python that has the package in python/, with Ray
    #[arg(long, value_name = "PROGRAM", default_value = "python3", env = "WINDTUNNEL_PYTHON")]
    python: String,
    /// Units of one task of the cluster; 0 aims at 1 to 5 seconds a task
    #[arg(long, value_name = "N", default_value_t = 0)]
    task_units: u32,
    /// Threads of this machine [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The threads of this machine
    Local,
    /// A Ray cluster
    Ray,
}

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let opened = open(&args.plan)?;
    catch_interrupts();
    if !args.units.is_empty() {
        return to_stdout(args, &opened);
    }
    let shard = args.shard.unwrap_or(WHOLE);
    let own = |at: &usize| shard.has(opened.ids[*at]);
    let which: Vec<usize> = (0..opened.ids.len()).filter(own).collect();
    let dir = args.out.clone().unwrap_or_else(|| folder(shard));
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    let (journal, done) = part(&dir, &opened)?;
    let units = opened.tasks.units();
    let is_done = |at: &&usize| done.contains_key(&opened.ids[**at]);
    let kept = which.iter().filter(is_done).count();
    let left = which.len() - kept;
    let from_before =
        if kept == 0 { String::new() } else { format!(", {kept} of them kept from before") };
    style::note(&format!(
        "shard {}/{} of {} units: {} units{from_before}",
        shard.index,
        shard.of,
        opened.ids.len(),
        which.len()
    ));
    let bar = Bar::new(Span(which.iter().map(|at| units.length(*at).0).sum()));
    bar.skip(Span(which.iter().filter(is_done).map(|at| units.length(*at).0).sum()));
    let journal = Mutex::new(journal);
    let keep = |id: UnitId, what: &str, row: &RunRow| {
        journal.lock().expect("nobody panics with it").add(id, what, row)
    };
    let result = match args.engine {
        Engine::Local => threads(args.threads)?
            .install(|| complete(units.as_ref(), &which, done, &keep, &bar))
            .map(|_| ())
            .map_err(|error| failure(&error, args)),
        Engine::Ray => {
            let missing: Vec<usize> = which.iter().filter(|at| !is_done(at)).copied().collect();
            let cluster = Cluster {
                plan: &args.plan,
                address: &args.address,
                python: &args.python,
                task_units: args.task_units,
            };
            campaign_ray::run(&cluster, &opened, units.as_ref(), &missing, &keep, &bar)
                .map_err(|failure| failure.reproduce(again(args)))
        }
    };
    bar.finish();
    result?;
    style::data(&format!("{left} units run, {} rows in {}\n", which.len(), dir.display()));
    Ok(())
}

fn folder(shard: Shard) -> PathBuf {
    match shard {
        WHOLE => PathBuf::from("part"),
        Shard { index, of } => PathBuf::from(format!("part-{index}-of-{of}")),
    }
}

type Rows = BTreeMap<UnitId, RunRow>;

/// Opens the folder of a part: new, or one of the same plan.
fn part(dir: &Path, opened: &Opened) -> Result<(Journal, Rows), Failure> {
    let journal = Journal::open(&dir.join(ROWS), opened.tasks.columns());
    let opened_journal = journal.map_err(|error| super::busy_or(Exit::Unexpected, error))?;
    let copy = dir.join(PLAN);
    if copy.exists() {
        if super::campaign_plan::read(&copy)?.digest() != opened.plan.digest() {
            let what = format!(
                "{} is part of another plan; choose another folder with --out",
                dir.display()
            );
            return Err(Failure::new(Exit::Usage, what));
        }
    } else {
        let json = record::to_json(&opened.plan);
        store::write_whole(&copy, json.as_bytes())
            .map_err(|e| Failure::new(Exit::Unexpected, e))?;
    }
    Ok(opened_journal)
}

/// Runs some units and prints their rows: what a worker of an engine does.
fn to_stdout(args: &Run, opened: &Opened) -> Result<(), Failure> {
    let at = |text: &String| {
        let id = UnitId::parse(text);
        let at = id.and_then(|id| opened.ids.iter().position(|known| *known == id));
        at.ok_or_else(|| Failure::new(Exit::Usage, format!("the plan has no unit `{text}`")))
    };
    let which: Vec<usize> = args.units.iter().map(at).collect::<Result<_, _>>()?;
    let columns = opened.tasks.columns();
    let out = Mutex::new(std::io::stdout());
    let keep = |id: UnitId, what: &str, row: &RunRow| {
        let mut out = out.lock().expect("nobody panics with it");
        let wrote =
            out.write_all(columns.line(id, what, row).as_bytes()).and_then(|()| out.flush());
        wrote.map_err(|source| StoreError::Write { path: PathBuf::from("stdout"), source })
    };
    let units = opened.tasks.units();
    let bar = Bar::new(Span(0));
    let done = Rows::new();
    let result =
        threads(args.threads)?.install(|| complete(units.as_ref(), &which, done, &keep, &bar));
    bar.finish();
    result.map(|_| ()).map_err(|error| failure(&error, args))
}

fn failure(error: &RunError, args: &Run) -> Failure {
    let goes_on = "what is finished is kept, and the same command goes on from there";
    let failure = match error {
        RunError::Policy { .. } => return Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error),
        RunError::Store(_) => Failure::new(Exit::Unexpected, format!("{error}; {goes_on}")),
        RunError::Interrupted => Failure::new(Exit::Interrupted, format!("interrupted; {goes_on}")),
    };
    failure.reproduce(again(args))
}

/// The command that does the same again.
fn again(args: &Run) -> String {
    let mut line = format!("windtunnel campaign run {}", quote(&args.plan.to_string_lossy()));
    if let Some(Shard { index, of }) = args.shard {
        line += &format!(" --shard {index}/{of}");
    }
    if !args.units.is_empty() {
        line += &format!(" --units {}", args.units.join(","));
    }
    if args.engine == Engine::Ray {
        line += &format!(" --engine ray --address {}", quote(&args.address));
    }
    if let Some(out) = &args.out {
        line += &format!(" --out {}", quote(&out.to_string_lossy()));
    }
    line
}
