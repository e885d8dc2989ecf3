//! `windtunnel solve`: how much of something is needed.

use std::path::PathBuf;

use clap::Parser;
use toml_edit::{DocumentMut, Item, Key};

use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::engine::{Param, Span, Unit};
use crate::experiment::RunError;
use crate::experiment::solve::{self, Condition, SolveError, SolvePlan};
use crate::metrics::{METRICS, catalog};
use crate::record;
use crate::report;
use crate::scenario::{self, Scenario, suggest};

use super::searching::Searching;

/// How much of something is needed until a metric reaches a bound.
///
/// Tries values of one key of the scenario on the same random numbers, narrows down where the condition begins
/// to hold, and says between which values the answer lies.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Solve {
    /// The scenario file
    scenario: PathBuf,
    /// The key to solve for, e.g. provider.azure.tpm or policy.state.failed
    #[arg(long = "for", value_name = "KEY")]
    key: String,
    /// What must hold, e.g. 'slo_attainment >= 99.9%' or 'time_to_recover_user <= 12s'
    #[arg(long, value_name = "CONDITION")]
    until: String,
    /// Values to look between, in the key's unit, e.g. 50%..400% [default: an eighth to eight times the
    /// scenario's value, or the range of a policy's parameter]
    #[arg(long, value_name = "LOW..HIGH")]
    between: Option<String>,
    /// Replications at each value
    #[arg(long, short = 'R', value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    replications: u32,
    #[command(flatten)]
    searching: Searching,
}

/// How a value of the key is written.
enum Writing {
    /// A number and what stands behind it: `200%`, `30M`, `10s`.
    Suffix { suffix: String, whole: bool },
    /// A parameter of the policy.
    Param(&'static Param),
}

pub(super) fn solve(args: &Solve) -> Result<(), Failure> {
    let condition = condition(&args.until)?;
    let base = load(args, &args.searching.sets)?;
    let (writing, between) = question(args, &base)?;
    catch_interrupts();
    let world = |at: f64| {
        let shown = writing.show(at);
        let mut sets = args.searching.sets.clone();
        sets.push(format!("{}={shown}", args.key));
        scenario::load(&args.scenario, &sets).map(|scenario| (scenario, shown))
    };
    let plan = SolvePlan {
        key: &args.key,
        world: &world,
        between,
        whole: writing.is_whole(),
        condition,
        seed: args.searching.seed,
        replications: args.replications,
    };
    // What the range's ends say at once costs nothing: a key that is none, a value that is refused.
    for end in [between.0, between.1] {
        world(end).map_err(|error| Failure::pointing(Exit::Usage, &error))?;
    }
    style::note(&format!(
        "{} from {} to {} until {} · {} replications · seed {}",
        args.key,
        writing.show(between.0),
        writing.show(between.1),
        args.until,
        args.replications,
        args.searching.seed
    ));
    let threads = threads(args.searching.threads)?;
    // The grid, and about as many values again.
    let bar = Bar::new(Span(base.spec.horizon.0 * u64::from(args.replications) * 20));
    let result = threads.install(|| solve::solve(&plan, &bar));
    bar.finish();
    let solution = result.map_err(|error| failure(&error, args))?;
    match args.searching.format {
        Format::Text => style::data(&report::solution::text(&solution)),
        Format::Json => style::data(&record::to_json(&solution)),
    }
    Ok(())
}

fn load(args: &Solve, sets: &[String]) -> Result<Scenario, Failure> {
    scenario::load(&args.scenario, sets).map_err(|error| Failure::pointing(Exit::Usage, &error))
}

/// `metric >= bound`.
fn condition(text: &str) -> Result<Condition, Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let example = "for example 'slo_attainment >= 99.9%'";
    let split = [(">=", true), ("<=", false), ("≥", true), ("≤", false)].into_iter().find_map(
        |(sign, at_least)| text.split_once(sign).map(|(left, right)| (left, right, at_least)),
    );
    let (left, right, at_least) =
        split.ok_or_else(|| usage(format!("`{text}` is no condition with >= or <=: {example}")))?;
    let (id, right) = (left.trim(), right.trim());
    let mut begun = METRICS.iter().filter(|metric| metric.id.starts_with(id) && !id.is_empty());
    let only = begun.next().filter(|_| begun.next().is_none());
    let metric = catalog::find(id).or(only).ok_or_else(|| {
        let names: Vec<&str> = METRICS.iter().map(|metric| metric.id).collect();
        usage(format!("there is no metric `{id}`: {}", suggest::help(id, &names)))
    })?;
    let (number, suffix) = number(right).ok_or_else(|| {
        usage(format!(
            "`{right}` is no bound: a number, a share such as 99.9% or a time such as 12s"
        ))
    })?;
    let of_time = |seconds: f64| match metric.unit {
        "s" => Some(seconds),
        "ms" => Some(seconds * 1e3),
        _ => None,
    };
    let bound = match (suffix, metric.unit) {
        ("", _) => Some(number),
        ("%", "") => Some(number / 100.0),
        ("s", _) => of_time(number),
        ("ms", _) => of_time(number / 1e3),
        _ => None,
    };
    let bound = bound.ok_or_else(|| {
        let unit = if metric.unit.is_empty() { "a plain number or a share" } else { metric.unit };
        usage(format!("`{}` is in {unit}, not in `{suffix}`", metric.id))
    })?;
    Ok(Condition { metric, at_least, bound })
}

/// A number and what stands behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !".-_".contains(c)).unwrap_or(text.len());
    let number: f64 = text[..end].replace('_', "").parse().ok()?;
    Some((number, text[end..].trim()))
}

