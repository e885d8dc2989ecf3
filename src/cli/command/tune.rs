//! `windtunnel tune`: better values for a policy's parameters, proven on what the search never saw.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::args::Format;
use crate::cli::config;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::progress::{Quiet, catch_interrupts};
use crate::cli::style;
use crate::cli::threads::threads;
use crate::engine::Settings;
use crate::experiment::RunError;
use crate::experiment::tune::{
    self, Plan, SharedError, Status, Storage, TuneError, axes, objectives, product_file, split,
    thresholds,
};
use crate::policy::PolicySpec;
use crate::policy::settable::{PRODUCTS, Product};
use crate::record::study::{StudyError, StudyJournal};
use crate::record::tuning::Tuning;
use crate::record::{self, StoreError};
use crate::report;
use crate::scenario::{Scenario, suggest};

use super::contender::contender;
use super::searching::Searching;

/// The journal of finished runs.
const JOURNAL: &str = "journal.jsonl";

/// Better values for a policy's parameters, proven on scenarios and seeds that the search never saw.
///
/// Some families of scenarios (by kind of fault) are held out; their hash is written down before the first
/// candidate runs. Ends with the Pareto front, a recommendation, its thresholds as a file for --config and for
/// the embedded engine, and its paired differences from the start. Killed at any moment, the same command goes
/// on from its journal.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Tune {
    /// Scenario files, or folders of them
    #[arg(required = true)]
    scenarios: Vec<PathBuf>,
    /// The policy to tune [default: windtunnel, or the product's]
    #[arg(long)]
    policy: Option<String>,
    /// Search only what this product can set, and write its own configuration
    #[arg(long = "for", value_name = "PRODUCT", value_parser = ["litellm", "kong", "bifrost"])]
    product: Option<String>,
    /// Parameters to search: names or patterns, separated by commas, e.g. 'state.*,backoff.*' [default: those
    /// that decide when a route goes and comes back, or those of the product]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    search: Vec<String>,
    /// Range of a parameter, e.g. state.failed=1%..20% [default: a quarter to four times its value]
    #[arg(long = "range", value_name = "ID=LOW..HIGH")]
    ranges: Vec<String>,
    /// Metrics to improve, separated by commas [default: time_to_recover_user, leak_ratio, regret, false_alarms,
    /// churn]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    objectives: Vec<String>,
    /// Start from these thresholds instead of the policy's own
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Recommend what is no worse in any objective than this policy (NAME, or NAME{parameter=value,…}), and prove
    /// it against that as well [default: the start]
    #[arg(long, value_name = "POLICY")]
    against: Option<String>,
    /// Families of scenarios (kinds of fault) to hold out, separated by commas [default: a third, by the seed]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    hold_out: Vec<String>,
    /// Candidates to try; with 0 the start is proved against the policy of --against
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    trials: u32,
    /// Replications of each scenario
    #[arg(long, short = 'R', value_name = "R", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    replications: u32,
    /// Folder for results [default: results/tune-POLICY]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep the study in Optuna, for several workers and optuna-dashboard, e.g. postgresql://host/name or
    /// sqlite:///study.db; needs the Python package in python/
    #[arg(long, value_name = "URL")]
    storage: Option<String>,
    /// Name of the study there: workers that give the same share it [default: one of this search]
    #[arg(long, value_name = "NAME", requires = "storage")]
    study: Option<String>,
    /// Python with the package
    #[arg(long, value_name = "PROGRAM", default_value = "python3", requires = "storage")]
    python: String,
    #[command(flatten)]
    searching: Searching,
}

