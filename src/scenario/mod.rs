//! The file format: a TOML scenario becomes a [`Spec`], the policy that is to route, and what is
//! expected.
//!
//! ```text
//! text ─ --set ─▶ text ─ reading ─▶ …File types ─ class, provider, world, fault ─▶ Spec
//!                                       │
//!                      names a key that is wrong ─ At ─▶ line, column, underlined value
//! ```
//!
//! The file types mirror what is typed and refuse what they do not know; everything after them
//! works on values with units, and speaks of keys when something is wrong.

mod arrivals;
mod at;
mod caching;
mod change;
mod check;
pub mod claim;
mod class;
mod client;
mod command;
mod demand;
mod error;
mod expect;
pub mod fault;
mod file;
mod fleet;
mod gateway;
mod headroom;
mod identity;
mod incidents;
mod keys;
mod latency;
mod limits;
mod mix;
mod names;
mod node_event;
mod one_or_more;
mod ordered;
mod policy;
pub mod profile;
mod provider;
mod rate;
mod reading;
mod reference;
mod rule;
mod schema;
mod sets;
mod source;
mod start;
mod starter;
pub(crate) mod suggest;
mod tenant;
mod tokens;
mod trace;
mod unit;
mod workload;
mod world;

#[cfg(test)]
mod refusals;
#[cfg(test)]
mod tests;

pub use error::ScenarioError;
pub use expect::{Expect, Gate, Stat};
pub use headroom::{Headroom, ModelHeadroom};
pub use identity::Identity;
pub use policy::PolicyChoice;
pub use reference::markdown;
pub use schema::schema;
pub use starter::starter;

use std::path::{Path, PathBuf};

use crate::engine::Span;
use crate::policy::registry::{POLICIES, PolicySpec};
use crate::sim::spec::Spec;

use at::At;
use demand::Demand;
use error::Problem;
use file::ScenarioFile;

/// A scenario ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The world.
    pub spec: Spec,
    /// Who routes, unless a command names others.
    pub policy: PolicyChoice,
    /// What must hold afterwards.
    pub expects: Vec<Expect>,
    /// Overrides that a check applies.
    pub check_sets: Vec<String>,
    /// Seed unless the command line gives one.
    pub seed_default: u64,
    /// Capacity over demand.
    pub headroom: Headroom,
    /// The TOML text with every override in it; parsing it again gives this scenario.
    pub source: String,
    /// Where it was read from.
    pub path: PathBuf,
}

/// Reads a scenario from a file, with overrides of the form `path=value`.
///
/// # Errors
/// [`ScenarioError`] if the file cannot be read or is not a valid scenario.
pub fn load(path: &Path, sets: &[String]) -> Result<Scenario, ScenarioError> {
    let text = source::read(path)?;
    let base_dir = path.parent().unwrap_or(Path::new(""));
    parse(&path.display().to_string(), &text, base_dir, sets)
}

/// Reads a scenario as a check runs it: with the overrides of its `[check]`, and then others.
///
/// # Errors
/// As [`load`].
pub fn load_for_check(path: &Path, sets: &[String]) -> Result<Scenario, ScenarioError> {
    let plain = load(path, &[])?;
    load(path, &[plain.check_sets, sets.to_vec()].concat())
}

/// Reads the text of a scenario's file.
///
/// # Errors
/// [`ScenarioError`] if it cannot be read, or is no text.
pub fn text(path: &Path) -> Result<String, ScenarioError> {
    source::read(path)
}

/// Reads a scenario from text. `name` is what errors call it, and without folder and ending what
/// the scenario is called; traces are looked for in `base_dir`.
///
/// # Errors
/// [`ScenarioError`] if it is not a valid scenario.
pub fn parse(
    name: &str,
    text: &str,
    base_dir: &Path,
    sets: &[String],
) -> Result<Scenario, ScenarioError> {
    parse_with(name, text, base_dir, sets, POLICIES)
}

/// The question that a scenario asks: its first line of comment.
pub fn question(text: &str) -> Option<&str> {
    let comments = text.lines().map_while(|line| line.strip_prefix('#'));
    comments.map(str::trim).find(|line| !line.is_empty() && !line.starts_with(":schema"))
}

fn parse_with(
    name: &str,
    text: &str,
    base_dir: &Path,
    sets: &[String],
    policies: &'static [PolicySpec],
) -> Result<Scenario, ScenarioError> {
    let document =
        text.parse().map_err(|error| ScenarioError::new(reading::syntax(&error), name, text))?;
    let source = if sets.is_empty() { text.to_owned() } else { sets::apply(document, sets)? };
    let path = PathBuf::from(name);
    let stem = path.file_stem().map_or(name.into(), |stem| stem.to_string_lossy()).into_owned();
    let built = reading::read(&source).and_then(|file| build(file, stem, base_dir, policies));
    match built {
        Ok(parts) => {
            let Parts { spec, policy, expects, check_sets, seed_default, headroom } = parts;
            Ok(Scenario { spec, policy, expects, check_sets, seed_default, headroom, source, path })
        }
        Err(problem) => {
            let problem = sets::blame(problem, sets);
            Err(ScenarioError::new(problem, name, &source))
        }
    }
}

