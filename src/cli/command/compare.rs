//! `windtunnel compare`: many policies on the same random numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Parser, ValueEnum};

use crate::cli::args::{Format, seed};
use crate::cli::config::{self, Thresholds};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::experiment::RunError;
use crate::experiment::compare::{ComparePlan, Contender, Layer, METRICS, runs};
use crate::experiment::league::league;
use crate::experiment::shown;
use crate::experiment::unit::Units;
use crate::policy::adaptive::ablation;
use crate::policy::{Family, POLICIES, PolicySpec, oracle};
use crate::record::comparison::paired_csv;
use crate::record::journal::{Columns, Journal, UnitId};
use crate::record::manifest::{MANIFEST, MANIFEST_VERSION, Manifest};
use crate::record::run_row::{self, RunRow};
use crate::record::{self, Comparison, Made, StoreError, store};
use crate::report;
use crate::scenario::{self, Scenario};

use super::contender;

/// Requests that one thread simulates per second, the oracle's share included, about: for the first estimate.
/// The reference comparison ran at 0.65 million on each of two virtual cores.
const SPEED: f64 = 0.65e6;

/// The journal of runs that are done, while some are not.
const JOURNAL: &str = "journal.csv";

/// Many policies on the same random numbers.
///
/// Every policy meets the same requests and the same luck, so that they are compared pair by pair. Two tables
/// are made: policies as they ship, and their rules alone under one common layer (one retry on another route,
/// at most 10 % retries). What an interrupted comparison has finished is kept; the same command goes on.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Compare {
    /// Scenario files, or folders of them
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// Policies, separated by commas, each NAME or NAME{parameter=value,…}; or `all` [default: the gateways of
    /// the vendors' comparison as they ship and as their documents tune them, and the classics; the oracle
    /// always runs]
    #[arg(long, value_name = "LIST")]
    policies: Option<String>,
    /// Thresholds as `tune` writes them, compared under the file's name
    #[arg(long = "config", value_name = "FILE")]
    configs: Vec<PathBuf>,
    /// This policy of the engine, and the same with one part off at a time: what each part is worth
    #[arg(long, value_name = "POLICY")]
    ablate: Option<String>,
    /// Which tables to make
    #[arg(long, value_enum, default_value_t = Tables::Both)]
    tables: Tables,
    /// How often each scenario runs under each policy, with drawn fault phases spread evenly
    #[arg(long, short = 'R', value_name = "R", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,
    /// 10 replications
    #[arg(long, conflicts_with = "replications")]
    quick: bool,
    /// Override any key of every scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Seed of the first replication
    #[arg(long, default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    /// Folder for results [default: results/compare-NAME for one scenario, else results/compare]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Tables {
    /// As shipped, and the rules alone
    Both,
    /// As shipped
    Shipped,
    /// The rules alone
    Rule,
}

