//! `windtunnel sweep`: how the metrics answer to parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Parser, ValueEnum};

use crate::cli::args::{Format, seed};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::engine::Span;
use crate::experiment::RunError;
use crate::experiment::sweep::{self, Asked, Design, SweepError, SweepPlan, axis_of, boundary};
use crate::experiment::unit::{Units, complete};
use crate::metrics::metric::Measure;
use crate::record::journal::{Columns, Journal, UnitId};
use crate::record::made::Input;
use crate::record::plan::{FileText, SweepWork};
use crate::record::run_row::RunRow;
use crate::record::sweep::{Boundary, RunName, runs_csv};
use crate::record::{self, Made, StoreError, store};
use crate::report;
use crate::scenario;

/// The journal of runs that are done, while some are not.
const JOURNAL: &str = "journal.csv";

/// How the metrics answer to parameters.
///
/// Every point of the design runs on the same random numbers. Finished runs are appended to journal.csv as they
/// come; an interrupted or killed sweep goes on where it was. What a sweep leaves: sweep.json, runs.csv (one line a
/// run), response curves with intervals and heat maps.
#[derive(Clone, Debug, Parser)]
pub(in crate::cli) struct Sweep {
    /// The scenario file
    scenario: PathBuf,
    /// What is varied: 'PATH=LO..HI/N', '… log' by ratio, '… whole' rounded, or 'PATH=A,B,C'; PATH is any key of the
    /// scenario, policy.PARAMETER one of its policy. Several make a grid
    #[arg(long = "vary", value_name = "PATH=VALUES", required = true)]
    vary: Vec<String>,
    /// Which points: all combinations; drawn; spread evenly; for Sobol' indices; for elementary effects
    #[arg(long, value_enum, default_value_t = DesignName::Grid)]
    design: DesignName,
    /// Points of a design that is no grid: N points; for saltelli N × (axes + 2), for morris N × (axes + 1)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    points: Option<u32>,
    /// Metrics, separated by commas [default: those of `compare`]; `regret` runs the oracle as well
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    metrics: Vec<String>,
    /// Replications of each point, with drawn fault phases spread evenly
    #[arg(long, short = 'R', value_name = "R", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,
    /// Along this axis of the grid, find where users stop recovering, by bisection, for each combination of the others
    #[arg(long, value_name = "PATH")]
    pub(super) boundary: Option<String>,
    /// How often a bisection halves the step of the grid
    #[arg(long, value_name = "N", default_value_t = 5, requires = "boundary", value_parser = clap::value_parser!(u32).range(1..=40))]
    rounds: u32,
    /// Policy instead of the scenario's own (see `list policies`)
    #[arg(long)]
    policy: Option<String>,
    /// Override any key of the scenario at every point
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Seed of the first replication and of the design [default: the scenario's, else 1]
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Folder for results [default: results/sweep-NAME]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DesignName {
    /// All combinations
    Grid,
    /// Drawn at random
    Random,
    /// Spread evenly (scrambled Sobol' sequence)
    Sobol,
    /// For Sobol' indices (Saltelli)
    Saltelli,
    /// For elementary effects (Morris)
    Morris,
}

pub(super) fn sweep(args: &Sweep) -> Result<(), Failure> {
    let work = work(args)?;
    let mut plan = plan(&work)?;
    let edge = args.boundary.as_ref().map(|path| axis_of(&plan, path)).transpose();
    let edge = edge.map_err(|error| refused(&error))?.map(|axis| (axis, args.rounds));
    let dir = args.out.clone().unwrap_or_else(|| folder(&plan.name));
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    let (journal, done) = open(&dir.join(JOURNAL), &plan)?;
    let threads = threads(args.threads)?;
    let ids = plan.ids();
    let kept: Vec<usize> = (0..ids.len()).filter(|at| done.contains_key(&ids[*at])).collect();
    style::note(&headline(&plan, kept.len(), edge.is_some()));
    let bar = Bar::new(plan.virtual_time());
    bar.skip(Span(kept.iter().map(|index| plan.length(*index).0).sum()));
    let journal = Mutex::new(journal);
    let keep = |id: UnitId, what: &str, row: &RunRow| {
        journal.lock().expect("nobody panics with it").add(id, what, row)
    };
    let mut run = |plan: &SweepPlan, done| -> Result<_, Trouble> {
        let all: Vec<usize> = (0..plan.ids().len()).collect();
        Ok(complete(plan, &all, done, &keep, &bar)?)
    };
    let result = threads.install(|| {
        let rows = run(&plan, done)?;
        let Some(edge) = edge else { return Ok((None, rows)) };
        let (boundary, rows) = boundary(&mut plan, rows, edge, &mut run)?;
        Ok((Some(boundary), rows))
    });
    bar.finish();
    let (found, rows) = result.map_err(|trouble| match trouble {
        Trouble::Run(error) => failure(&error, args),
        Trouble::Sweep(error) => refused(&error),
    })?;
    finish(&plan, &work, &rows, found, (&dir, args.format))
        .map_err(|failure| failure.reproduce(again(args)))?;
    let journal = journal.into_inner().expect("nobody panics with it");
    journal.remove().map_err(|error| Failure::new(Exit::Unexpected, error))
}

/// What stops a search for a boundary.
enum Trouble {
    Run(RunError),
    Sweep(SweepError),
}

impl From<RunError> for Trouble {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

impl From<SweepError> for Trouble {
    fn from(error: SweepError) -> Self {
        Self::Sweep(error)
    }
}

/// What the arguments ask for, with the text of the scenario.
pub(super) fn work(args: &Sweep) -> Result<SweepWork, Failure> {
    let mut sets = args.sets.clone();
    if let Some(name) = &args.policy {
        super::policy(name)?;
        sets.insert(0, format!("policy={name}"));
    }
    let text = scenario::text(&args.scenario).map_err(|e| Failure::pointing(Exit::Usage, &e))?;
    let path = args.scenario.display().to_string();
    let seed = match args.seed {
        Some(seed) => seed,
        None => {
            let scenario = scenario::load(&args.scenario, &sets);
            scenario.map_err(|e| Failure::pointing(Exit::Usage, &e))?.seed_default
        }
    };
    Ok(SweepWork {
        command: command(args),
        scenario: FileText { path, text },
        sets,
        vary: args.vary.clone(),
        metrics: args.metrics.clone(),
        design: args.design.name().to_owned(),
        points: args.points,
        seed,
        replications: args.replications,
    })
}

/// The plan of what was asked, here or on the machine that made a campaign's plan.
pub(super) fn plan(work: &SweepWork) -> Result<SweepPlan, Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let points = || {
        let what = format!("--design {} needs --points, for example --points 64", work.design);
        work.points.ok_or_else(|| usage(what))
    };
    let design = match DesignName::from_str(&work.design, false) {
        Ok(DesignName::Grid) if work.points.is_some() => {
            let what = "--points has no meaning for a grid: its counts stand in --vary 'PATH=LO..HI/N'; or choose \
                        --design sobol";
            return Err(usage(what.to_owned()));
        }
        Ok(DesignName::Grid) => Design::Grid,
        Ok(DesignName::Random) => Design::Random(points()?),
        Ok(DesignName::Sobol) => Design::Sobol(points()?),
        Ok(DesignName::Saltelli) => Design::Saltelli(points()?),
        Ok(DesignName::Morris) => Design::Morris(points()?),
        Err(error) => return Err(usage(error)),
    };
    let asked = Asked {
        path: PathBuf::from(&work.scenario.path),
        text: work.scenario.text.clone(),
        sets: work.sets.clone(),
        vary: work.vary.clone(),
        metrics: work.metrics.clone(),
        design,
        seed: work.seed,
        replications: work.replications,
    };
    SweepPlan::new(&asked).map_err(|error| refused(&error))
}

impl DesignName {
    const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Sobol => "sobol",
            Self::Saltelli => "saltelli",
            Self::Morris => "morris",
        }
    }
}