pub(super) fn tune(args: &Tune) -> Result<(), Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let product = args
        .product
        .as_deref()
        .and_then(|name| PRODUCTS.iter().find(|product| product.name == name));
    let (policy, start) = start(args, product)?;
    let objectives = objectives(&args.objectives).map_err(usage)?;
    let axes = axes(&start, &args.search, &args.ranges, product).map_err(usage)?;
    let scenarios = super::load_all(&args.scenarios, &args.searching.sets)?;
    let split = split(&scenarios, &args.hold_out, args.searching.seed).map_err(usage)?;
    let against = args.against.as_deref().map(contender).transpose()?;
    let dir = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("results").join(format!("tune-{}", policy.name)));
    let storage;
    let mut plan = Plan {
        scenarios: &scenarios,
        split: &split,
        policy,
        start: &start,
        axes: &axes,
        objectives: &objectives,
        against: against.as_ref(),
        product,
        trials: args.trials,
        replications: args.replications,
        seed: args.searching.seed,
        storage: None,
    };
    if let Some(url) = &args.storage {
        storage = shared(args, url, &plan, &dir);
        plan.storage = Some(&storage);
        style::note(&format!("study `{}` in {}", storage.study, without_password(url)));
    }
    record::writable(&dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    let head = plan.head();
    let opened = StudyJournal::open(&dir.join(JOURNAL), &head).map_err(|error| unopened(&error))?;
    catch_interrupts();
    let runs =
        (u64::from(args.trials) + 1) * split.search.len() as u64 * u64::from(args.replications);
    style::note(&format!(
        "tuning {} in {} · {} trials of at most {} runs · {} runs kept from before · seed {}\nheld out: {} (hash {})",
        policy.name,
        names(&scenarios, &split.search),
        args.trials,
        runs / (u64::from(args.trials) + 1),
        opened.1.len(),
        args.searching.seed,
        if split.families.is_empty() { "seeds only".to_owned() } else { split.families.join(", ") },
        head.held_out,
    ));
    let threads = threads(args.searching.threads)?;
    let watch = |status: &Status| {
        if style::draws_progress() || status.tried == status.of {
            style::note(&line(status, args.against.as_deref()));
        }
    };
    let result = threads.install(|| tune::tune(&plan, opened, &watch, &Quiet));
    let (tuning, found) = result.map_err(|error| failure(&error, args))?;
    let files = write(args, &dir, &plan, &tuning, &found)?;
    match args.searching.format {
        Format::Text => style::data(&report::tuning::text(&tuning)),
        Format::Json => style::data(&record::to_json(&tuning)),
    }
    style::note(&format!("{} in {}", files.join(", "), dir.display()));
    Ok(())
}

/// The study that is shared.
fn shared(args: &Tune, url: &str, plan: &Plan<'_>, dir: &Path) -> Storage {
    let usual = || format!("windtunnel-{}-{}", plan.policy.name, &plan.problem()[..8]);
    let folder = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    Storage {
        url: url.to_owned(),
        study: args.study.clone().unwrap_or_else(usual),
        worker: folder.display().to_string(),
        python: args.python.clone(),
    }
}

/// A URL that may be shown: `scheme://user:…@host`.
fn without_password(url: &str) -> String {
    let shown = || {
        let (scheme, rest) = url.split_once("://")?;
        let (login, place) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:…@{place}"))
    };
    shown().unwrap_or_else(|| url.to_owned())
}

/// The policy, and the settings to start from.
fn start(
    args: &Tune,
    product: Option<&'static Product>,
) -> Result<(&'static PolicySpec, Settings), Failure> {
    let read = args.config.as_deref().map(config::read).transpose()?;
    let named = args.policy.as_deref().or(read.as_ref().map(|read| read.spec.name));
    let usual = product.map_or("windtunnel", |product| product.policies[0]);
    let policy = super::policy(named.unwrap_or(usual))?;
    if let Some(product) = product.filter(|product| !product.policies.contains(&policy.name)) {
        let help = suggest::help(policy.name, product.policies);
        let what = format!("`{}` is no policy of {}: {help}", policy.name, product.name);
        return Err(Failure::new(Exit::Usage, what));
    }
    match read {
        Some(read) if read.spec.name != policy.name => {
            let what =
                format!("the file of --config is for `{}`, not `{}`", read.spec.name, policy.name);
            Err(Failure::new(Exit::Usage, what))
        }
        Some(read) => Ok((policy, read.settings)),
        None => Ok((policy, policy.settings())),
    }
}

fn names(scenarios: &[Scenario], indices: &[usize]) -> String {
    match indices {
        [one] => scenarios[*one].spec.name.clone(),
        many => format!("{} scenarios", many.len()),
    }
}

/// The state of the search on one line.
fn line(status: &Status, against: Option<&str>) -> String {
    let objective = |(id, least, most, start): &(&str, f64, f64, f64)| {
        format!("{id} {least:.4}…{most:.4} (start {start:.4})")
    };
    let objectives: Vec<String> = status.front.iter().map(objective).collect();
    format!(
        "{}/{} tried, {} stopped early · front of {}, {} of them no worse than {}: {}",
        status.tried,
        status.of,
        status.stopped,
        status.on_front,
        status.no_worse,
        against.unwrap_or("the start"),
        objectives.join(", ")
    )
}

