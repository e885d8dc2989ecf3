//! The runs of candidates: from the journal where it has them, else from the simulator.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::engine::Settings;
use crate::engine::luck::{mix, name};
use crate::experiment::compare::Contender;
use crate::experiment::measure::{measured, needs_oracle};
use crate::experiment::progress::Progress;
use crate::experiment::run::{RunError, RunPlan, tape};
use crate::metrics::{Metric, Tape, Value};
use crate::policy::{PolicySpec, oracle};
use crate::record::significant;
use crate::record::study::{StudyError, StudyJournal, StudyKey, StudyRow};
use crate::scenario::Scenario;

use super::front::Row;
use super::search::TuneError;

/// Where candidates run: scenarios and seeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course<'a> {
    /// The stage of its candidates' runs, and that of the reference's.
    pub(super) stages: (&'static str, &'static str),
    /// Its scenarios.
    pub(super) scenarios: &'a [&'a Scenario],
    /// Seed of the first replication.
    pub(super) seed: u64,
    /// Replications of each scenario.
    pub(super) replications: u32,
}

impl Course<'_> {
    /// How many runs a candidate has on it. They are numbered replication by replication, so that the first of
    /// them see every scenario.
    pub(super) fn runs(&self) -> u32 {
        self.scenarios.len() as u32 * self.replications
    }

    fn place(&self, run: u32) -> (&Scenario, u32) {
        let scenarios = self.scenarios.len() as u32;
        (self.scenarios[(run % scenarios) as usize], run / scenarios)
    }
}

/// Who runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    /// A candidate, by its number.
    Candidate(u32, &'a Settings),
    /// The policy that candidates are held against.
    Reference(&'a Contender),
}

/// All runs so far.
pub(super) struct Runs<'a> {
    pub(super) spec: &'static PolicySpec,
    pub(super) metrics: &'a [&'static Metric],
    pub(super) progress: &'a dyn Progress,
    rows: Mutex<BTreeMap<StudyKey, StudyRow>>,
    journal: Mutex<StudyJournal>,
    trouble: Mutex<Option<StudyError>>,
    /// The oracle's runs, by the course's seed and number: they belong to the world, not to a candidate.
    oracles: Mutex<BTreeMap<(u64, u32), std::sync::Arc<Tape>>>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(
        spec: &'static PolicySpec,
        metrics: &'a [&'static Metric],
        progress: &'a dyn Progress,
        (journal, rows): (StudyJournal, BTreeMap<StudyKey, StudyRow>),
    ) -> Self {
        Self {
            spec,
            metrics,
            progress,
            rows: Mutex::new(rows),
            journal: Mutex::new(journal),
            trouble: Mutex::new(None),
            oracles: Mutex::new(BTreeMap::new()),
        }
    }

    /// Runs of several candidates in parallel; rows in the order of candidates and runs.
    pub(super) fn rows(
        &self,
        course: &Course<'_>,
        entries: &[Entry<'_>],
        runs: std::ops::Range<u32>,
    ) -> Result<Vec<Vec<Row>>, TuneError> {
        let pairs: Vec<(Entry<'_>, u32)> =
            entries.iter().flat_map(|entry| runs.clone().map(|run| (*entry, run))).collect();
        let rows: Vec<Result<Row, TuneError>> =
            pairs.par_iter().map(|(entry, run)| self.row(course, entry, *run)).collect();
        if let Some(error) = self.trouble.lock().expect("nobody panics with it").take() {
            return Err(TuneError::Journal(error));
        }
        let mut rows = rows.into_iter();
        entries.iter().map(|_| rows.by_ref().take(runs.len()).collect()).collect()
    }

    fn row(&self, course: &Course<'_>, entry: &Entry<'_>, run: u32) -> Result<Row, TuneError> {
        let (stage, trial, spec, settings) = match *entry {
            Entry::Candidate(trial, settings) => (course.stages.0, trial, self.spec, settings),
            Entry::Reference(policy) => (course.stages.1, 0, policy.spec, &policy.settings),
        };
        let key = StudyKey { stage, trial, run };
        let parameters = hash(settings);
        let known = self.rows.lock().expect("nobody panics with it").get(&key).cloned();
        if let Some(row) = known.filter(|row| row.parameters == parameters) {
            return Ok(row.values);
        }
        let (scenario, replication) = course.place(run);
        let tape = self.tape(course, scenario, (spec, settings), replication)?;
        let oracle = if self.metrics.iter().any(|metric| needs_oracle(metric)) {
            Some(self.oracle(course, run)?)
        } else {
            None
        };
        let pool = &scenario.spec.pool;
        let value =
            |metric: &&'static Metric| rounded(measured(metric, &tape, oracle.as_deref(), pool));
        let values: Row = self.metrics.iter().map(value).collect();
        let row = StudyRow { parameters, digest: tape.digest, values: values.clone() };
        if let Err(error) = self.journal.lock().expect("nobody panics with it").add(&key, &row) {
            self.trouble.lock().expect("nobody panics with it").get_or_insert(error);
        }
        self.rows.lock().expect("nobody panics with it").insert(key, row);
        Ok(values)
    }

    fn oracle(&self, course: &Course<'_>, run: u32) -> Result<std::sync::Arc<Tape>, TuneError> {
        let key = (course.seed, run);
        if let Some(known) = self.oracles.lock().expect("nobody panics with it").get(&key) {
            return Ok(known.clone());
        }
        let (scenario, replication) = course.place(run);
        let best = Contender::of(&oracle::SPEC);
        let best = (best.spec, &best.settings);
        let tape = std::sync::Arc::new(self.tape(course, scenario, best, replication)?);
        // Two threads may have run it; both have the same.
        self.oracles.lock().expect("nobody panics with it").insert(key, tape.clone());
        Ok(tape)
    }

    fn tape(
        &self,
        course: &Course<'_>,
        scenario: &Scenario,
        (policy, settings): (&'static PolicySpec, &Settings),
        replication: u32,
    ) -> Result<Tape, TuneError> {
        let plan = RunPlan {
            scenario,
            policy,
            settings,
            seed: course.seed,
            replications: course.replications,
        };
        tape(&plan, replication, self.progress).map_err(|error: RunError| TuneError::Run {
            error,
            scenario: scenario.spec.name.clone(),
        })
    }

    /// Digest of all runs, in the order of their keys.
    pub(super) fn digest(&self) -> u64 {
        let rows = self.rows.lock().expect("nobody panics with it");
        rows.values().fold(0, |digest, row| mix(digest, row.digest))
    }
}

/// As the journal keeps it, so that what is read back is what was run.
fn rounded(value: Value) -> Value {
    match value {
        Value::Known(number) => Value::Known(significant(number)),
        Value::Censored { at_s } => Value::Censored { at_s: significant(at_s) },
        Value::Undefined { .. } => Value::Undefined { reason: "no value in this run" },
    }
}

/// A hash of all parameters.
pub(super) fn hash(settings: &Settings) -> u64 {
    settings.iter().fold(name("settings"), |hash, (param, value)| {
        mix(mix(hash, name(param.id)), value.to_bits())
    })
}
