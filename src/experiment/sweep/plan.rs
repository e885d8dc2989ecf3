//! A sweep as a list of units: point × (policy, and the oracle where regret is asked for) × replication.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;

use crate::engine::{Span, Unit as Counts};
use crate::metrics::metric::Measure;
use crate::metrics::{Metric, catalog};
use crate::record::journal::UnitId;
use crate::record::run_row::RunRow;
use crate::scenario::{self, Scenario, ScenarioError, suggest};
use crate::sim::Replication;

use super::axis::{Axis, AxisError, Values};
use super::design::{Design, DesignError, Point};
use crate::experiment::compare;
use crate::experiment::progress::Progress;
use crate::experiment::run::RunError;
use crate::experiment::unit::{Keep, Unit, Units};

/// Runs of a sweep; at a tenth of a second each this is a day of one core.
const RUNS_MAX: u64 = 1_000_000;

/// What is asked: all that a campaign needs to make the plan again on another machine.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path of the scenario, for messages; its stem is its name, its folder that of its traces.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Overrides of every point.
    pub sets: Vec<String>,
    /// Axes as they were typed.
    pub vary: Vec<String>,
    /// Names of metrics; empty for the usual ones.
    pub metrics: Vec<String>,
    /// Which points.
    pub design: Design,
    /// Seed of the first replication, and of the design.
    pub seed: u64,
    /// Replications of each point.
    pub replications: u32,
}

/// A sweep.
#[derive(Clone, Debug)]
pub struct SweepPlan {
    /// Name of the scenario.
    pub name: String,
    /// What is varied.
    pub axes: Vec<Axis>,
    /// How points were chosen.
    pub design: Design,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications of each point, all on the same random numbers.
    pub replications: u32,
    /// What is measured in each run.
    pub metrics: Vec<&'static Metric>,
    /// Whether the oracle runs each point as well.
    pub regret: bool,
    /// Where the runs take place.
    pub points: Vec<Point>,
    path: PathBuf,
    text: String,
    sets: Vec<String>,
    /// Points of the design; those behind them were added.
    designed: usize,
    ids: Vec<UnitId>,
    lengths: Vec<Span>,
    /// Requests of all runs, about; what a closed loop offers is not known before.
    pub requests: f64,
}

/// A sweep that cannot be made.
#[derive(Debug, Error)]
pub enum SweepError {
    /// An axis.
    #[error(transparent)]
    Axis(#[from] AxisError),
    /// A design.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// The scenario, or what a point makes of it.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A metric or a parameter that there is not.
    #[error("{what}")]
    Unknown {
        /// Which, and what there is.
        what: String,
    },
    /// More than anybody runs.
    #[error(
        "{points} points × {replications} replications are {runs} runs: expected at most {RUNS_MAX}; take fewer of either"
    )]
    TooMany {
        /// Points.
        points: usize,
        /// Replications.
        replications: u32,
        /// Runs.
        runs: u64,
    },
}

impl SweepPlan {
    /// Makes the plan, and checks every point of it before any runs.
    ///
    /// # Errors
    /// A [`SweepError`].
    pub fn new(asked: &Asked) -> Result<Self, SweepError> {
        let (metrics, regret) = metrics(&asked.metrics)?;
        let mut axes =
            (asked.vary.iter()).map(|text| Axis::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let (path, text) = (asked.path.clone(), asked.text.clone());
        let base = parse(&path, &text, &asked.sets)?;
        for axis in &mut axes {
            check_parameter(axis, &base, &asked.vary)?;
        }
        let points = asked.design.points(&axes, asked.seed)?;
        let mut plan = Self {
            name: base.spec.name.clone(),
            axes,
            design: asked.design,
            seed: asked.seed,
            replications: asked.replications,
            metrics,
            regret,
            points: Vec::new(),
            path,
            text,
            sets: asked.sets.clone(),
            designed: points.len(),
            ids: Vec::new(),
            lengths: Vec::new(),
            requests: 0.0,
        };
        plan.extend(points)?;
        Ok(plan)
    }

    /// Adds points, each checked.
    ///
    /// # Errors
    /// A [`SweepError`]; then none is added.
    pub fn extend(&mut self, points: Vec<Point>) -> Result<(), SweepError> {
        let all = self.points.len() + points.len();
        let runs = all as u64 * self.each() as u64;
        if runs > RUNS_MAX {
            return Err(SweepError::TooMany { points: all, replications: self.replications, runs });
        }
        let checked: Result<Vec<(Vec<UnitId>, Span, f64)>, ScenarioError> =
            points.par_iter().map(|point| self.check(point)).collect();
        for (ids, length, requests) in checked? {
            self.ids.extend(ids);
            self.lengths.push(length);
            self.requests += requests;
        }
        self.points.extend(points);
        Ok(())
    }

    /// Runs of a point.
    fn each(&self) -> usize {
        self.replications as usize * self.contenders()
    }

    fn contenders(&self) -> usize {
        1 + usize::from(self.regret)
    }

    /// Ids of a point's units, its virtual time, its requests.
    fn check(&self, point: &Point) -> Result<(Vec<UnitId>, Span, f64), ScenarioError> {
        let mut ids = Vec::new();
        let mut sum = (Span(0), 0.0);
        for contender in 0..self.contenders() {
            let scenario = self.scenario(point, contender)?;
            let spec = &scenario.spec;
            let times = f64::from(self.replications);
            sum.0 = spec.horizon;
            sum.1 += spec.pool.offered_rps * spec.horizon.as_secs_f64() * times;
            let units = (0..self.replications).map(|j| self.unit(&scenario, j).id());
            ids.extend(units);
        }
        Ok((ids, sum.0, sum.1))
    }

    /// The scenario of a point; contender 1 is the oracle.
    fn scenario(&self, point: &Point, contender: usize) -> Result<Scenario, ScenarioError> {
        let is_policy = |set: &String| set.starts_with("policy.") || set.starts_with("policy=");
        let mut sets: Vec<String> = self.sets.clone();
        // Who routes comes first: it would undo the parameters before it.
        let mut order: Vec<usize> = (0..self.axes.len()).collect();
        order.sort_by_key(|axis| (self.axes[*axis].path != "policy", *axis));
        let set = |axis: &usize| format!("{}={}", self.axes[*axis].path, point[*axis].text);
        sets.extend(order.iter().map(set));
        if contender == 1 {
            sets.retain(|set| !is_policy(set));
            sets.push("policy=oracle".to_owned());
        }
        parse(&self.path, &self.text, &sets)
    }

    fn unit<'a>(&'a self, scenario: &'a Scenario, replication: u32) -> Unit<'a> {
        Unit {
            scenario,
            policy: scenario.policy.spec,
            settings: &scenario.policy.settings,
            seed: self.seed,
            replication: Replication { index: replication, of: self.replications },
            keep: Keep { metrics: &self.metrics, bound: false, curve: false },
        }
    }

    /// Where a run stands: point, contender, replication.
    fn place(&self, index: usize) -> (usize, usize, u32) {
        let (point, rest) = (index / self.each(), index % self.each());
        let replications = self.replications as usize;
        (point, rest / replications, (rest % replications) as u32)
    }

    /// The units of a point under a contender (0: the policy, 1: the oracle), replication by replication.
    pub fn ids_of(&self, point: usize, contender: usize) -> &[UnitId] {
        let replications = self.replications as usize;
        let first = point * self.each() + contender * replications;
        &self.ids[first..first + replications]
    }

    /// How many of the points belong to the design; the others refine a boundary.
    pub const fn designed(&self) -> usize {
        self.designed
    }

    /// Virtual time of all runs.
    pub fn virtual_time(&self) -> Span {
        Span(self.lengths.iter().map(|length| length.0 * self.each() as u64).sum())
    }
}

impl Units for SweepPlan {
    fn ids(&self) -> Vec<UnitId> {
        self.ids.clone()
    }

