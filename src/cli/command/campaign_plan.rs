//! `windtunnel campaign plan`: the units of a comparison or a sweep as a file, and that file read back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use super::compare::{Compare, Comparing};
use super::sweep::Sweep;
use super::{compare, sweep};
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::progress::Bar;
use crate::cli::style;
use crate::engine::Span;
use crate::experiment::compare::METRICS;
use crate::experiment::probe::probe;
use crate::experiment::sweep::SweepPlan;
use crate::experiment::unit::Units;
use crate::record::journal::{Columns, UnitId};
use crate::record::plan::{PLAN_VERSION, Plan, PlannedUnit, Work};
use crate::record::run_row::RunRow;
use crate::record::{self, store};

/// Write the list of units: all runs of a `compare` or a `sweep`.
#[derive(Clone, Debug, Parser)]
pub(in crate::cli) struct Make {
    /// The file to write
    plan: PathBuf,
    #[command(subcommand)]
    of: Of,
}

#[derive(Clone, Debug, Subcommand)]
enum Of {
    /// Of a comparison: everything that `windtunnel compare` takes
    Compare(Compare),
    /// Of a sweep: everything that `windtunnel sweep` takes
    Sweep(Sweep),
}

pub(super) fn make(args: &Make) -> Result<(), Failure> {
    let usage = |what: &str| Err(Failure::new(Exit::Usage, what));
    let (out, threads) = match &args.of {
        Of::Compare(args) => (&args.out, args.threads),
        Of::Sweep(args) => (&args.out, args.threads),
    };
    if out.is_some() {
        return usage(
            "--out belongs to `campaign run` and `campaign merge`; a plan is the file that is named first",
        );
    }
    if threads.is_some() {
        return usage("--threads belongs to `campaign run`");
    }
    let work = match &args.of {
        Of::Compare(args) => Work::Compare(compare::work(args)?),
        Of::Sweep(args) if args.boundary.is_some() => {
            return usage(
                "--boundary chooses its points as it goes, so they cannot be listed: run `windtunnel sweep \
                 --boundary` on one machine, or plan the grid without it",
            );
        }
        Of::Sweep(args) => Work::Sweep(sweep::work(args)?),
    };
    let tasks = Tasks::of(&work)?;
    let units = tasks.units();
    let planned = units.ids().into_iter().enumerate();
    let planned = planned.map(|(at, id)| PlannedUnit { id: id.to_string(), what: units.what(at) });
    let plan = Plan {
        schema_version: PLAN_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        probe: own_probe()?,
        units: planned.collect(),
        work,
    };
    let json = record::to_json(&plan);
    store::write_whole(&args.plan, json.as_bytes())
        .map_err(|e| Failure::new(Exit::Unexpected, e))?;
    let path = args.plan.display();
    style::data(&format!("{} units in {path}\n", plan.units.len()));
    style::note(&format!(
        "run them all: windtunnel campaign run {path} --out part\n\
         or in parts:  windtunnel campaign run {path} --shard 1/4 --out part-1\n\
         then:         windtunnel campaign merge part-* --out results/campaign"
    ));
    Ok(())
}

fn own_probe() -> Result<String, Failure> {
    let digest = probe().map_err(|error| Failure::new(Exit::Broken, error))?;
    Ok(format!("{digest:016x}"))
}

/// The units of a plan, ready to run.
pub(super) enum Tasks {
    Compare(Comparing),
    Sweep(SweepPlan),
}

impl Tasks {
    fn of(work: &Work) -> Result<Self, Failure> {
        Ok(match work {
            Work::Compare(work) => Self::Compare(Comparing::new(work)?),
            Work::Sweep(work) => Self::Sweep(sweep::plan(work)?),
        })
    }

    /// Them as a list. A comparison's borrows from it.
    pub(super) fn units(&self) -> Box<dyn Units + '_> {
        match self {
            Self::Compare(comparing) => Box::new(comparing.plan()),
            Self::Sweep(plan) => Box::new(plan),
        }
    }

    /// The lines of their journal.
    pub(super) fn columns(&self) -> Columns {
        match self {
            Self::Compare(_) => Columns::new(METRICS.iter().copied()),
            Self::Sweep(plan) => Columns::new(plan.metrics.iter().map(|metric| metric.id)),
        }
    }
}

/// A plan, and its units as this program makes them from it.
pub(super) struct Opened {
    pub(super) plan: Plan,
    pub(super) tasks: Tasks,
    pub(super) ids: Vec<UnitId>,
}

/// Reads a plan, and makes sure that this program would run the same units to the same results.
pub(super) fn open(path: &Path) -> Result<Opened, Failure> {
    let plan = read(path)?;
    let tasks = Tasks::of(&plan.work)?;
    let ids = tasks.units().ids();
    let planned: Vec<String> = plan.units.iter().map(|unit| unit.id.clone()).collect();
    let own = own_probe()?;
    let same = plan.probe == own && ids.iter().map(ToString::to_string).eq(planned);
    if !same {
        let what = format!(
            "{} was made by another build of windtunnel ({}, this is {}), which would compute something else; use \
             one build everywhere, or make the plan again (and look that traces are the same files)",
            path.display(),
            plan.tool_version,
            env!("CARGO_PKG_VERSION")
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    Ok(Opened { plan, tasks, ids })
}

/// Reads a plan alone.
pub(super) fn read(path: &Path) -> Result<Plan, Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let example = "`windtunnel campaign plan PLAN sweep SCENARIO --vary …` makes one";
    let bytes = std::fs::read(path).map_err(|error| {
        usage(format!("cannot read the plan {}: {error}; {example}", path.display()))
    })?;
    let wrong = |why: String| usage(format!("{} is no plan: {why}; {example}", path.display()));
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    match value.get("schema_version").and_then(serde_json::Value::as_u64) {
        Some(version) if version != u64::from(PLAN_VERSION) => {
            return Err(wrong(format!("its format is version {version}, not {PLAN_VERSION}")));
        }
        _ => {}
    }
    let plan: Plan = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    if plan.units.is_empty() {
        return Err(Failure::new(Exit::NothingRun, "the plan has no units"));
    }
    Ok(plan)
}

/// Writes what the plan's own command would have written.
pub(super) fn finish(
    opened: &Opened,
    rows: &BTreeMap<UnitId, RunRow>,
    to: (&Path, Format),
) -> Result<(), Failure> {
    match (&opened.tasks, &opened.plan.work) {
        (Tasks::Compare(comparing), Work::Compare(work)) => {
            let plan = comparing.plan();
            let table = plan.table(rows).expect("the caller has looked that all are there");
            compare::finish(comparing, work, &table, to, &Bar::new(Span(0)))
        }
        (Tasks::Sweep(plan), Work::Sweep(work)) => sweep::finish(plan, work, rows, None, to),
        (Tasks::Compare(_), Work::Sweep(_)) | (Tasks::Sweep(_), Work::Compare(_)) => {
            unreachable!("tasks are made from the plan's own work")
        }
    }
}
