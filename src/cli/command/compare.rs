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
use crate::cli::threads::threads;
use crate::experiment::RunError;
use crate::experiment::compare::{ComparePlan, Contender, Layer, METRICS, runs};
use crate::experiment::league::league;
use crate::experiment::unit::Units;
use crate::experiment::{choices, shim, shown};
use crate::policy::adaptive::ablation;
use crate::policy::{Family, POLICIES, PolicySpec, oracle};
use crate::record::comparison::paired_csv;
use crate::record::journal::{Columns, Journal, UnitId};
use crate::record::made::Input;
use crate::record::manifest::{MANIFEST, MANIFEST_VERSION, Manifest};
use crate::record::plan::{CompareWork, FileText};
use crate::record::run_row::{self, RunKey, RunRow};
use crate::record::{self, Made, StoreError, store};
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
#[derive(Clone, Debug, Parser)]
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
    pub(super) configs: Vec<PathBuf>,
    /// This policy of the engine, and the same with one part off at a time: what each part is worth
    #[arg(long, value_name = "POLICY")]
    ablate: Option<String>,
    /// Also run each policy with its values that are our choice moved, one at a time: how far its place hangs on them
    #[arg(long)]
    our_choices: bool,
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
    pub(super) out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
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

/// A comparison that owns what it compares.
#[derive(Debug)]
pub(super) struct Comparing {
    scenarios: Vec<Scenario>,
    /// Who is compared, then variants of some of them.
    contenders: Vec<Contender>,
    /// Whose variants those are.
    variants_of: Vec<usize>,
    layers: Vec<Layer>,
    seed: u64,
    replications: u32,
}

impl Comparing {
    /// From what was asked, here or on the machine that made a campaign's plan.
    pub(super) fn new(work: &CompareWork) -> Result<Self, Failure> {
        let of = |name: &String| LAYERS.into_iter().find(|layer| layer.name() == name);
        let layers: Option<Vec<Layer>> = work.layers.iter().map(of).collect();
        let mut contenders = contenders(work)?;
        let moved = if work.our_choices { choices::variants(&contenders) } else { Vec::new() };
        let (variants_of, variants): (Vec<usize>, Vec<Contender>) = moved.into_iter().unzip();
        contenders.extend(variants);
        Ok(Self {
            contenders,
            variants_of,
            scenarios: scenarios(work)?,
            layers: layers
                .ok_or_else(|| Failure::new(Exit::Usage, "a layer is `shipped` or `rule`"))?,
            seed: work.seed,
            replications: work.replications,
        })
    }

    /// All runs.
    pub(super) fn plan(&self) -> ComparePlan<'_> {
        self.of(&self.contenders)
    }

    /// Those without the variants.
    fn own(&self) -> ComparePlan<'_> {
        self.of(&self.contenders[..self.contenders.len() - self.variants_of.len()])
    }

    fn of<'a>(&'a self, contenders: &'a [Contender]) -> ComparePlan<'a> {
        ComparePlan {
            scenarios: &self.scenarios,
            contenders,
            layers: &self.layers,
            seed: self.seed,
            replications: self.replications,
        }
    }
}

const LAYERS: [Layer; 2] = [Layer::Shipped, Layer::Rule];

/// What the arguments ask for.
pub(super) fn work(args: &Compare) -> Result<CompareWork, Failure> {
    let layers: &[Layer] = match args.tables {
        Tables::Both => &LAYERS,
        Tables::Shipped => &[Layer::Shipped],
        Tables::Rule => &[Layer::Rule],
    };
    Ok(CompareWork {
        command: command(args),
        scenarios: texts(args)?,
        sets: args.sets.clone(),
        policies: args.policies.clone(),
        configs: args
            .configs
            .iter()
            .map(|path| {
                Ok(FileText { path: path.display().to_string(), text: config::text(path)? })
            })
            .collect::<Result<_, Failure>>()?,
        ablate: args.ablate.clone(),
        our_choices: args.our_choices,
        layers: layers.iter().map(|layer| layer.name().to_owned()).collect(),
        seed: args.seed,
        replications: if args.quick { 10 } else { args.replications },
    })
}