    fn what(&self, index: usize) -> String {
        let (point, contender, replication) = self.place(index);
        let values = self.axes.iter().zip(&self.points[point]);
        let values: String =
            values.map(|(axis, level)| format!("{}={} ", axis.path, level.text)).collect();
        let oracle = if contender == 1 { "oracle " } else { "" };
        format!("{values}{oracle}{}/{}", replication + 1, self.replications)
    }

    fn length(&self, index: usize) -> Span {
        self.lengths[self.place(index).0]
    }

    fn run(&self, index: usize, progress: &dyn Progress) -> Result<RunRow, RunError> {
        let (point, contender, replication) = self.place(index);
        let scenario = self
            .scenario(&self.points[point], contender)
            .expect("every point was read when the plan was made");
        self.unit(&scenario, replication).run(progress)
    }
}

fn parse(path: &Path, text: &str, sets: &[String]) -> Result<Scenario, ScenarioError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    scenario::parse(&path.display().to_string(), text, folder, sets)
}

/// The metrics of these names, and whether regret is among them.
fn metrics(names: &[String]) -> Result<(Vec<&'static Metric>, bool), SweepError> {
    if names.is_empty() {
        return Ok((compare::metrics(), false));
    }
    let mut found: Vec<&'static Metric> = Vec::new();
    let mut regret = false;
    for id in names {
        let metric = catalog::find(id).ok_or_else(|| {
            let known: Vec<&str> = catalog::METRICS.iter().map(|metric| metric.id).collect();
            let what = format!("there is no metric `{id}`: {}", suggest::help(id, &known));
            SweepError::Unknown { what }
        })?;
        match metric.measure {
            Measure::Against(_) => regret = true,
            _ if found.iter().any(|other| other.id == metric.id) => {}
            _ => found.push(metric),
        }
    }
    Ok((found, regret))
}

/// A parameter of the policy is checked against its table, where one policy is meant; counts are whole.
fn check_parameter(axis: &mut Axis, base: &Scenario, vary: &[String]) -> Result<(), SweepError> {
    let Some(id) = axis.path.strip_prefix("policy.").filter(|id| *id != "name") else {
        return Ok(());
    };
    if vary.iter().any(|other| other.starts_with("policy=") || other.starts_with("policy.name=")) {
        return Ok(());
    }
    let policy = &base.policy;
    let unknown = |what: String| SweepError::Unknown { what };
    let param = policy.settings.param(id).ok_or_else(|| {
        let known: Vec<&str> = policy.settings.table().iter().map(|param| param.id).collect();
        let help = suggest::help(id, &known);
        unknown(format!(
            "--vary '{}=…': `{}` has no parameter `{id}`: {help}",
            axis.path, policy.spec.name
        ))
    })?;
    if let Values::Range(range) = &mut axis.values {
        range.whole |= param.unit == Counts::Count;
        for end in [range.low, range.high] {
            param.parse(&format!("{end}{}", range.unit)).map_err(|error| {
                unknown(format!("--vary '{}=…': {error}: {}", axis.path, param.doc))
            })?;
        }
    }
    Ok(())
}
