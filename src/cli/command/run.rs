//! `windtunnel run`: one scenario, one policy.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::{Format, seed};
use crate::cli::config;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts, interrupted as is_interrupted};
use crate::cli::style;
use crate::cli::watch;
use crate::engine::Span;
use crate::experiment::{RunError, RunPlan, described, run as experiment, run_only, shim};
use crate::record::made::{Input, MADE, Made};
use crate::record::manifest::{MANIFEST, MANIFEST_VERSION, Manifest};
use crate::record::{self, StoredRun, Timing};
use crate::report;
use crate::scenario::{self, PolicyChoice, Scenario};
use crate::sim::spec::{Arrivals, Scaling};
use crate::trace;

/// Run one scenario under one policy.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Run {
    /// The scenario file
    scenario: PathBuf,
    /// Override any key of the scenario, e.g. provider.azure.tpm='"110%"' or policy.error.cap=2
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Policy instead of the scenario's own (see `list policies`)
    #[arg(long)]
    policy: Option<String>,
    /// Policy and thresholds from a file, as `tune` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    config: Option<PathBuf>,
    /// Seed of the first replication [default: the scenario's, else 1]
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// How often to run, with drawn fault phases spread evenly
    #[arg(long, short = 'R', value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    replications: u32,
    /// Only this replication of them, from 0: the one that a comparison or a report shows
    #[arg(long, value_name = "J")]
    only: Option<u32>,
    /// Folder for results [default: results/NAME, as the scenario is called]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads for replications [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Run twice and compare the digests (exit code 97 if they differ)
    #[arg(long)]
    verify: bool,
    /// Run again whenever the scenario file changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    if args.watch { watch::watch(&args.scenario, &|| once(args)) } else { once(args) }
}

fn once(args: &Run) -> Result<(), Failure> {
    let scenario = load(args)?;
    if let Some(only) = args.only.filter(|only| *only >= args.replications) {
        let what = format!(
            "there is no replication {only} of {}; the first is 0, e.g. -R 30 --only 17",
            args.replications
        );
        return Err(Failure::new(Exit::Usage, what));
    }
    let seed = args.seed.unwrap_or(scenario.seed_default);
    let dir = args.out.clone().unwrap_or_else(|| Path::new("results").join(&scenario.spec.name));
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    style::note(&headline(&scenario, args, seed));
    for note in trace_notes(&scenario, seed) {
        style::note(&note);
    }
    let again = || {
        Failure::new(Exit::Broken, "two runs of the same plan differ")
            .reproduce(reproduce(args, seed))
    };
    let (mut run, timing) = timed(&scenario, args, seed)?;
    if args.verify && timed(&scenario, args, seed)?.0.summary.digest != run.summary.digest {
        return Err(again());
    }
    run.timing = Some(timing);
    if is_interrupted() {
        return Err(interrupted(args, seed));
    }
    let made = Manifest {
        schema_version: MANIFEST_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: args.scenario.display().to_string(),
        source: scenario.source.clone(),
        seed,
        replications: args.replications,
    };
    let path = dir.join(MANIFEST);
    let written = record::write_whole(&path, record::to_json(&made).as_bytes());
    written.map_err(|error| Failure::new(Exit::Unexpected, error))?;
    let mut files = vec![path];
    files.extend(record::write(&dir, &run).map_err(|e| Failure::new(Exit::Unexpected, e))?);
    let made = Made::new(reproduce(args, seed), &run.summary.digest, inputs(&args.scenario));
    made.write(&dir).map_err(|e| Failure::new(Exit::Unexpected, e))?;
    files.push(dir.join(MADE));
    let plots = report::write_all(&dir, &run).map_err(|e| Failure::new(Exit::Unexpected, e))?;
    files.extend(plots);
    match args.format {
        Format::Text => style::tables(&report::terminal::summary(&run)),
        Format::Json => style::data(&record::to_json(&run.summary)),
    }
    let speed = run.timing.map_or(0.0, |timing| timing.requests_per_wall_second / 1e6);
    style::note(&format!(
        "{} files in {}   {speed:.2} million requests per second",
        files.len(),
        dir.display()
    ));
    Ok(())
}

/// A scenario file for the manifest; one that has gone meanwhile is left out.
pub(super) fn inputs(path: &Path) -> Vec<Input> {
    std::fs::read(path).ok().map(|text| Input::of(path, &text)).into_iter().collect()
}

/// Reads the scenario; `--policy` is one more override.
fn load(args: &Run) -> Result<Scenario, Failure> {
    let mut sets = args.sets.clone();
    let mut shim = None;
    if let Some(name) = &args.policy {
        let spec = super::policy(name)?;
        // A process is no policy that a file could name.
        if name.starts_with(shim::PREFIX) {
            shim = Some(PolicyChoice { spec, settings: spec.settings() });
        } else {
            sets.insert(0, format!("policy={name}"));
        }
    }
    if let Some(path) = &args.config {
        sets.splice(0..0, config::read(path)?.sets());
    }
    let loaded = scenario::load(&args.scenario, &sets);
    let mut scenario = loaded.map_err(|e| Failure::pointing(Exit::Usage, &e))?;
    if let Some(policy) = shim {
        scenario.policy = policy;
    }
    Ok(scenario)
}

