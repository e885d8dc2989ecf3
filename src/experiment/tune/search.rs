//! The search itself, from the plan to the record.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::engine::luck::{mix, name};
use crate::engine::{Settings, Time};
use crate::experiment::compare::Contender;
use crate::experiment::progress::Progress;
use crate::experiment::run::RunError;
use crate::metrics::metric::Direction;
use crate::metrics::{Metric, catalog};
use crate::policy::PolicySpec;
use crate::policy::settable::Product;
use crate::record::study::{Head, StudyError, StudyJournal, StudyKey, StudyRow};
use crate::record::tuning::{Fate, Tuning};
use crate::scenario::{Scenario, suggest};

use super::axes::{Axis, candidate};
use super::families::Split;
use super::front::{Row, front, is_hopeless, is_no_worse, knee, mean};
use super::outcome::{Found, Sides};
use super::runs::{Course, Entry, Runs, hash};
use super::searcher::{Asked, Searcher};
use super::shared::{SharedError, Storage};

/// What to tune.
#[derive(Debug)]
pub struct Plan<'a> {
    /// All scenarios.
    pub scenarios: &'a [Scenario],
    /// Which of them the search sees.
    pub split: &'a Split,
    /// The policy.
    pub policy: &'static PolicySpec,
    /// Where the search starts, and what it is compared with.
    pub start: &'a Settings,
    /// What is searched.
    pub axes: &'a [Axis],
    /// What is to get better.
    pub objectives: &'a [&'static Metric],
    /// A policy that the recommendation is to be no worse than in any objective; the start where there is none.
    pub against: Option<&'a Contender>,
    /// For which product.
    pub product: Option<&'static Product>,
    /// Candidates, the start apart.
    pub trials: u32,
    /// Replications of each scenario in the search.
    pub replications: u32,
    /// Seed of the search.
    pub seed: u64,
    /// Where the study is kept for others to share; this process alone has it where there is none.
    pub storage: Option<&'a Storage>,
}

/// Where a search is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Candidates tried.
    pub tried: u32,
    /// Of how many.
    pub of: u32,
    /// Those that were stopped early.
    pub stopped: u32,
    /// The front so far: least and greatest of each objective, and the start's.
    pub front: Vec<(&'static str, f64, f64, f64)>,
    /// How many are on it.
    pub on_front: usize,
    /// How many of them are no worse in any objective than the reference, or else the start.
    pub no_worse: usize,
}

/// Why there is no result.
#[derive(Debug, Error)]
pub enum TuneError {
    /// A run failed.
    #[error("{error} (scenario {scenario})")]
    Run {
        /// Why.
        error: RunError,
        /// In which scenario.
        scenario: String,
    },
    /// The shared study cannot be used.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] StudyError),
    /// An objective has no value.
    #[error(
        "`{0}` has no value in any of these scenarios under this policy: leave it out of --objectives"
    )]
    Blind(&'static str),
    /// The reference has no value for an objective.
    #[error(
        "`{metric}` has no value under `{policy}`: leave it out of --objectives, or hold against another policy"
    )]
    BlindReference {
        /// Which objective.
        metric: &'static str,
        /// Which policy.
        policy: String,
    },
}

/// Objectives unless told otherwise: what users feel, what the fault gets, what is lost, and at what price in calm.
const USUAL: [&str; 5] = ["time_to_recover_user", "leak_ratio", "regret", "false_alarms", "churn"];

/// The metrics of these names; the usual ones where none is named.
///
/// # Errors
/// A sentence, for a name that does not exist or says no direction.
pub fn objectives(names: &[String]) -> Result<Vec<&'static Metric>, String> {
    let known: Vec<&str> = catalog::METRICS
        .iter()
        .filter(|metric| metric.better != Direction::Neither)
        .map(|metric| metric.id)
        .collect();
    let names: Vec<&str> =
        if names.is_empty() { USUAL.to_vec() } else { names.iter().map(String::as_str).collect() };
    let mut metrics: Vec<&'static Metric> = Vec::new();
    for name in names {
        let metric = catalog::find(name).filter(|metric| known.contains(&metric.id));
        let metric = metric.ok_or_else(|| {
            format!("no metric `{name}` to tune by: {}", suggest::help(name, &known))
        })?;
        if metrics.iter().any(|other| other.id == metric.id) {
            return Err(format!("`{name}` is an objective twice"));
        }
        metrics.push(metric);
    }
    Ok(metrics)
}