pub(super) fn compare(args: &Compare) -> Result<(), Failure> {
    let work = work(args)?;
    let comparing = Comparing::new(&work)?;
    let plan = comparing.plan();
    let dir = args.out.clone().unwrap_or_else(|| default_folder(plan.scenarios));
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    let (journal, done) = open(&dir)?;
    let ids = plan.ids();
    let kept: Vec<usize> = (0..ids.len()).filter(|at| done.contains_key(&ids[*at])).collect();
    let threads = threads(args.threads)?;
    style::note(&headline(&comparing, kept.len(), threads.current_num_threads()));
    let bar = Bar::new(plan.virtual_time());
    kept.iter().for_each(|index| bar.skip(plan.length(*index)));
    let journal = Mutex::new(journal);
    let keep = |id: UnitId, what: &str, row: &RunRow| {
        journal.lock().expect("nobody panics with it").add(id, what, row)
    };
    let result = threads.install(|| runs(&plan, done, &keep, &bar));
    let rows = result.map_err(|error| failure(&error, &again(args)))?;
    threads.install(|| finish(&comparing, &work, &rows, (&dir, args.format), &bar))?;
    let journal = journal.into_inner().expect("nobody panics with it");
    journal.remove().map_err(|error| Failure::new(Exit::Unexpected, error))
}

/// Writes what a comparison leaves, and prints its tables.
pub(super) fn finish(
    comparing: &Comparing,
    work: &CompareWork,
    rows: &BTreeMap<RunKey, RunRow>,
    (dir, format): (&Path, Format),
    bar: &Bar,
) -> Result<(), Failure> {
    let plan = &comparing.own();
    let is_own = |key: &RunKey| (key.policy as usize) < plan.contenders.len();
    let all = rows;
    let rows: BTreeMap<RunKey, RunRow> =
        all.iter().filter(|(key, _)| is_own(key)).map(|(key, row)| (*key, row.clone())).collect();
    let rows = &rows;
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    let (mut comparison, pairs) = league(plan, rows);
    if work.our_choices {
        choices::add(&comparing.plan(), &comparing.variants_of, all, &mut comparison);
    }
    shown::choose(plan, rows, &mut comparison);
    let shown = shown::runs(plan, &comparison, dir, bar);
    bar.finish();
    for kept in shown.map_err(|error| failure(&error, &work.command))? {
        if !kept.same {
            let what = format!("the run in {} came out differently again", kept.folder.display());
            return Err(Failure::new(Exit::Broken, what).reproduce(work.command.clone()));
        }
        record::write(&kept.folder, &kept.run).map_err(stored)?;
        explainable(plan, &kept)?;
    }
    let table = run_row::table(METRICS, rows.iter(), |key| plan.names(key));
    store::write_whole(&dir.join("runs.csv"), &table).map_err(stored)?;
    store::write_whole(&dir.join("paired.csv"), &paired_csv(&pairs)).map_err(stored)?;
    let files = report::write_comparison(dir, &comparison)
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    let input = |file: &FileText| Input::of(Path::new(&file.path), file.text.as_bytes());
    let inputs = work.scenarios.iter().map(input).collect();
    let manifest = Made::new(work.command.clone(), &comparison.digest, inputs);
    manifest.write(dir).map_err(stored)?;
    let json = record::to_json(&comparison);
    store::write_whole(&dir.join("comparison.json"), json.as_bytes()).map_err(stored)?;
    match format {
        Format::Text => style::tables(&report::league::text(&comparison)),
        Format::Json => style::data(&json),
    }
    style::note(&format!("{} files in {}", files + 4, dir.display()));
    Ok(())
}