pub(super) fn compare(args: &Compare) -> Result<(), Failure> {
    let contenders = contenders(args)?;
    let scenarios = super::load_all(&args.scenarios, &args.sets)?;
    let layers: &[Layer] = match args.tables {
        Tables::Both => &[Layer::Shipped, Layer::Rule],
        Tables::Shipped => &[Layer::Shipped],
        Tables::Rule => &[Layer::Rule],
    };
    let plan = ComparePlan {
        scenarios: &scenarios,
        contenders: &contenders,
        layers,
        seed: args.seed,
        replications: if args.quick { 10 } else { args.replications },
    };
    let dir = args.out.clone().unwrap_or_else(|| default_folder(&scenarios));
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    let (journal, done) = open(&dir)?;
    let ids = plan.ids();
    let kept: Vec<usize> = (0..ids.len()).filter(|at| done.contains_key(&ids[*at])).collect();
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.map_or(0, usize::from))
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    style::note(&headline(&plan, kept.len(), threads.current_num_threads()));
    let bar = Bar::new(plan.virtual_time());
    kept.iter().for_each(|index| bar.skip(plan.length(*index)));
    let journal = Mutex::new(journal);
    let keep = |id: UnitId, what: &str, row: &RunRow| {
        journal.lock().expect("nobody panics with it").add(id, what, row)
    };
    let result = threads.install(|| runs(&plan, done, &keep, &bar));
    let rows = result.map_err(|error| failure(&error, args))?;
    let (mut comparison, pairs) = league(&plan, &rows);
    shown::choose(&plan, &rows, &mut comparison);
    let shown = threads.install(|| shown::runs(&plan, &comparison, &dir, &bar));
    bar.finish();
    for kept in shown.map_err(|error| failure(&error, args))? {
        if !kept.same {
            let what = format!("the run in {} came out differently again", kept.folder.display());
            return Err(Failure::new(Exit::Broken, what).reproduce(again(args)));
        }
        record::write(&kept.folder, &kept.run).map_err(stored)?;
        explainable(args, &plan, &kept)?;
    }
    let table = run_row::table(METRICS, rows.iter(), |key| plan.names(key));
    store::write_whole(&dir.join("runs.csv"), &table).map_err(stored)?;
    store::write_whole(&dir.join("paired.csv"), &paired_csv(&pairs)).map_err(stored)?;
    let files = report::write_comparison(&dir, &comparison)
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    let read = super::files_of(&args.scenarios)?;
    let inputs = read.iter().flat_map(|path| super::run::inputs(path)).collect();
    let manifest = Made::new(command(args), &comparison.digest, inputs);
    manifest.write(&dir).map_err(stored)?;
    let json = record::to_json(&comparison);
    store::write_whole(&dir.join("comparison.json"), json.as_bytes()).map_err(stored)?;
    journal.into_inner().expect("nobody panics with it").remove().map_err(stored)?;
    print(args, &comparison, &json);
    style::note(&format!("{} files in {}", files + 4, dir.display()));
    Ok(())
}

/// Writes into the folder of a run what `explain` needs to make it again.
fn explainable(args: &Compare, plan: &ComparePlan<'_>, kept: &shown::Kept) -> Result<(), Failure> {
    let summary = &kept.run.summary;
    let of = |path: &&PathBuf| path.file_stem().is_some_and(|stem| *stem == *summary.scenario);
    let files = super::files_of(&args.scenarios)?;
    // A scenario that is not called as its file is cannot be found again.
    let Some(file) = files.iter().find(of) else { return Ok(()) };
    let mut sets = args.sets.clone();
    sets.push(format!("policy={}", kept.policy.of));
    sets.extend(kept.policy.sets.iter().cloned());
    let scenario = scenario::load(file, &sets).map_err(|e| Failure::pointing(Exit::Usage, &e))?;
    let manifest = Manifest {
        schema_version: MANIFEST_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: file.display().to_string(),
        source: scenario.source,
        seed: plan.seed,
        replications: plan.replications,
    };
    let path = kept.folder.join(MANIFEST);
    store::write_whole(&path, record::to_json(&manifest).as_bytes())
        .map_err(|error| Failure::new(Exit::Unexpected, error))
}

/// Opens the journal of a folder, with what it has.
fn open(dir: &Path) -> Result<(Journal, BTreeMap<UnitId, RunRow>), Failure> {
    Journal::open(&dir.join(JOURNAL), Columns::new(METRICS.iter().copied())).map_err(|error| {
        let exit = match error {
            StoreError::Busy { .. } => Exit::Usage,
            _ => Exit::Unexpected,
        };
        Failure::new(exit, error)
    })
}

fn print(args: &Compare, comparison: &Comparison, json: &str) {
    match args.format {
        Format::Text => style::tables(&report::league::text(comparison)),
        Format::Json => style::data(json),
    }
}

fn failure(error: &RunError, args: &Compare) -> Failure {
    match error {
        RunError::Policy { .. } => Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error).reproduce(again(args)),
        RunError::Store(_) => Failure::new(Exit::Unexpected, error).reproduce(again(args)),
        RunError::Interrupted => Failure::new(
            Exit::Interrupted,
            "interrupted; what is finished is kept, and the same command goes on from there",
        )
        .reproduce(again(args)),
    }
}

