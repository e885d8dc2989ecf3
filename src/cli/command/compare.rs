//! `windtunnel compare`: many policies on the same random numbers.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use clap::{Parser, ValueEnum};

use crate::cli::args::{Format, seed};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::experiment::RunError;
use crate::experiment::compare::{ComparePlan, Contender, Layer, METRICS, runs};
use crate::experiment::league::league;
use crate::policy::adaptive::ablation;
use crate::policy::{Family, POLICIES, PolicySpec, oracle};
use crate::record::comparison::paired_csv;
use crate::record::journal::{self, Journal};
use crate::record::{self, Comparison, StoreError, store};
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
    let scenarios = load(args)?;
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
    let path = dir.join(JOURNAL);
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    let (journal, done) = Journal::open(&path, plan.digest()).map_err(stored)?;
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.map_or(0, usize::from))
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    style::note(&headline(&plan, done.len(), threads.current_num_threads()));
    let bar = Bar::new(plan.virtual_time());
    for key in done.keys() {
        bar.skip(scenarios[key.scenario as usize].spec.horizon);
    }
    let (journal, trouble) = (Mutex::new(journal), Mutex::new(None));
    let keep = |key: &journal::RunKey, row: &journal::RunRow| {
        let kept = journal.lock().expect("nobody panics with it").add(key, row);
        if let Err(error) = kept {
            trouble.lock().expect("nobody panics with it").get_or_insert(error);
        }
    };
    let result = threads.install(|| runs(&plan, done, &keep, &bar));
    bar.finish();
    if let Some(error) = trouble.into_inner().expect("nobody panics with it") {
        return Err(stored(error));
    }
    let rows = result.map_err(|error| failure(&error, args))?;
    let (comparison, pairs) = league(&plan, &rows);
    let named = |key: &journal::RunKey| {
        [
            scenarios[key.scenario as usize].spec.name.clone(),
            layers[key.layer as usize].name().to_owned(),
            contenders[key.policy as usize].label.clone(),
        ]
    };
    let table = journal::table(METRICS, rows.iter(), named);
    store::write_whole(&dir.join("runs.csv"), &table).map_err(stored)?;
    store::write_whole(&dir.join("paired.csv"), &paired_csv(&pairs)).map_err(stored)?;
    let files = report::write_comparison(&dir, &comparison)
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    let json = record::to_json(&comparison);
    store::write_whole(&dir.join("comparison.json"), json.as_bytes()).map_err(stored)?;
    store::remove(&path).map_err(stored)?;
    print(args, &comparison, &json);
    style::note(&format!("{} files in {}", files + 3, dir.display()));
    Ok(())
}

fn print(args: &Compare, comparison: &Comparison, json: &str) {
    match args.format {
        Format::Text => style::data(&report::league::text(comparison)),
        Format::Json => style::data(json),
    }
}

fn failure(error: &RunError, args: &Compare) -> Failure {
    match error {
        RunError::Policy { .. } => Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error).reproduce(again(args)),
        RunError::Interrupted => Failure::new(
            Exit::Interrupted,
            "interrupted; what is finished is kept, and the same command goes on from there",
        )
        .reproduce(again(args)),
    }
}

/// The command that does the same again.
fn again(args: &Compare) -> String {
    let mut line = "windtunnel compare".to_owned();
    for scenario in &args.scenarios {
        line += &format!(" {}", quote(&scenario.to_string_lossy()));
    }
    if let Some(policies) = &args.policies {
        line += &format!(" --policies {}", quote(policies));
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
    if let Some(out) = &args.out {
        line += &format!(" --out {}", quote(&out.to_string_lossy()));
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

/// All scenarios of the arguments, folders in the order of their file names.
fn load(args: &Compare) -> Result<Vec<Scenario>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in &args.scenarios {
        if path.is_dir() {
            paths.extend(super::toml_files(path)?);
        } else {
            paths.push(path.clone());
        }
    }
    if paths.is_empty() {
        return Err(Failure::new(Exit::NothingRun, "no scenario in these folders"));
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    for path in paths {
        let scenario = scenario::load(&path, &args.sets)
            .map_err(|error| Failure::pointing(Exit::Usage, &error))?;
        if scenarios.iter().any(|other| other.spec.name == scenario.spec.name) {
            let what = format!("two scenarios are called `{}`", scenario.spec.name);
            return Err(Failure::new(Exit::Usage, what));
        }
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

fn default_folder(scenarios: &[Scenario]) -> PathBuf {
    match scenarios {
        [one] => Path::new("results").join(format!("compare-{}", one.spec.name)),
        _ => Path::new("results").join("compare"),
    }
}