fn headline(scenario: &Scenario, args: &Run, seed: u64) -> String {
    let policy = described(scenario.policy.spec, &scenario.policy.settings);
    let times = match (args.replications, args.only) {
        (1, _) => String::new(),
        (n, Some(only)) => format!(", replication {only} of {n}"),
        (n, None) => format!(" × {n}"),
    };
    format!(
        "{} · {policy} · {} virtual{times} · seed {seed}\n{}",
        scenario.spec.name,
        scenario.spec.horizon,
        scenario.headroom.line()
    )
}

/// What scaling did to each trace: dispersion before and after.
fn trace_notes(scenario: &Scenario, seed: u64) -> Vec<String> {
    let scaled = scenario.spec.classes.iter().filter_map(|class| match &class.arrivals {
        Arrivals::Trace(replay) => replay.scale.map(|scale| (replay, scale)),
        Arrivals::Open { .. } | Arrivals::Closed { .. } => None,
    });
    scaled
        .map(|(replay, (rate, how))| {
            // Ten minutes of the scaled trace tell enough, and cost a second at most.
            let length = Span(scenario.spec.horizon.0.min(Span::from_secs(600).0));
            let before = trace::dispersion((replay.rows.0)(), replay.facts.span);
            let after = trace::dispersion(trace::replayed(replay, seed, length), length);
            let was = replay.facts.rows as f64 / replay.facts.span.as_secs_f64().max(1e-9);
            format!(
                "trace: {was:.2} → {rate} requests/s {}; var/mean of requests per 1 s {:.2} → {:.2}, \
                 tokens per minute p95/mean {:.2} → {:.2}",
                how.name(),
                before.requests.index[0],
                after.requests.index[0],
                before.tokens.minute_p95_over_mean,
                after.tokens.minute_p95_over_mean,
            ) + &distortion(how, rate / was)
        })
        .collect()
}

/// What running time faster does to everything that is not the traffic.
fn distortion(how: Scaling, factor: f64) -> String {
    if how != Scaling::Compress || factor <= 1.0 {
        return String::new();
    }
    format!(
        "; compressed {factor:.0} times: a minute of a limit, a cooldown and a window of the balancer now \
         cover {factor:.0} of the log's; answers take as long as before, so {factor:.0} times as many \
         are under way. Trust neither recovery times nor 429s: scale in-place for those"
    )
}

/// Runs the plan with a progress bar and looks at the clock.
#[expect(clippy::disallowed_types, reason = "wall-clock figures go to timing.json only")]
fn timed(scenario: &Scenario, args: &Run, seed: u64) -> Result<(StoredRun, Timing), Failure> {
    let plan = RunPlan {
        scenario,
        policy: scenario.policy.spec,
        settings: &scenario.policy.settings,
        seed,
        replications: args.replications,
    };
    let runs = args.only.map_or(args.replications, |_| 1);
    let bar = Bar::new(Span(scenario.spec.horizon.0 * u64::from(runs)));
    let threads = args.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    let start = std::time::Instant::now();
    let result = pool.install(|| match args.only {
        Some(only) => run_only(&plan, only, &bar),
        None => experiment(&plan, &bar),
    });
    let wall_s = start.elapsed().as_secs_f64();
    bar.finish();
    let run = result.map_err(|error| match error {
        RunError::Policy { .. } => Failure::new(Exit::Usage, error),
        RunError::Broken { .. } => {
            Failure::new(Exit::Broken, error).reproduce(reproduce(args, seed))
        }
        RunError::Store(_) => Failure::new(Exit::Unexpected, error),
        RunError::Interrupted => interrupted(args, seed),
    })?;
    let timing = Timing {
        wall_s,
        requests_per_wall_second: run.summary.requests.offered as f64 / wall_s,
        peak_rss_bytes: peak_rss_bytes(),
        threads: pool.current_num_threads().min(args.replications as usize) as u32,
    };
    Ok((run, timing))
}

fn interrupted(args: &Run, seed: u64) -> Failure {
    Failure::new(Exit::Interrupted, "interrupted; nothing was written")
        .reproduce(reproduce(args, seed))
}

/// The command that does the same again.
fn reproduce(args: &Run, seed: u64) -> String {
    let mut line =
        format!("windtunnel run {} --seed {seed}", quote(&args.scenario.to_string_lossy()));
    if let Some(policy) = &args.policy {
        line += &format!(" --policy {}", quote(policy));
    }
    if let Some(path) = &args.config {
        line += &format!(" --config {}", quote(&path.to_string_lossy()));
    }
    for set in &args.sets {
        line += &format!(" --set {}", quote(set));
    }
    if args.replications != 1 {
        line += &format!(" --replications {}", args.replications);
    }
    if let Some(only) = args.only {
        line += &format!(" --only {only}");
    }
    line
}

/// Greatest resident memory of this process, where the system tells (Linux); else 0.
fn peak_rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok());
    kilobytes.map_or(0, |kilobytes: u64| kilobytes * 1024)
}