/// Writes into the folder of a run what `explain` needs to make it again.
fn explainable(plan: &ComparePlan<'_>, kept: &shown::Kept) -> Result<(), Failure> {
    // A policy in another process has no name that a file could give.
    if kept.policy.of.starts_with(shim::PREFIX) {
        return Ok(());
    }
    let of = |scenario: &&Scenario| scenario.spec.name == kept.run.summary.scenario;
    let base = plan.scenarios.iter().find(of).expect("the run is one of the plan's");
    let mut sets = vec![format!("policy={}", kept.policy.of)];
    sets.extend(kept.policy.sets.iter().cloned());
    let (name, folder) = (base.path.display().to_string(), base.path.parent());
    let folder = folder.unwrap_or(Path::new(""));
    let scenario = scenario::parse(&name, &base.source, folder, &sets)
        .map_err(|error| Failure::pointing(Exit::Usage, &error))?;
    let manifest = Manifest {
        schema_version: MANIFEST_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: name,
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
    Journal::open(&dir.join(JOURNAL), Columns::new(METRICS.iter().copied()))
        .map_err(|error| super::busy_or(Exit::Unexpected, error))
}

fn failure(error: &RunError, again: &str) -> Failure {
    let failure = match error {
        RunError::Policy { .. } => return Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error),
        RunError::Store(_) => Failure::new(Exit::Unexpected, error),
        RunError::Interrupted => Failure::new(
            Exit::Interrupted,
            "interrupted; what is finished is kept, and the same command goes on from there",
        ),
    };
    failure.reproduce(again.to_owned())
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
    if args.our_choices {
        line += " --our-choices";
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

fn headline(comparing: &Comparing, done: usize, threads: usize) -> String {
    let plan = &comparing.plan();
    let moved = match comparing.variants_of.len() {
        0 => String::new(),
        n => format!(" ({n} of them with a value moved that is our choice)"),
    };
    let requests = plan.requests();
    let all = plan.keys().len();
    let left = requests * (all - done) as f64 / all.max(1) as f64;
    let requests = match left {
        few if few < 1e8 => format!("{:.1} million", few / 1e6),
        many => format!("{:.2} billion", many / 1e9),
    };
    let minutes = left / SPEED / threads.max(1) as f64 / 60.0;
    let kept = match done {
        0 => String::new(),
        n => format!(", {n} of them kept from before"),
    };
    format!(
        "{} scenarios × {} policies{moved} × {} tables × {} replications = {all} runs{kept}\n\
         {requests} requests to simulate, about {:.0} min on {threads} threads",
        plan.scenarios.len(),
        plan.contenders.len(),
        plan.layers.len(),
        plan.replications,
        minutes.max(1.0).ceil()
    )
}

/// The policies of the arguments, in the order of the registry; the oracle comes with any.
fn contenders(work: &CompareWork) -> Result<Vec<Contender>, Failure> {
    let (policies, ablate) = (work.policies.as_deref(), work.ablate.as_deref());
    let usual = |spec: &&PolicySpec| !matches!(spec.family, Family::Field);
    let mut contenders: Vec<Contender> = match (policies, ablate) {
        (None, None) => POLICIES.iter().filter(usual).map(Contender::of).collect(),
        (None, Some(_)) => Vec::new(),
        (Some("all"), _) => POLICIES.iter().map(Contender::of).collect(),
        (Some(list), _) => contender::words(list)
            .into_iter()
            .map(contender::contender)
            .collect::<Result<_, _>>()?,
    };
    if let Some(name) = ablate {
        contenders.extend(ablation(super::policy(name)?)?);
    }
    for FileText { path, text } in &work.configs {
        let path = Path::new(path);
        let Thresholds { spec, settings, .. } = config::parse(path, text)?;
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

/// The texts of all scenarios of the arguments, folders in the order of their file names.
fn texts(args: &Compare) -> Result<Vec<FileText>, Failure> {
    let files = super::files_of(&args.scenarios)?;
    if files.is_empty() {
        return Err(Failure::new(Exit::NothingRun, "no scenario in these folders"));
    }
    let text = |path: &PathBuf| {
        let text = scenario::text(path).map_err(|e| Failure::pointing(Exit::Usage, &e))?;
        Ok(FileText { path: path.display().to_string(), text })
    };
    files.iter().map(text).collect()
}

/// The scenarios, each under a name of its own.
fn scenarios(work: &CompareWork) -> Result<Vec<Scenario>, Failure> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for FileText { path, text } in &work.scenarios {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        let scenario = scenario::parse(path, text, folder, &work.sets)
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
