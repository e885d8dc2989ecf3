//! The search itself, from the plan to the record.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::engine::luck::{mix, name};
use crate::engine::{Settings, Time};
use crate::experiment::progress::Progress;
use crate::experiment::run::{RunError, described};
use crate::metrics::metric::Direction;
use crate::metrics::{Metric, catalog};
use crate::policy::PolicySpec;
use crate::policy::settable::Product;
use crate::record::significant;
use crate::record::study::{Head, StudyError, StudyJournal, StudyKey, StudyRow};
use crate::record::tuning::{
    Fate, HeldOut, Objective, Searched, TUNING_VERSION, Trial, Tuning, Verdict,
};
use crate::scenario::{Scenario, suggest};

use super::axes::{Axis, candidate};
use super::families::Split;
use super::front::{Row, front, is_hopeless, knee, mean};
use super::proof::{Pairs, proof};
use super::runs::{Course, Entry, Runs, hash};
use super::study::{Asked, Study};

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
    /// For which product.
    pub product: Option<&'static Product>,
    /// Candidates, the start apart.
    pub trials: u32,
    /// Replications of each scenario in the search, and of each that is held out.
    pub replications: u32,
    /// Seed of the search.
    pub seed: u64,
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
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] StudyError),
    /// An objective has no value.
    #[error(
        "`{0}` has no value in any of these scenarios under this policy: leave it out of --objectives"
    )]
    Blind(&'static str),
}

/// Objectives unless told otherwise: what users feel, what the fault gets, what is lost, and at what price in calm.
const USUAL: [&str; 4] = ["time_to_recover_user", "leak_ratio", "regret", "false_alarms"];

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

/// A candidate as the search keeps it.
struct Tried {
    settings: Settings,
    rows: Vec<Row>,
    fate: Option<Fate>,
}