/// A scenario without its text.
struct Parts {
    spec: Spec,
    policy: PolicyChoice,
    expects: Vec<Expect>,
    check_sets: Vec<String>,
    seed_default: u64,
    headroom: Headroom,
}

fn build(
    file: ScenarioFile,
    name: String,
    base_dir: &Path,
    policies: &'static [PolicySpec],
) -> Result<Parts, Problem> {
    let horizon = check_duration(&file)?;
    let policy_at = At::top().key("policy");
    let policy = file.policy.choice(&policy_at, policies)?;
    let class::Classes { classes, rps, models } = class::classes(&file, base_dir)?;
    let demand = Demand::of(&classes, &rps);
    let topics = mix::embeddings(file.topics.as_deref(), &classes)?;
    let ScenarioFile {
        seed,
        history,
        provider,
        start,
        tenant,
        team,
        customer,
        governance,
        rule,
        incidents,
        gateway,
        fault,
        change,
        command,
        node_event,
        expect,
        check,
        ..
    } = file;
    let mut gateway = gateway.gateway()?;
    node_event::events(&node_event, &mut gateway.fleet, horizon)?;
    let drafts = provider.0.into_iter().map(|(name, provider)| provider.draft(&name, &models));
    let mut drafts = drafts.collect::<Result<Vec<_>, _>>()?;
    change::new_keys(&change, &mut drafts)?;
    mix::check_abouts(&drafts, &topics)?;
    let world = world::build(&drafts, models, &demand)?;
    check_size(&rps, horizon)?;
    file.policy.check(&policy_at, &policy, &world.pool)?;
    let headroom = Headroom::of(&world, &demand);
    let faults = fault::faults(&fault, &world, &headroom, &gateway.fleet, horizon)?;
    let expects = expect::expects(&expect, &faults)?;
    let check_sets = check.sets()?;
    let world::World { mut pool, places, limits, providers, servers: _ } = world;
    let mut changes = change::changes(&change, &pool, &places, horizon)?;
    let commands = command::commands(&command, &policy.settings, &pool, horizon)?;
    let epoch = start.epoch()?;
    let tables = tenant::Tables { tenant, team, customer, governance, rule };
    let tenancy = tables.tenancy(&mut pool, &classes, &changes, epoch)?;
    changes.extend(change::limits(&change, tenancy.as_ref())?);
    changes.sort_by_key(|change| change.at);
    pool.topics = topics;
    pool.offered_rps = if demand.is_open { rps.iter().sum() } else { 0.0 };
    let spec = Spec {
        name,
        horizon,
        history: history.map_or(HISTORY, |length| length.0),
        epoch,
        classes,
        providers,
        pool,
        places,
        limits,
        faults,
        incidents: incidents.map(|incidents| incidents.incidents()).transpose()?,
        changes,
        commands,
        gateway,
        tenancy,
    };
    let seed_default = seed.map_or(1, |seed| seed.0);
    Ok(Parts { spec, policy, expects, check_sets, seed_default, headroom })
}

/// Requests of one run: counters of a route have 32 bits, and this is an hour of work (our choice).
const REQUESTS_MAX: f64 = 1e9;

fn check_size(rps: &[f64], horizon: Span) -> Result<(), Problem> {
    let requests = rps.iter().sum::<f64>() * horizon.as_secs_f64();
    if requests <= REQUESTS_MAX {
        return Ok(());
    }
    let at = At::top().key("duration");
    Err(Problem::new(at, format!("about {requests:.1e} requests are too many for one run"))
        .expected("expected at most a billion requests: their rate times `duration`")
        .help("several shorter runs say more than a long one: --replications 20"))
}

/// The longest window of the published balancers.
const HISTORY: Span = Span::from_secs(3_600);
/// A year; series and histories are sized for less.
const DURATION_MAX: Span = Span::from_secs(366 * 86_400);

fn check_duration(file: &ScenarioFile) -> Result<Span, Problem> {
    let (duration, history) = (file.duration.0, file.history.map_or(HISTORY, |length| length.0));
    if duration < Span::from_secs(1) || duration > DURATION_MAX {
        return Err(Problem::new(
            At::top().key("duration"),
            format!("a run cannot last {duration}"),
        )
        .expected("expected a length of time from \"1s\" to \"366d\", such as \"4m\""));
    }
    if history > DURATION_MAX {
        let at = At::top().key("history");
        return Err(Problem::new(at, format!("nobody remembers {history}"))
            .expected("expected a length of time up to \"366d\", such as \"1h\""));
    }
    Ok(duration)
}