/// Candidates asked for together: they are bred from the same knowledge (our choice).
const BATCH: u32 = 8;
/// The part of a candidate's runs after which it may be stopped.
const FIRST: u32 = 3;
/// Replications of what is held out, at least: with fewer an interval tells nothing apart (our choice).
const PROOF_REPLICATIONS: u32 = 10;

/// A candidate as the search keeps it.
pub(super) struct Tried {
    /// 0 for the start.
    pub(super) number: u32,
    pub(super) settings: Settings,
    pub(super) rows: Vec<Row>,
    pub(super) fate: Option<Fate>,
}

impl Plan<'_> {
    /// The seed of what is held out: no run of the search has it.
    pub(super) fn seed_held_out(&self) -> u64 {
        mix(self.seed, name("held out seeds"))
    }

    /// Replications of what is held out.
    pub(super) fn replications_held_out(&self) -> u32 {
        self.replications.max(PROOF_REPLICATIONS)
    }

    /// Hash of what is held out.
    fn held_out(&self) -> u64 {
        let hash = mix(self.text(&self.split.held_out), self.seed_held_out());
        mix(hash, u64::from(self.replications_held_out()))
    }

    /// Hash of scenarios.
    fn text(&self, indices: &[usize]) -> u64 {
        let one = |at: &usize| name(&format!("{:?}", self.scenarios[*at].spec));
        indices.iter().fold(0, |hash, at| mix(hash, one(at)))
    }

    /// Digest of all that decides what a point gives and which is recommended, in hexadecimal: all but how many are
    /// tried.
    pub fn problem(&self) -> String {
        let mut plan = mix(self.text(&self.split.search), self.held_out());
        plan = mix(plan, u64::from(self.replications));
        plan = mix(plan, name(env!("CARGO_PKG_VERSION")));
        plan = mix(plan, name(self.policy.name));
        plan = mix(plan, hash(self.start));
        plan = mix(plan, name(&format!("{:?}", self.axes)));
        if let Some(against) = self.against {
            plan = mix(mix(plan, name(against.spec.name)), hash(&against.settings));
        }
        for metric in self.objectives {
            plan = mix(plan, name(metric.id));
        }
        format!("{:016x}", mix(plan, self.seed))
    }

    /// What the first line of the journal says.
    pub fn head(&self) -> Head {
        let mut plan = mix(name(&self.problem()), u64::from(self.trials));
        if let Some(storage) = self.storage {
            plan = mix(plan, name(&storage.study));
        }
        Head {
            plan: format!("{plan:016x}"),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            held_out: format!("{:016x}", self.held_out()),
            held_out_scenarios: self.names(&self.split.held_out),
        }
    }

    pub(super) fn names(&self, indices: &[usize]) -> Vec<String> {
        indices.iter().map(|at| self.scenarios[*at].spec.name.clone()).collect()
    }
}

