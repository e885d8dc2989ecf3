//! `windtunnel check`: expectations, and what got worse than a baseline.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::{Format, seed};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::experiment::check::{Check as Experiment, CheckPlan, Pending, Source, Subject, merge};
use crate::experiment::compare::Contender;
use crate::experiment::{RunError, described};
use crate::policy::registry;
use crate::record::check::{CHECK_VERSION, CheckReport, Shard, Verdict};
use crate::record::{self, Baseline, StoreError};
use crate::report::check as report;
use crate::scenario::{self, Scenario};

use super::check_swarm::{self, Swarm};
use super::contender::contender;

/// Expectations, and what got worse than a baseline: the gate of a build.
///
/// Each scenario runs under its own policy and those that its expectations name. Expectations ([[expect]] with
/// `min` or `max`) are held against what is measured. Gates ([[expect]] with `gate = true`) are compared with a
/// stored run of an earlier version, or with another policy, pair by pair on the same random numbers. Where a
/// comparison looks suspicious the scenario runs again with more replications. The same build gives the same
/// verdict every time, so there is nothing to retry.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Check {
    /// Scenario files, or folders of them
    #[arg(value_name = "SCENARIO|FOLDER", default_value = "scenarios")]
    scenarios: Vec<PathBuf>,
    /// Check this policy instead: NAME, or NAME{parameter=value,…}
    #[arg(long)]
    policy: Option<String>,
    /// Compare gates with this file, which --update writes
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    baseline: Option<PathBuf>,
    /// Write the baseline anew instead of comparing with it
    #[arg(long, requires = "baseline", conflicts_with_all = ["shard", "fail_fast"])]
    update: bool,
    /// Compare gates with this policy, run beside: NAME, or NAME{parameter=value,…}
    #[arg(long, value_name = "POLICY")]
    against: Option<String>,
    /// How often each scenario runs at first [default: as the baseline, else 10]
    #[arg(long, short = 'R', value_name = "R", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    replications: Option<u32>,
    /// How often at most, where a comparison is suspicious [default: four times as often]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    max_replications: Option<u32>,
    /// Override any key of every scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Seed of the first replication [default: as the baseline, else 1]
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Run only the I-th of N parts; its JSON is what --merge takes
    #[arg(long, value_name = "I/N", value_parser = shard)]
    shard: Option<Shard>,
    /// Join the parts of a check, and judge the whole
    #[arg(long, value_name = "PART", num_args = 1.., conflicts_with_all = [
        "scenarios", "policy", "baseline", "update", "against", "replications", "max_replications", "sets",
        "seed", "shard", "fail_fast", "threads",
    ])]
    merge: Vec<PathBuf>,
    /// Instead of scenarios: so many random worlds, each held against independent books
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000),
        conflicts_with_all = [
            "scenarios", "policy", "baseline", "update", "against", "replications", "max_replications", "sets",
            "shard", "merge", "junit", "markdown", "annotations", "format", "luck_key",
        ])]
    swarm: Option<u64>,
    /// With --swarm: write each world in which something is wrong here, as a scenario; with --swarm 1, the world
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Stop at the first scenario (or world) that fails
    #[arg(long)]
    fail_fast: bool,
    /// Write JUnit XML here
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write Markdown here, for a comment on a pull request or a step summary
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Annotate failures for GitHub Actions, on stderr
    #[arg(long)]
    annotations: bool,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Other luck for the policy's own draws: two builds that differ in nothing else
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    luck_key: u64,
}

/// Replications of the first look.
const REPLICATIONS: u32 = 10;
/// Looks at most: so many times as often as the first.
const MORE: u32 = 4;