impl Plan<'_> {
    /// The seed of what is held out: no run of the search has it.
    fn seed_held_out(&self) -> u64 {
        mix(self.seed, name("held out seeds"))
    }

    /// What the first line of the journal says.
    pub fn head(&self) -> Head {
        let text = |indices: &[usize]| -> u64 {
            indices
                .iter()
                .fold(0, |hash, at| mix(hash, name(&format!("{:?}", self.scenarios[*at].spec))))
        };
        let held_out = mix(
            mix(text(&self.split.held_out), self.seed_held_out()),
            u64::from(self.replications),
        );
        let mut plan = mix(text(&self.split.search), held_out);
        plan = mix(plan, name(env!("CARGO_PKG_VERSION")));
        plan = mix(plan, name(self.policy.name));
        plan = mix(plan, hash(self.start));
        plan = mix(plan, name(&format!("{:?}", self.axes)));
        for metric in self.objectives {
            plan = mix(plan, name(metric.id));
        }
        plan = mix(mix(plan, u64::from(self.trials)), self.seed);
        Head {
            plan: format!("{plan:016x}"),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            held_out: format!("{held_out:016x}"),
            held_out_scenarios: self.names(&self.split.held_out),
        }
    }

    fn names(&self, indices: &[usize]) -> Vec<String> {
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
    let (seed, replications) = (plan.seed, plan.replications);
    let course = Course { stage: "search", scenarios: &seen, seed, replications };
    let seed = plan.seed_held_out();
    let proving = Course { stage: "proof", scenarios: &unseen, seed, replications };
    let runs = Runs::new(plan.policy, plan.objectives, progress, journal);
    let mut all = vec![start(plan, &runs, &course)?];
    let study = Study::new(plan.axes.len(), plan.objectives.len(), plan.seed);
    while (all.len() as u32) <= plan.trials {
        let n = BATCH.min(plan.trials + 1 - all.len() as u32);
        let asked: Vec<Asked> = (0..n).map(|_| study.ask()).collect();
        let tried = batch(plan, &runs, &course, &all, &asked)?;
        for (asked, tried) in asked.into_iter().zip(tried) {
            let told = (tried.fate != Some(Fate::Refused)).then(|| means(plan, &tried.rows));
            study.tell(asked, told.map(finite));
            all.push(tried);
        }
        watch(&status(plan, &all));
    }
    let (points, whole) = points(plan, &all);
    let on_front: Vec<usize> = front(&points).into_iter().map(|at| whole[at]).collect();
    let start_at = points[0].clone();
    let (at, no_worse) = knee(&points, &front(&points), &start_at);
    let chosen = whole[at];
    let knee_because = if no_worse {
        "nearest to the best of every objective, among those of the front that are no worse than the start in any"
    } else {
        "nearest to the best of every objective on the front; none is no worse than the start in all of them"
    };
    let entries = [0, chosen].map(|at| Entry { trial: at as u32, settings: &all[at].settings });
    // Both are run even if they are one: the record then shows differences of zero.
    let held = runs.rows(&proving, &entries, 0..proving.runs())?;
    let pairs = |start, candidate, scenarios| Pairs { start, candidate, scenarios };
    let searched = pairs(&all[0].rows, &all[chosen].rows, seen.len());
    let unseen_pairs = pairs(&held[0], &held[1], unseen.len());
    let objectives = plan.objectives.iter().enumerate();
    let proofs: Vec<_> = objectives
        .map(|(objective, metric)| proof(metric, objective, &searched, &unseen_pairs))
        .collect();
    let recommended = all[chosen].settings.clone();
    let mut tuning = Tuning {
        schema_version: TUNING_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: plan.seed,
        policy: described(plan.policy, plan.start),
        product: plan.product.map(|product| product.name.to_owned()),
        scenarios: plan.names(&plan.split.search),
        replications,
        held_out: HeldOut {
            scenarios: plan.names(&plan.split.held_out),
            families: plan.split.families.clone(),
            seed: proving.seed,
            replications,
            hash: plan.head().held_out,
        },
        objectives: plan.objectives.iter().map(|metric| objective(metric)).collect(),
        parameters: plan.axes.iter().map(|axis| searched_axis(plan, axis, &recommended)).collect(),
        trials: trials(plan, &all, &on_front),
        knee: chosen as u32,
        knee_because: knee_because.to_owned(),
        proof: proofs,
        digest: format!("{:016x}", runs.digest()),
        warnings: Vec::new(),
    };
    tuning.warnings = warnings(plan, &tuning, no_worse);
    Ok((tuning, recommended))
}

/// The start has all its runs, and every objective must have a value in some of them.
fn start(plan: &Plan<'_>, runs: &Runs<'_>, course: &Course<'_>) -> Result<Tried, TuneError> {
    let entry = Entry { trial: 0, settings: plan.start };
    let rows = runs.rows(course, &[entry], 0..course.runs())?.remove(0);
    let refs: Vec<&Row> = rows.iter().collect();
    for (objective, metric) in plan.objectives.iter().enumerate() {
        if mean(metric, &refs, objective).is_none() {
            return Err(TuneError::Blind(metric.id));
        }
    }
    Ok(Tried { settings: plan.start.clone(), rows, fate: None })
}

