//! `windtunnel explain`: why a request went as it did. The run is made again.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::{Format, seed};
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::engine::{Span, Time};
use crate::experiment::explain::{ExplainError, Pick, explain, parting};
use crate::experiment::timeline::timeline;
use crate::experiment::{RunError, RunPlan, described, flight};
use crate::record::{self, MANIFEST_VERSION, Manifest, manifest};
use crate::report;
use crate::scenario::{self, Scenario};
use crate::sim::watch::Wanted;

/// Why a request was routed as it was: candidates, score parts, states and what led to them, the draw, and what
/// would have flipped it.
///
/// Nothing is stored per request; the run is made again up to that request. Requests are numbered from 1 in
/// order of arrival.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Explain {
    /// A folder that `run` wrote, a scenario file, or the flight record of an embedded engine
    run: PathBuf,
    /// The request with this number
    #[arg(long, value_name = "N", group = "pick", value_parser = clap::value_parser!(u64).range(1..))]
    request: Option<u64>,
    /// The first request that arrives at this second or later
    #[arg(long, value_name = "SECONDS", group = "pick")]
    at: Option<f64>,
    /// The first request that failed (also chosen if nothing else is)
    #[arg(long, group = "pick")]
    failed: bool,
    /// The first request that was answered after its deadline
    #[arg(long, group = "pick")]
    late: bool,
    /// The first request that needed more than one attempt
    #[arg(long, group = "pick")]
    retried: bool,
    /// Where this policy parts from the run's own: the first request sent elsewhere, explained under both
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["pick", "timeline"])]
    diff: Option<String>,
    /// Write the requests from this one on as a timeline for Perfetto or chrome://tracing
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// How many requests the timeline follows
    #[arg(long, value_name = "N", default_value_t = 500, requires = "timeline", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    count: u64,
    /// Another policy than the run's
    #[arg(long)]
    policy: Option<String>,
    /// Another seed than the run's
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Override any key of the scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Which replication of the run, from 0
    #[arg(long, value_name = "R", default_value_t = 0)]
    replication: u32,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A run that can be made again.
struct Source {
    scenario: Scenario,
    seed: u64,
    replications: u32,
}

pub(super) fn run(args: &Explain) -> Result<(), Failure> {
    if super::replay::is_record(&args.run) {
        return incident(args);
    }
    let source = load(args, args.policy.as_deref())?;
    let other = args.diff.as_deref().map(|policy| load(args, Some(policy))).transpose()?;
    catch_interrupts();
    let plan = plan(&source);
    let spec = &source.scenario.spec;
    style::note(&format!("{} · {} · seed {}", spec.name, policy_of(&source), source.seed));
    let bar = Bar::new(spec.horizon);
    let failed = |error: ExplainError| {
        bar.finish();
        failure(error, args, source.seed)
    };
    if let Some(other) = &other {
        let plans = [&plan, &self::plan(other)];
        let parting = parting(plans, args.replication, &bar).map_err(failed)?;
        bar.finish();
        match args.format {
            Format::Text => {
                let names = [policy_of(&source), policy_of(other)];
                let names = [names[0].as_str(), names[1].as_str()];
                style::data(&report::explained::parting(&parting, names));
            }
            Format::Json => style::data(&record::to_json(&parting)),
        }
        return Ok(());
    }
    if let Some(path) = &args.timeline {
        let text =
            timeline(&plan, args.replication, pick(args)?, args.count, &bar).map_err(failed)?;
        bar.finish();
        record::write_whole(path, text.as_bytes())
            .map_err(|error| Failure::new(Exit::Unexpected, error))?;
        style::note(&format!("{}: open it in ui.perfetto.dev or chrome://tracing", path.display()));
        return Ok(());
    }
    let told = explain(&plan, args.replication, pick(args)?, &bar).map_err(failed)?;
    bar.finish();
    match args.format {
        Format::Text => style::data(&report::explained::text(&told)),
        Format::Json => style::data(&record::to_json(&told)),
    }
    Ok(())
}

/// A decision of a flight record.
fn incident(args: &Explain) -> Result<(), Failure> {
    let other =
        args.at.is_some() || args.failed || args.late || args.retried || args.diff.is_some();
    let (Some(number), false) = (args.request, other || args.timeline.is_some()) else {
        let what = "a flight record is explained with --request N (its N-th decision), and --set for other \
                    thresholds";
        return Err(Failure::new(Exit::Usage, what));
    };
    let bytes = super::replay::bytes(&args.run)?;
    let usage = |error| Failure::new(Exit::Usage, error);
    let thresholds = flight::thresholds(&args.sets).map_err(usage)?;
    let told = flight::explain(&bytes, number, &thresholds).map_err(usage)?;
    match args.format {
        Format::Text => style::data(&report::explained::text(&told)),
        Format::Json => style::data(&record::to_json(&told)),
    }
    Ok(())
}