/// Searches, chooses and proves.
///
/// # Errors
/// [`TuneError`]; what has run is in the journal.
pub fn tune(
    plan: &Plan<'_>,
    journal: (StudyJournal, BTreeMap<StudyKey, StudyRow>),
    watch: &dyn Fn(&Status),
    progress: &dyn Progress,
) -> Result<(Tuning, Settings), TuneError> {
    let pick = |indices: &[usize]| -> Vec<&Scenario> {
        indices.iter().map(|at| &plan.scenarios[*at]).collect()
    };
    let (seen, unseen) = (pick(&plan.split.search), pick(&plan.split.held_out));
    let course = Course {
        stages: ("search", "reference"),
        scenarios: &seen,
        seed: plan.seed,
        replications: plan.replications,
    };
    let proving = Course {
        stages: ("proof", "reference-proof"),
        scenarios: &unseen,
        seed: plan.seed_held_out(),
        replications: plan.replications_held_out(),
    };
    let runs = Runs::new(plan.policy, plan.objectives, progress, journal);
    let mut all = vec![start(plan, &runs, &course)?];
    let reference = reference(plan, &runs, &course)?;
    let bar = means(plan, reference.as_ref().unwrap_or(&all[0].rows));
    let mut searcher = Searcher::new(plan)?;
    loop {
        let asked = searcher.ask(BATCH)?;
        if asked.is_empty() {
            break;
        }
        let tried = batch(plan, &runs, &course, &all, &asked)?;
        for (asked, tried) in asked.into_iter().zip(tried) {
            let told = (tried.fate != Some(Fate::Refused)).then(|| means(plan, &tried.rows));
            searcher.tell(asked, told.map(finite), tried.fate == Some(Fate::Stopped))?;
            all.push(tried);
        }
        watch(&status(plan, &all, &bar));
    }
    let others = batch(plan, &runs, &course, &all, &searcher.others()?)?;
    all.extend(others);
    let (points, whole) = points(plan, &all);
    let on_front = front(&points);
    let (at, no_worse) = knee(&points, &on_front, &bar);
    let chosen = whole[at];
    // Both are run even if they are one: the record then shows differences of zero.
    let mut entries = vec![
        Entry::Candidate(0, &all[0].settings),
        Entry::Candidate(all[chosen].number, &all[chosen].settings),
    ];
    entries.extend(plan.against.map(Entry::Reference));
    let held = runs.rows(&proving, &entries, 0..proving.runs())?;
    let sides = |start, reference, candidate, scenarios: &[&Scenario]| Sides {
        start,
        reference,
        candidate,
        scenarios: scenarios.len(),
    };
    let found = Found {
        plan,
        on_front: &on_front.iter().map(|at| whole[*at]).collect::<Vec<_>>(),
        all: &all,
        chosen,
        no_worse,
        search: sides(&all[0].rows, reference.as_deref(), &all[chosen].rows, &seen),
        held_out: sides(&held[0], held.get(2).map(Vec::as_slice), &held[1], &unseen),
        digest: runs.digest(),
    };
    Ok((found.record(), all[chosen].settings.clone()))
}

/// The runs of the reference, if there is one; it must have a value in every objective.
fn reference(
    plan: &Plan<'_>,
    runs: &Runs<'_>,
    course: &Course<'_>,
) -> Result<Option<Vec<Row>>, TuneError> {
    let Some(policy) = plan.against else { return Ok(None) };
    let rows = runs.rows(course, &[Entry::Reference(policy)], 0..course.runs())?.remove(0);
    match blind(plan, &rows) {
        Some(metric) => Err(TuneError::BlindReference { metric, policy: policy.label.clone() }),
        None => Ok(Some(rows)),
    }
}