/// A plan that cannot be made, as its author should see it.
fn refused(error: &SweepError) -> Failure {
    match error {
        SweepError::Scenario(error) => Failure::pointing(Exit::Usage, error),
        _ => Failure::new(Exit::Usage, error),
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new("results").join(format!("sweep-{name}"))
}

/// Opens a journal for the plan, with what it has.
fn open(path: &Path, plan: &SweepPlan) -> Result<(Journal, BTreeMap<UnitId, RunRow>), Failure> {
    let columns = Columns::new(plan.metrics.iter().map(|metric| metric.id));
    Journal::open(path, columns).map_err(|error| super::busy_or(Exit::Unexpected, error))
}

/// Writes what a sweep leaves, and prints its summary.
pub(super) fn finish(
    plan: &SweepPlan,
    work: &SweepWork,
    rows: &BTreeMap<UnitId, RunRow>,
    boundary: Option<Boundary>,
    (dir, format): (&Path, Format),
) -> Result<(), Failure> {
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    let found = sweep::summary(plan, rows, boundary);
    let axes: Vec<&str> = plan.axes.iter().map(|axis| axis.path.as_str()).collect();
    let is_time = |measure: &Measure| matches!(measure, Measure::Time { .. });
    let metrics: Vec<(&str, bool)> =
        plan.metrics.iter().map(|metric| (metric.id, is_time(&metric.measure))).collect();
    let table = runs_csv(&axes, &metrics, named(plan, rows));
    store::write_whole(&dir.join("runs.csv"), &table).map_err(stored)?;
    let pictures =
        report::write_sweep(dir, &found).map_err(|e| Failure::new(Exit::Unexpected, e))?;
    let FileText { path, text } = &work.scenario;
    let inputs = vec![Input::of(Path::new(path), text.as_bytes())];
    let manifest = Made::new(work.command.clone(), &found.digest, inputs);
    manifest.write(dir).map_err(stored)?;
    let json = record::to_json(&found);
    store::write_whole(&dir.join("sweep.json"), json.as_bytes()).map_err(stored)?;
    match format {
        Format::Text => style::tables(&report::sweep::text(&found)),
        Format::Json => style::data(&json),
    }
    style::note(&format!("{} files in {}", pictures.len() + 3, dir.display()));
    Ok(())
}

/// All runs in the order of the plan.
fn named<'a>(
    plan: &'a SweepPlan,
    rows: &'a BTreeMap<UnitId, RunRow>,
) -> impl Iterator<Item = (RunName<'a>, &'a RunRow)> {
    let policies: &[&'static str] = if plan.regret { &["own", "oracle"] } else { &["own"] };
    (0..plan.points.len()).flat_map(move |point| {
        policies.iter().enumerate().flat_map(move |(contender, policy)| {
            let ids = plan.ids_of(point, contender).iter().zip(0..);
            ids.map(move |(id, replication)| {
                let at = plan.points[point].iter().map(|level| level.text.as_str()).collect();
                (RunName { point, at, policy, replication }, &rows[id])
            })
        })
    })
}

fn headline(plan: &SweepPlan, kept: usize, refined: bool) -> String {
    let kept = match kept {
        0 => String::new(),
        n => format!(", {n} of them kept from before"),
    };
    let more = if refined { ", and those of the bisection" } else { "" };
    let oracle = if plan.regret { " × 2 (the oracle too)" } else { "" };
    format!(
        "{} · {} design of {} points{oracle} × {} replications = {} runs{kept}{more} · seed {}\n\
         {:.1} million requests to simulate in all",
        plan.name,
        plan.design.name(),
        plan.points.len(),
        plan.replications,
        plan.ids().len(),
        plan.seed,
        plan.requests / 1e6
    )
}

fn failure(error: &RunError, args: &Sweep) -> Failure {
    match error {
        RunError::Policy { .. } => Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error).reproduce(again(args)),
        RunError::Store(_) => Failure::new(
            Exit::Unexpected,
            format!("{error}; what is finished is kept, and the same command goes on from there"),
        )
        .reproduce(again(args)),
        RunError::Interrupted => Failure::new(
            Exit::Interrupted,
            "interrupted; what is finished is kept, and the same command goes on from there",
        )
        .reproduce(again(args)),
    }
}

/// The command that does the same again, into the same folder.
fn again(args: &Sweep) -> String {
    match &args.out {
        Some(out) => format!("{} --out {}", command(args), quote(&out.to_string_lossy())),
        None => command(args),
    }
}

/// The command wherever its results go.
fn command(args: &Sweep) -> String {
    let mut line = format!("windtunnel sweep {}", quote(&args.scenario.to_string_lossy()));
    for vary in &args.vary {
        line += &format!(" --vary {}", quote(vary));
    }
    if args.design != DesignName::Grid {
        line += &format!(" --design {}", args.design.name());
    }
    if let Some(points) = args.points {
        line += &format!(" --points {points}");
    }
    if !args.metrics.is_empty() {
        line += &format!(" --metrics {}", quote(&args.metrics.join(",")));
    }
    if let Some(path) = &args.boundary {
        line += &format!(" --boundary {} --rounds {}", quote(path), args.rounds);
    }
    if let Some(policy) = &args.policy {
        line += &format!(" --policy {}", quote(policy));
    }
    for set in &args.sets {
        line += &format!(" --set {}", quote(set));
    }
    if let Some(seed) = args.seed {
        line += &format!(" --seed {seed}");
    }
    format!("{line} -R {}", args.replications)
}