/// Writes the record last: a folder with one is complete.
fn write(
    args: &Tune,
    dir: &Path,
    plan: &Plan<'_>,
    tuning: &Tuning,
    found: &Settings,
) -> Result<Vec<String>, Failure> {
    let stored = |error: StoreError| Failure::new(Exit::Unexpected, error);
    let mut comments = vec![
        format!("Found by windtunnel {}: {}", tuning.tool_version, again(args)),
        "Differences from the start on what the search never saw are in tuning.json.".to_owned(),
    ];
    comments.extend(tuning.warnings.iter().map(|warning| format!("warning: {warning}")));
    let text = thresholds(plan.policy, found, &comments);
    record::write_whole(&dir.join("thresholds.toml"), text.as_bytes()).map_err(stored)?;
    let mut files = vec!["thresholds.toml".to_owned()];
    if let Some(product) = plan.product {
        let mut providers: Vec<String> =
            plan.scenarios.iter().flat_map(|s| s.spec.pool.providers.iter().cloned()).collect();
        providers.sort_unstable();
        providers.dedup();
        let (name, text) = product_file(product, found, &providers, &comments);
        record::write_whole(&dir.join(&name), text.as_bytes()).map_err(stored)?;
        files.push(name);
    }
    let page = report::tuning::markdown(tuning, &again(args));
    record::write_whole(&dir.join("README.md"), page.as_bytes()).map_err(stored)?;
    let json = record::to_json(tuning);
    record::write_whole(&dir.join("tuning.json"), json.as_bytes()).map_err(stored)?;
    files.extend(["README.md".to_owned(), "tuning.json".to_owned()]);
    Ok(files)
}

fn unopened(error: &StudyError) -> Failure {
    let exit = match error {
        StudyError::Write { .. } => Exit::Unexpected,
        StudyError::Locked { .. } | StudyError::Foreign { .. } => Exit::Usage,
    };
    Failure::new(exit, error)
}

fn failure(error: &TuneError, args: &Tune) -> Failure {
    match error {
        TuneError::Run { error: RunError::Interrupted, .. } => Failure::new(
            Exit::Interrupted,
            "interrupted; what is finished is kept, and the same command goes on from there",
        )
        .reproduce(again(args)),
        TuneError::Run { error: RunError::Broken { .. }, .. } => {
            Failure::new(Exit::Broken, error).reproduce(again(args))
        }
        TuneError::Run { error: RunError::Policy { .. }, .. }
        | TuneError::Blind(_)
        | TuneError::BlindReference { .. }
        | TuneError::Shared(SharedError::Package { .. }) => Failure::new(Exit::Usage, error),
        TuneError::Shared(_) => Failure::new(Exit::Unexpected, error).reproduce(again(args)),
        TuneError::Run { error: RunError::Store(_), .. } => {
            Failure::new(Exit::Unexpected, error).reproduce(again(args))
        }
        TuneError::Journal(error) => Failure::new(Exit::Unexpected, error).reproduce(again(args)),
    }
}

/// The command that does the same again.
fn again(args: &Tune) -> String {
    let mut line = "windtunnel tune".to_owned();
    for scenario in &args.scenarios {
        line += &format!(" {}", quote(&scenario.to_string_lossy()));
    }
    let mut option = |name: &str, value: &str| {
        if !value.is_empty() {
            line += &format!(" --{name} {}", quote(value));
        }
    };
    option("policy", args.policy.as_deref().unwrap_or_default());
    option("for", args.product.as_deref().unwrap_or_default());
    option("search", &args.search.join(","));
    for range in &args.ranges {
        option("range", range);
    }
    option("objectives", &args.objectives.join(","));
    if let Some(path) = &args.config {
        option("config", &path.to_string_lossy());
    }
    option("against", args.against.as_deref().unwrap_or_default());
    option("hold-out", &args.hold_out.join(","));
    option("storage", &args.storage.as_deref().map(without_password).unwrap_or_default());
    option("study", args.study.as_deref().unwrap_or_default());
    if let Some(path) = &args.out {
        option("out", &path.to_string_lossy());
    }
    args.searching.again(&format!("{line} --trials {} -R {}", args.trials, args.replications))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_on_the_command_line_are_those_that_exist() {
        for product in PRODUCTS {
            let args = ["windtunnel", "x.toml", "--for", product.name];
            let args = Tune::try_parse_from(args).unwrap();
            let (policy, _) = start(&args, Some(product)).unwrap();
            assert!(product.policies.contains(&policy.name));
        }
    }
}