/// The command that does the same again, into the same folder.
fn again(args: &Compare) -> String {
    match &args.out {
        Some(out) => format!("{} --out {}", command(args), quote(&out.to_string_lossy())),
        None => command(args),
    }
}

/// The command wherever its results go.
fn command(args: &Compare) -> String {
    let mut line = "windtunnel compare".to_owned();
    for scenario in &args.scenarios {
        line += &format!(" {}", quote(&scenario.to_string_lossy()));
    }
    if let Some(policies) = &args.policies {
        line += &format!(" --policies {}", quote(policies));
    }
    for config in &args.configs {
        line += &format!(" --config {}", quote(&config.to_string_lossy()));
    }
    if let Some(name) = &args.ablate {
        line += &format!(" --ablate {}", quote(name));
    }
    for set in &args.sets {
        line += &format!(" --set {}", quote(set));
    }
    match args.tables {
        Tables::Both => {}
        Tables::Shipped => line += " --tables shipped",
        Tables::Rule => line += " --tables rule",
    }
    let replications =
        if args.quick { "--quick".to_owned() } else { format!("-R {}", args.replications) };
    format!("{line} {replications} --seed {}", args.seed)
}

fn headline(plan: &ComparePlan<'_>, done: usize, threads: usize) -> String {
    let requests = plan.requests();
    let all = plan.keys().len();
    let left = requests * (all - done) as f64 / all.max(1) as f64;
    let minutes = left / SPEED / threads.max(1) as f64 / 60.0;
    let kept = match done {
        0 => String::new(),
        n => format!(", {n} of them kept from before"),
    };
    format!(
        "{} scenarios × {} policies × {} tables × {} replications = {all} runs{kept}\n\
         {:.2} billion requests to simulate, about {:.0} min on {threads} threads",
        plan.scenarios.len(),
        plan.contenders.len(),
        plan.layers.len(),
        plan.replications,
        left / 1e9,
        minutes.max(1.0).ceil()
    )
}

/// The policies of the arguments, in the order of the registry; the oracle comes with any.
fn contenders(args: &Compare) -> Result<Vec<Contender>, Failure> {
    let usual = |spec: &&PolicySpec| !matches!(spec.family, Family::Field);
    let mut contenders: Vec<Contender> = match (args.policies.as_deref(), &args.ablate) {
        (None, None) => POLICIES.iter().filter(usual).map(Contender::of).collect(),
        (None, Some(_)) => Vec::new(),
        (Some("all"), _) => POLICIES.iter().map(Contender::of).collect(),
        (Some(list), _) => contender::words(list)
            .into_iter()
            .map(contender::contender)
            .collect::<Result<_, _>>()?,
    };
    if let Some(name) = &args.ablate {
        contenders.extend(ablation(super::policy(name)?)?);
    }
    for path in &args.configs {
        let Thresholds { spec, settings, .. } = config::read(path)?;
        let label = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        contenders.push(Contender { label, spec, settings });
    }
    contenders.push(Contender::of(&oracle::SPEC));
    // Each once; several of one policy stay in the order in which they were named.
    let place = |spec: &PolicySpec| POLICIES.iter().position(|known| known.name == spec.name);
    contenders.sort_by_key(|contender| place(contender.spec));
    contenders.dedup_by(|a, b| a.label == b.label);
    Ok(contenders)
}

/// A policy of the engine, and the same with one part off at a time.
fn ablation(spec: &'static PolicySpec) -> Result<Vec<Contender>, Failure> {
    let mut contenders = vec![Contender::of(spec)];
    for (part, values) in ablation::PARTS {
        let mut contender = Contender::of(spec);
        contender.label = format!("{} without {part}", spec.name);
        for (id, value) in values {
            contender.settings.set(id, *value).map_err(|_| {
                let what = format!("`{}` does not have the engine's parts", spec.name);
                Failure::new(Exit::Usage, what)
            })?;
        }
        contenders.push(contender);
    }
    Ok(contenders)
}

fn default_folder(scenarios: &[Scenario]) -> PathBuf {
    match scenarios {
        [one] => Path::new("results").join(format!("compare-{}", one.spec.name)),
        _ => Path::new("results").join("compare"),
    }
}