/// A batch: all their first runs, then the rest of those that are not hopeless.
fn batch(
    plan: &Plan<'_>,
    runs: &Runs<'_>,
    course: &Course<'_>,
    all: &[Tried],
    asked: &[Asked],
) -> Result<Vec<Tried>, TuneError> {
    let number = |nth: usize| (all.len() + nth) as u32;
    let mut batch: Vec<Tried> = asked
        .iter()
        .map(|asked| {
            let settings = candidate(plan.start, plan.axes, &asked.parts);
            let pool = &course.scenarios[0].spec.pool;
            let refused = plan.policy.make(&settings, pool, Time::ZERO, 0).is_err();
            let fate = refused.then_some(Fate::Refused);
            Tried { settings, rows: Vec::new(), fate }
        })
        .collect();
    let first = course.runs().div_ceil(FIRST);
    for range in [0..first, first..course.runs()] {
        let going: Vec<usize> = (0..batch.len()).filter(|nth| batch[*nth].fate.is_none()).collect();
        let entries: Vec<Entry<'_>> = going
            .iter()
            .map(|nth| Entry { trial: number(*nth), settings: &batch[*nth].settings })
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
fn means(plan: &Plan<'_>, rows: &[Row]) -> Vec<f64> {
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

fn status(plan: &Plan<'_>, all: &[Tried]) -> Status {
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
    }
}

fn objective(metric: &Metric) -> Objective {
    Objective {
        id: metric.id.to_owned(),
        unit: metric.unit.to_owned(),
        better: metric.better.name().to_owned(),
    }
}

fn searched_axis(plan: &Plan<'_>, axis: &Axis, recommended: &Settings) -> Searched {
    let param = plan.start.param(axis.id).expect("axes are of its table");
    Searched {
        id: axis.id.to_owned(),
        low: param.show(axis.low),
        high: param.show(axis.high),
        start: param.show(plan.start.get(axis.id)),
        recommended: param.show(recommended.get(axis.id)),
        source: param.source.to_owned(),
        set_by: plan.product.and_then(|p| p.knob(axis.id)).map(|knob| knob.by.words()),
    }
}

fn trials(plan: &Plan<'_>, all: &[Tried], on_front: &[usize]) -> Vec<Trial> {
    let trial = |(number, tried): (usize, &Tried)| {
        let shown = |axis: &Axis| {
            let param = plan.start.param(axis.id).expect("axes are of its table");
            (axis.id.to_owned(), param.show(tried.settings.get(axis.id)))
        };
        let objectives = means(plan, &tried.rows).into_iter().zip(plan.objectives);
        let objectives = objectives.map(|(mean, metric)| {
            let sign = if metric.better == Direction::Higher { -1.0 } else { 1.0 };
            (mean.is_finite() && !tried.rows.is_empty()).then(|| significant(sign * mean))
        });
        Trial {
            number: number as u32,
            parameters: plan.axes.iter().map(shown).collect(),
            objectives: objectives.collect(),
            runs: tried.rows.len() as u32,
            fate: tried.fate.unwrap_or(if on_front.contains(&number) {
                Fate::Front
            } else {
                Fate::Dominated
            }),
        }
    };
    all.iter().enumerate().map(trial).collect()
}

fn warnings(plan: &Plan<'_>, tuning: &Tuning, no_worse: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if plan.split.families.is_empty() {
        let what = "only seeds are held out, no scenario: give scenarios of several kinds of fault";
        warnings.push(what.to_owned());
    }
    if tuning.knee == 0 {
        warnings.push("nothing on the front is better than the start: it stays".to_owned());
    } else if !no_worse {
        warnings.push("the recommendation pays for its gains: see what got worse".to_owned());
    }
    let at_an_end: Vec<&str> = tuning
        .parameters
        .iter()
        .filter(|p| tuning.knee != 0 && (p.recommended == p.low || p.recommended == p.high))
        .map(|p| p.id.as_str())
        .collect();
    if !at_an_end.is_empty() {
        warnings.push(format!(
            "at an end of what was tried: {}; a wider --range may be better still",
            at_an_end.join(", ")
        ));
    }
    for (proof, metric) in tuning.proof.iter().zip(plan.objectives) {
        let of = |end: Option<f64>| end.map_or("?".to_owned(), |end| end.to_string());
        let held = &proof.held_out;
        let interval = format!("{} [{}, {}]", of(held.difference), of(held.low), of(held.high));
        match proof.verdict {
            Verdict::Worse => warnings.push(format!(
                "{}: worse on what the search never saw, by {interval}",
                proof.objective
            )),
            Verdict::Undecided | Verdict::Unknown if is_gain(metric, proof.search.difference) => {
                warnings.push(format!(
                    "{}: the gain of the search ({}) is not shown on what it never saw: {interval}",
                    proof.objective,
                    of(proof.search.difference)
                ));
            }
            _ => {}
        }
    }
    warnings
}

/// Whether a difference is for the better.
fn is_gain(metric: &Metric, difference: Option<f64>) -> bool {
    difference.is_some_and(|d| if metric.better == Direction::Higher { d > 0.0 } else { d < 0.0 })
}