pub(super) fn check(args: &Check) -> Result<(), Failure> {
    // Said by hand: clap takes a requirement back where what is required conflicts with what is there.
    if args.write.is_some() && args.swarm.is_none() {
        return Err(Failure::new(Exit::Usage, "`--write` writes worlds: it needs `--swarm`"));
    }
    if let Some(worlds) = args.swarm {
        let Check { seed, fail_fast, threads, .. } = *args;
        let write = args.write.as_deref();
        return check_swarm::check(&Swarm { worlds, seed, fail_fast, threads, write });
    }
    if !args.merge.is_empty() {
        return finish(args, &merged(&args.merge)?);
    }
    let against = args.against.as_deref().map(contender).transpose()?;
    let scenarios = load(args)?;
    let baseline = stored(args)?;
    let source = match (&against, &baseline, &args.baseline) {
        (Some(policy), _, _) => Source::Policy(policy),
        (None, Some(baseline), Some(file)) if !args.update => {
            let file = file.to_str().unwrap_or("the baseline");
            Source::Baseline { file, baseline }
        }
        _ => Source::None,
    };
    // What is compared with a baseline meets its luck, unless the options say otherwise (and are refused).
    let of_baseline = baseline.as_ref();
    let replications = args
        .replications
        .or(of_baseline.map(|baseline| baseline.replications))
        .unwrap_or(REPLICATIONS);
    let replications_max = args
        .max_replications
        .or(of_baseline.map(|baseline| baseline.replications_max))
        .unwrap_or(replications.saturating_mul(MORE));
    if replications_max < replications {
        let what = format!(
            "--max-replications {replications_max} is less than the {replications} to begin with"
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    let seed = args.seed.or(of_baseline.map(|baseline| baseline.seed)).unwrap_or(1);
    let (subjects, mut notes) = subjects(args, &scenarios)?;
    let plan = CheckPlan {
        subjects,
        seed,
        replications,
        replications_max,
        source,
        luck_key: args.luck_key,
        shard: args.shard,
        fail_fast: args.fail_fast,
    };
    notes.extend(plan.comparable().map_err(|error| Failure::new(Exit::Usage, error))?);
    if !matches!(plan.source, Source::None) && plan.gates() == 0 {
        let what = "no scenario has a gate to compare: add `gate = true` to an [[expect]]";
        return Err(Failure::new(Exit::NothingRun, what));
    }
    catch_interrupts();
    let threads = threads(args.threads)?;
    let mut check = Experiment::new(plan, notes);
    if let (true, Some(file)) = (args.update, &args.baseline) {
        return update(args, check, file, baseline.as_ref(), &threads);
    }
    while let Some(work) = check.pending() {
        advance(args, &mut check, &work, &threads)?;
    }
    finish(args, &check.report())
}

fn advance(
    args: &Check,
    check: &mut Experiment<'_>,
    work: &Pending,
    threads: &rayon::ThreadPool,
) -> Result<(), Failure> {
    let n = work.subjects.len();
    let noun = if n == 1 { "scenario" } else { "scenarios" };
    let more = if work.look == 0 || args.update { "" } else { "undecided: more of " };
    style::note(&format!(
        "{more}{n} {noun} under a policy × {} replications, {} of virtual time",
        work.replications, work.time
    ));
    let bar = Bar::new(work.time);
    let result = threads.install(|| check.advance(work, &bar));
    bar.finish();
    result.map_err(|error| match error {
        RunError::Policy { .. } => Failure::new(Exit::Usage, error).reproduce(again(args)),
        RunError::Broken { .. } => Failure::new(Exit::Broken, error).reproduce(again(args)),
        RunError::Store(_) => Failure::new(Exit::Unexpected, error).reproduce(again(args)),
        RunError::Interrupted => {
            Failure::new(Exit::Interrupted, "interrupted; nothing was written")
                .reproduce(again(args))
        }
    })
}

/// Writes the baseline; what an earlier one has of other scenarios is kept.
fn update(
    args: &Check,
    mut check: Experiment<'_>,
    file: &Path,
    before: Option<&Baseline>,
    threads: &rayon::ThreadPool,
) -> Result<(), Failure> {
    while let Some(work) = check.pending_for_baseline() {
        advance(args, &mut check, &work, threads)?;
    }
    let mut baseline = check.baseline();
    let (new, mut kept) = (baseline.subjects.len(), 0);
    let numbers =
        |baseline: &Baseline| (baseline.seed, baseline.replications, baseline.replications_max);
    if let Some(before) = before.filter(|before| numbers(before) == numbers(&baseline)) {
        let is_other = |subject: &&record::baseline::BaselineSubject| {
            baseline.find(&subject.scenario, &subject.policy).is_none()
        };
        let others: Vec<_> = before.subjects.iter().filter(is_other).cloned().collect();
        kept = others.len();
        baseline.subjects.extend(others);
    }
    baseline.subjects.sort_by(|a, b| (&a.scenario, &a.policy).cmp(&(&b.scenario, &b.policy)));
    record::write_whole(file, baseline.to_text().as_bytes())
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    style::data(&format!("{new} entries written to {}, {kept} others kept", file.display()));
    Ok(())
}

/// Writes what was asked for, prints, and gives the exit code.
fn finish(args: &Check, check: &CheckReport) -> Result<(), Failure> {
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    if let Some(path) = &args.junit {
        record::write_whole(path, report::junit(check).as_bytes()).map_err(stored)?;
    }
    if let Some(path) = &args.markdown {
        record::write_whole(path, report::markdown(check).as_bytes()).map_err(stored)?;
    }
    match args.format {
        Format::Text => style::data(&report::text(check)),
        Format::Json => style::data(&record::to_json(check)),
    }
    if args.annotations {
        let lines = report::annotations(check);
        if !lines.is_empty() {
            style::note(lines.trim_end());
        }
    }
    let worst = check.subjects.iter().find(|subject| subject.verdict == check.verdict);
    let again = worst.map(|subject| subject.reproduce.clone()).unwrap_or_default();
    let (exit, what) = match check.verdict {
        Verdict::Regression => (Exit::Regression, "worse than the reference"),
        Verdict::Failed => (Exit::ExpectationFailed, "an expectation does not hold"),
        Verdict::NotApplicable | Verdict::Pass | Verdict::NotRun | Verdict::Undecided => {
            return Ok(());
        }
    };
    let n = check.subjects.iter().filter(|subject| subject.verdict.is_red()).count();
    let what = format!("{what}; {n} of {} scenarios under a policy are red", check.subjects.len());
    Err(Failure::new(exit, what).reproduce(again))
}

fn merged(files: &[PathBuf]) -> Result<CheckReport, Failure> {
    let read = |path: &PathBuf| {
        let wrong = |what: String| Failure::new(Exit::Usage, format!("{}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| wrong(format!("not JSON: {error}")))?;
        match value.get("schema_version") {
            Some(found) if *found != CHECK_VERSION => {
                return Err(wrong(format!("schema version {found}, not {CHECK_VERSION}")));
            }
            _ => {}
        }
        let part = serde_json::from_value(value)
            .map_err(|error| wrong(format!("not a part of a check: {error}")))?;
        Ok((path.display().to_string(), part))
    };
    let parts = files.iter().map(read).collect::<Result<_, Failure>>()?;
    merge(parts).map_err(|error| Failure::new(Exit::Usage, error))
}

/// The baseline that is named, if it is there; it need not be where it is written anew.
fn stored(args: &Check) -> Result<Option<Baseline>, Failure> {
    let Some(path) = &args.baseline else { return Ok(None) };
    match Baseline::read(path) {
        Ok(baseline) => Ok(Some(baseline)),
        Err(_) if args.update => Ok(None),
        Err(error) => Err(Failure::new(Exit::Usage, error)),
    }
}

fn load(args: &Check) -> Result<Vec<(PathBuf, Scenario)>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in &args.scenarios {
        if path.is_dir() {
            paths.extend(super::toml_files(path)?);
        } else {
            paths.push(path.clone());
        }
    }
    let mut scenarios: Vec<(PathBuf, Scenario)> = Vec::new();
    for path in paths {
        let scenario = scenario::load_for_check(&path, &args.sets)
            .map_err(|error| Failure::pointing(Exit::Usage, &error))?;
        if scenarios.iter().any(|(_, other)| other.spec.name == scenario.spec.name) {
            let what = format!("two scenarios are called `{}`", scenario.spec.name);
            return Err(Failure::new(Exit::Usage, what));
        }
        scenarios.push((path, scenario));
    }
    if scenarios.is_empty() {
        return Err(Failure::new(Exit::NothingRun, "no scenario in these folders"));
    }
    Ok(scenarios)
}

/// All scenarios under the policies that they are to be checked under, and a note on those of which nothing is
/// expected.
fn subjects<'a>(
    args: &Check,
    scenarios: &'a [(PathBuf, Scenario)],
) -> Result<(Vec<Subject<'a>>, Vec<String>), Failure> {
    let chosen = args.policy.as_deref().map(contender).transpose()?;
    let (mut subjects, mut idle) = (Vec::new(), Vec::new());
    for (path, scenario) in scenarios {
        let before = subjects.len();
        let policies = match &chosen {
            Some(policy) => vec![policy.clone()],
            None => own(scenario),
        };
        for policy in policies {
            let mut expects = Subject::expects(scenario, policy.spec);
            if args.update {
                expects.retain(|expect| expect.gate.is_some());
            }
            if expects.is_empty() {
                continue;
            }
            let reproduce = alone(args, path, &policy);
            let sets = [scenario.check_sets.clone(), args.sets.clone()].concat();
            let file = path.display().to_string();
            subjects.push(Subject { scenario, file, sets, policy, expects, reproduce });
        }
        if subjects.len() == before {
            idle.push(scenario.spec.name.as_str());
        }
    }
    if subjects.is_empty() {
        let what = "nothing is expected: add an [[expect]] with `min`, `max` or `gate = true`";
        return Err(Failure::new(Exit::NothingRun, what));
    }
    let note = (!idle.is_empty() && !args.update)
        .then(|| format!("not run, because nothing is expected of it: {}", idle.join(", ")));
    Ok((subjects, note.into_iter().collect()))
}

/// The policies that a scenario is about: its own, and those that its expectations name.
fn own(scenario: &Scenario) -> Vec<Contender> {
    let spec = scenario.policy.spec;
    let settings = scenario.policy.settings.clone();
    let mut policies = vec![Contender { label: described(spec, &settings), spec, settings }];
    for name in scenario.expects.iter().filter_map(|expect| expect.policy.as_deref()) {
        let is_known = policies.iter().any(|policy| policy.spec.name == name);
        if let (false, Some(spec)) = (is_known, registry::find(name)) {
            policies.push(Contender::of(spec));
        }
    }
    policies
}

/// The command that checks one scenario under one policy again.
fn alone(args: &Check, path: &Path, policy: &Contender) -> String {
    let name = policy.label.replace(' ', "");
    options(
        args,
        &format!("windtunnel check {} --policy {}", quote(&path.to_string_lossy()), quote(&name)),
    )
}

/// The command that does the same again.
fn again(args: &Check) -> String {
    let mut line = "windtunnel check".to_owned();
    for path in &args.scenarios {
        line += &format!(" {}", quote(&path.to_string_lossy()));
    }
    if let Some(policy) = &args.policy {
        line += &format!(" --policy {}", quote(policy));
    }
    options(args, &line)
}

/// A command with the options that decide the result.
fn options(args: &Check, command: &str) -> String {
    let mut line = command.to_owned();
    if let Some(file) = &args.baseline {
        line += &format!(" --baseline {}", quote(&file.to_string_lossy()));
    }
    if args.update {
        line += " --update";
    }
    if let Some(policy) = &args.against {
        line += &format!(" --against {}", quote(policy));
    }
    for set in &args.sets {
        line += &format!(" --set {}", quote(set));
    }
    if let Some(replications) = args.replications {
        line += &format!(" -R {replications}");
    }
    if let Some(replications) = args.max_replications {
        line += &format!(" --max-replications {replications}");
    }
    if let Some(seed) = args.seed {
        line += &format!(" --seed {seed}");
    }
    if args.luck_key != 0 {
        line += &format!(" --luck-key {}", args.luck_key);
    }
    line
}

/// A part of a whole, such as 2/4.
fn shard(text: &str) -> Result<Shard, String> {
    let parts = text
        .split_once('/')
        .and_then(|(index, of)| Some(Shard { index: index.parse().ok()?, of: of.parse().ok()? }));
    parts
        .filter(|shard| (1..=shard.of).contains(&shard.index) && shard.of <= 10_000)
        .ok_or_else(|| "expected a part of a whole, such as 2/4".to_owned())
}
