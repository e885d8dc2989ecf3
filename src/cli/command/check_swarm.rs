//! `windtunnel check --swarm N`: random worlds against independent books.

use std::path::Path;

use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::experiment::swarm::{self, Coverage, Finding, SwarmPlan, SwarmReport};
use crate::record;

/// What `check` was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Swarm<'a> {
    pub(super) worlds: u64,
    pub(super) seed: Option<u64>,
    pub(super) fail_fast: bool,
    pub(super) threads: Option<u16>,
    pub(super) write: Option<&'a Path>,
}

/// Findings that are shown one by one.
const SHOWN: usize = 10;
/// Worlds from which on a rare feature is a matter of the generator, not of luck.
const ENOUGH: u64 = 1_000;

pub(super) fn check(args: &Swarm<'_>) -> Result<(), Failure> {
    let plan =
        SwarmPlan { seed: args.seed.unwrap_or(1), worlds: args.worlds, fail_fast: args.fail_fast };
    catch_interrupts();
    say_which_world_panics();
    let threads = threads(args.threads)?;
    let bar = Bar::of_worlds(plan.worlds);
    let report = threads.install(|| swarm::swarm(&plan, &bar));
    bar.finish();
    if let Some(folder) = args.write {
        write(&plan, &report, folder)?;
    }
    style::data(&shown(&plan, &report));
    if report.interrupted {
        return Err(Failure::new(Exit::Interrupted, "interrupted; the worlds above are whole"));
    }
    let Some(first) = report.findings.first() else { return Ok(()) };
    let n = report.findings.len();
    let what = format!("an invariant is broken in {n} of {} worlds", report.coverage.worlds);
    Err(Failure::new(Exit::Broken, what).reproduce(again(first.seed)))
}

/// A release build ends with a panic; the world is worth knowing.
fn say_which_world_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        if let Some(seed) = swarm::current() {
            style::note(&format!("in world {seed}; reproduce: {}", again(seed)));
        }
    }));
}

fn again(seed: u64) -> String {
    format!("windtunnel check --swarm 1 --seed {seed}")
}

/// Writes the worlds in which something is wrong; of a swarm of one, that one.
fn write(plan: &SwarmPlan, report: &SwarmReport, folder: &Path) -> Result<(), Failure> {
    let mut seeds: Vec<u64> = report.findings.iter().map(|finding| finding.seed).collect();
    if plan.worlds == 1 {
        seeds = vec![plan.seed];
    }
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, format!("{}: {error}", folder.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
    for seed in seeds {
        let file = folder.join(format!("swarm-{seed}.toml"));
        record::write_whole(&file, swarm::text(seed).as_bytes())
            .map_err(|error| unusable(&error))?;
        style::note(&format!("written: {}", quote(&file.to_string_lossy())));
    }
    Ok(())
}

fn shown(plan: &SwarmPlan, report: &SwarmReport) -> String {
    let SwarmReport { coverage, findings, requests, .. } = report;
    let worlds = coverage.worlds;
    let noun = if worlds == 1 { "world" } else { "worlds" };
    let mut text = format!("{worlds} {noun} from seed {}: {requests} requests\n", plan.seed);
    text += &table(coverage);
    let rare: Vec<String> = coverage.missing().map(|row| row.name.clone()).collect();
    if worlds >= ENOUGH && !rare.is_empty() {
        text += &format!("warning: in less than 2 % of the worlds: {}\n\n", rare.join(", "));
    }
    for Finding { seed, checker, what } in findings.iter().take(SHOWN) {
        text += &format!("world {seed}, {checker}: {what}\n  reproduce: {}\n", again(*seed));
        text += &format!(
            "  as a file: {} --write . && windtunnel run swarm-{seed}.toml\n",
            again(*seed)
        );
    }
    match findings.len().saturating_sub(SHOWN) {
        0 if findings.is_empty() => text += "nothing is wrong\n",
        0 => {}
        more => text += &format!("and {more} more\n"),
    }
    text
}

/// What the worlds had in them, kind by kind.
fn table(coverage: &Coverage) -> String {
    let mut text = String::new();
    let mut line = String::new();
    let mut kind = "";
    let width = style::width();
    for row in &coverage.rows {
        if row.kind != kind {
            kind = row.kind;
            text += &std::mem::take(&mut line);
            text += &format!("\n\n{kind}, in so many of the worlds\n");
        }
        let share = 100.0 * row.worlds as f64 / coverage.worlds.max(1) as f64;
        let cell = format!("  {:<26}{share:>5.1}%", row.name);
        if line.chars().count() + cell.chars().count() > width {
            text += &format!("{}\n", std::mem::take(&mut line));
        }
        line += &cell;
    }
    format!("{text}{line}\n\n")
}