fn policy_of(source: &Source) -> String {
    described(source.scenario.policy.spec, &source.scenario.policy.settings)
}

fn plan(source: &Source) -> RunPlan<'_> {
    RunPlan {
        scenario: &source.scenario,
        policy: source.scenario.policy.spec,
        settings: &source.scenario.policy.settings,
        seed: source.seed,
        replications: source.replications,
    }
}

fn pick(args: &Explain) -> Result<Pick, Failure> {
    if let Some(number) = args.request {
        return Ok(Pick::Number(number));
    }
    if let Some(at) = args.at {
        if !(at.is_finite() && at >= 0.0) {
            let what = "--at takes seconds of virtual time, such as 91.5";
            return Err(Failure::new(Exit::Usage, what));
        }
        let at = Time::ZERO + Span::from_secs_f64(at);
        return Ok(Pick::First(Wanted::ArrivedAt(at)));
    }
    Ok(Pick::First(match (args.late, args.retried) {
        (true, _) => Wanted::Late,
        (_, true) => Wanted::Retried,
        _ => Wanted::Failed,
    }))
}

/// Reads what is to be run again; `policy` is one more override.
fn load(args: &Explain, policy: Option<&str>) -> Result<Source, Failure> {
    let mut sets = args.sets.clone();
    if let Some(name) = policy {
        super::policy(name)?;
        sets.insert(0, format!("policy={name}"));
    }
    let pointing = |error| Failure::pointing(Exit::Usage, &error);
    if !args.run.is_dir() {
        let scenario = scenario::load(&args.run, &sets).map_err(pointing)?;
        let seed = args.seed.unwrap_or(scenario.seed_default);
        return Ok(Source { scenario, seed, replications: args.replication + 1 });
    }
    let path = args.run.join(manifest::MANIFEST);
    if !path.is_file() {
        let what = format!(
            "{} is no folder of a run: it has no {}; `windtunnel run SCENARIO --out DIR` makes one, or name \
             the scenario file",
            args.run.display(),
            manifest::MANIFEST
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    let made = Manifest::read(&args.run).map_err(|error| Failure::new(Exit::Usage, error))?;
    if made.schema_version != MANIFEST_VERSION {
        let what = format!(
            "{} has schema version {}, not {MANIFEST_VERSION}; run the scenario again",
            path.display(),
            made.schema_version
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    if args.replication >= made.replications {
        let what = format!(
            "replication {} does not exist: the run has {}, counted from 0",
            args.replication, made.replications
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    let base = Path::new(&made.scenario).parent().unwrap_or(Path::new(""));
    let scenario = scenario::parse(&made.scenario, &made.source, base, &sets).map_err(pointing)?;
    let seed = args.seed.unwrap_or(made.seed);
    Ok(Source { scenario, seed, replications: made.replications })
}

fn failure(error: ExplainError, args: &Explain, seed: u64) -> Failure {
    let exit = match &error {
        ExplainError::Run(RunError::Interrupted) => Exit::Interrupted,
        ExplainError::Run(RunError::Broken { .. }) => Exit::Broken,
        ExplainError::Run(RunError::Store(_)) => Exit::Unexpected,
        ExplainError::Run(RunError::Policy { .. })
        | ExplainError::Number { .. }
        | ExplainError::ClosedLoop { .. } => Exit::Usage,
        ExplainError::None { .. } => Exit::NothingRun,
    };
    let mut line =
        format!("windtunnel explain {} --seed {seed}", quote(&args.run.to_string_lossy()));
    for (flag, value) in [("--policy", &args.policy), ("--diff", &args.diff)] {
        if let Some(value) = value {
            line += &format!(" {flag} {}", quote(value));
        }
    }
    for set in &args.sets {
        line += &format!(" --set {}", quote(set));
    }
    match (args.request, args.at) {
        (Some(number), _) => line += &format!(" --request {number}"),
        (_, Some(at)) => line += &format!(" --at {at}"),
        _ if args.late => line += " --late",
        _ if args.retried => line += " --retried",
        _ if args.failed => line += " --failed",
        _ => {}
    }
    if args.replication > 0 {
        line += &format!(" --replication {}", args.replication);
    }
    Failure::new(exit, error).reproduce(line)
}