/// An objective without a value in any of these runs.
fn blind(plan: &Plan<'_>, rows: &[Row]) -> Option<&'static str> {
    let rows: Vec<&Row> = rows.iter().collect();
    let mut objectives = plan.objectives.iter().enumerate();
    objectives.find(|(at, metric)| mean(metric, &rows, *at).is_none()).map(|(_, metric)| metric.id)
}

/// The start has all its runs, and every objective must have a value in some of them.
fn start(plan: &Plan<'_>, runs: &Runs<'_>, course: &Course<'_>) -> Result<Tried, TuneError> {
    let entry = Entry::Candidate(0, plan.start);
    let rows = runs.rows(course, &[entry], 0..course.runs())?.remove(0);
    match blind(plan, &rows) {
        Some(metric) => Err(TuneError::Blind(metric)),
        None => Ok(Tried { number: 0, settings: plan.start.clone(), rows, fate: None }),
    }
}

/// A batch: all their first runs, then the rest of those that are not hopeless.
fn batch(
    plan: &Plan<'_>,
    runs: &Runs<'_>,
    course: &Course<'_>,
    all: &[Tried],
    asked: &[Asked],
) -> Result<Vec<Tried>, TuneError> {
    let mut batch: Vec<Tried> = asked
        .iter()
        .map(|asked| {
            let settings = candidate(plan.start, plan.axes, &asked.values);
            let pool = &course.scenarios[0].spec.pool;
            let refused = plan.policy.make(&settings, pool, Time::ZERO, 0).is_err();
            let fate = refused.then_some(Fate::Refused);
            Tried { number: asked.number, settings, rows: Vec::new(), fate }
        })
        .collect();
    let first = course.runs().div_ceil(FIRST);
    for range in [0..first, first..course.runs()] {
        let going: Vec<usize> = (0..batch.len()).filter(|nth| batch[*nth].fate.is_none()).collect();
        let entries: Vec<Entry<'_>> = going
            .iter()
            .map(|nth| Entry::Candidate(batch[*nth].number, &batch[*nth].settings))
            .collect();
        let rows = runs.rows(course, &entries, range.clone())?;
        for (nth, rows) in going.into_iter().zip(rows) {
            let tried = &mut batch[nth];
            tried.rows.extend(rows);
            if range.start == 0 && hopeless(plan, all, tried) {
                tried.fate = Some(Fate::Stopped);
            }
        }
    }
    Ok(batch)
}

fn hopeless(plan: &Plan<'_>, all: &[Tried], tried: &Tried) -> bool {
    let (points, whole) = points(plan, all);
    let rows: Vec<&Row> = tried.rows.iter().collect();
    front(&points).into_iter().any(|at| {
        let other: Vec<&Row> = all[whole[at]].rows.iter().take(rows.len()).collect();
        is_hopeless(plan.objectives, &rows, &other)
    })
}

/// Means of all objectives, less being better; infinite where there is no value.
pub(super) fn means(plan: &Plan<'_>, rows: &[Row]) -> Vec<f64> {
    let rows: Vec<&Row> = rows.iter().collect();
    let objectives = plan.objectives.iter().enumerate();
    objectives
        .map(|(objective, metric)| mean(metric, &rows, objective).unwrap_or(f64::INFINITY))
        .collect()
}

/// The optimiser computes with what it is told.
fn finite(means: Vec<f64>) -> Vec<f64> {
    means.into_iter().map(|mean| mean.clamp(-1e300, 1e300)).collect()
}

/// The points of all that had all their runs, and their numbers.
fn points(plan: &Plan<'_>, all: &[Tried]) -> (Vec<Vec<f64>>, Vec<usize>) {
    let whole: Vec<usize> = (0..all.len()).filter(|at| all[*at].fate.is_none()).collect();
    (whole.iter().map(|at| means(plan, &all[*at].rows)).collect(), whole)
}

fn status(plan: &Plan<'_>, all: &[Tried], bar: &[f64]) -> Status {
    let (points, _) = points(plan, all);
    let on_front = front(&points);
    let objective = |(nth, metric): (usize, &&'static Metric)| {
        let sign = if metric.better == Direction::Higher { -1.0 } else { 1.0 };
        let values = || on_front.iter().map(|at| points[*at][nth]);
        let least = values().fold(f64::INFINITY, f64::min);
        let most = values().fold(f64::NEG_INFINITY, f64::max);
        (metric.id, sign * least, sign * most, sign * points[0][nth])
    };
    Status {
        tried: all.len() as u32 - 1,
        of: plan.trials,
        stopped: all.iter().filter(|tried| tried.fate == Some(Fate::Stopped)).count() as u32,
        front: plan.objectives.iter().enumerate().map(objective).collect(),
        on_front: on_front.len(),
        no_worse: on_front.iter().filter(|at| is_no_worse(&points[**at], bar)).count(),
    }
}