/// How values are written, and between which to look.
fn question(args: &Solve, base: &Scenario) -> Result<(Writing, (f64, f64)), Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let keys = Key::parse(&args.key).map_err(|_| usage(format!("`{}` is no key", args.key)))?;
    let path: Vec<&str> = keys.iter().map(Key::get).collect();
    if let ["policy", rest @ ..] = &path[..] {
        let settings = &base.policy.settings;
        let id = rest.join(".");
        let param = settings.param(&id).ok_or_else(|| {
            let ids: Vec<&str> = settings.table().iter().map(|param| param.id).collect();
            usage(format!("the policy has no parameter `{id}`: {}", suggest::help(&id, &ids)))
        })?;
        if matches!(param.unit, Unit::Switch | Unit::Choice(_)) {
            return Err(usage(format!("`{id}` is a choice, not an amount: compare its values")));
        }
        let ends = match &args.between {
            None => (param.min, param.max),
            Some(text) => {
                let read = |text: &str| param.parse(text).map_err(|error| usage(error.to_string()));
                let (low, high) = halves(text)?;
                (read(low)?, read(high)?)
            }
        };
        return Ok((Writing::Param(param), ordered(ends)?));
    }
    let document: DocumentMut =
        base.source.parse().map_err(|_| usage("the scenario is not TOML".to_owned()))?;
    let now = current(document.as_item(), &path);
    let (writing, ends) = match (&args.between, now) {
        (Some(text), now) => {
            let (low, high) = halves(text)?;
            let wrong = |text: &str| usage(format!("`{text}` is no amount: such as 50%..400%"));
            let (low, first) = number(low).ok_or_else(|| wrong(low))?;
            let (high, second) = number(high).ok_or_else(|| wrong(high))?;
            if first != second {
                return Err(usage(format!("`{text}` has two units: `{first}` and `{second}`")));
            }
            let whole = matches!(now, Some((_, _, true))) && first.is_empty();
            (Writing::Suffix { suffix: first.to_owned(), whole }, (low, high))
        }
        (None, Some((number, suffix, whole))) if number > 0.0 => {
            let least = if whole { (number / 8.0).ceil() } else { number / 8.0 };
            (Writing::Suffix { suffix, whole }, (least, number * 8.0))
        }
        (None, _) => {
            return Err(usage(format!(
                "the scenario has no amount at `{}` to start from: say --between LOW..HIGH, such as 50%..400%",
                args.key
            )));
        }
    };
    Ok((writing, ordered(ends)?))
}

/// The two ends of `LOW..HIGH`.
fn halves(text: &str) -> Result<(&str, &str), Failure> {
    let split = text.split_once("..").map(|(low, high)| (low.trim(), high.trim()));
    split.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("`{text}` is no range: LOW..HIGH, such as 50%..400%"))
    })
}

fn ordered((low, high): (f64, f64)) -> Result<(f64, f64), Failure> {
    if low < high && low >= 0.0 {
        return Ok((low, high));
    }
    let what =
        format!("nothing is between {low} and {high}: the least value comes first, from 0 on");
    Err(Failure::new(Exit::Usage, what))
}

/// The amount at a path of keys: number, suffix, and whether it is whole.
fn current(item: &Item, path: &[&str]) -> Option<(f64, String, bool)> {
    let Some((key, rest)) = path.split_first() else {
        if let Some(whole) = item.as_integer() {
            return Some((whole as f64, String::new(), true));
        }
        if let Some(float) = item.as_float() {
            return Some((float, String::new(), false));
        }
        let (number, suffix) = number(item.as_str()?)?;
        return Some((number, suffix.to_owned(), false));
    };
    let next = match key.parse::<usize>() {
        Ok(index) => item.get(index),
        Err(_) => item.get(key),
    };
    current(next?, rest)
}

impl Writing {
    fn show(&self, at: f64) -> String {
        match self {
            Self::Suffix { suffix, .. } => format!("{at}{suffix}"),
            Self::Param(param) => param.show(at),
        }
    }

    fn is_whole(&self) -> bool {
        match self {
            Self::Suffix { whole, .. } => *whole,
            Self::Param(param) => param.unit == Unit::Count,
        }
    }
}

fn failure(error: &SolveError, args: &Solve) -> Failure {
    match error {
        SolveError::Scenario(error) => Failure::pointing(Exit::Usage, error),
        SolveError::Run { error: RunError::Policy { .. }, .. } => Failure::new(Exit::Usage, error),
        SolveError::Run { error: RunError::Broken { .. }, .. } => {
            Failure::new(Exit::Broken, error).reproduce(again(args))
        }
        SolveError::Run { error: RunError::Store(_), .. } => Failure::new(Exit::Unexpected, error),
        SolveError::Run { error: RunError::Interrupted, .. } => {
            Failure::new(Exit::Interrupted, "interrupted").reproduce(again(args))
        }
    }
}

/// The command that does the same again.
fn again(args: &Solve) -> String {
    let mut line = format!(
        "windtunnel solve {} --for {} --until {}",
        quote(&args.scenario.to_string_lossy()),
        quote(&args.key),
        quote(&args.until)
    );
    if let Some(between) = &args.between {
        line += &format!(" --between {}", quote(between));
    }
    args.searching.again(&format!("{line} -R {}", args.replications))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_in_the_units_of_their_metrics() {
        let bound = |text: &str| condition(text).unwrap().bound;
        assert!((bound("slo_attainment >= 99.9%") - 0.999).abs() < 1e-12);
        assert_eq!(bound("slo>=0.5"), 0.5);
        assert_eq!(bound("time_to_recover_user <= 1500ms"), 1.5);
        assert_eq!(bound("latency_all_p99 <= 2s"), 2_000.0);
        for wrong in ["slo_attainment", "latency >= 2s", "flaps <= 2s", "slo >= much"] {
            assert!(condition(wrong).is_err(), "{wrong}");
        }
    }
}
