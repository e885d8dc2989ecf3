//! Running a check, look by look.

use rayon::prelude::*;

use crate::engine::Span;
use crate::engine::luck::mix;
use crate::experiment::compare::Contender;
use crate::experiment::judge;
use crate::experiment::measure::needs_oracle;
use crate::experiment::run::{Draw, drawn, seed_of};
use crate::experiment::{Progress, RunError, RunPlan, described};
use crate::metrics::{Metric, Value, catalog};
use crate::policy::oracle;
use crate::record::Quantity;
use crate::record::baseline::{BASELINE_VERSION, Baseline, BaselineGate, BaselineSubject};
use crate::record::check::{
    CHECK_VERSION, CheckFacts, CheckReport, Checked, GateOutcome, GateResult, Verdict,
};
use crate::scenario::Expect;
use crate::sim::Replication;
use crate::stats::Looks;

use super::{ALPHA, CheckPlan, Source, Subject, verdict};

/// A check in progress.
#[derive(Debug)]
pub struct Check<'a> {
    plan: CheckPlan<'a>,
    looks: Looks,
    notes: Vec<String>,
    /// What has been measured of each subject of the plan.
    measured: Vec<Measured>,
    stopped: bool,
}

/// What is to be run next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The look, from 0.
    pub look: usize,
    /// Replications that it adds.
    pub replications: u32,
    /// Subjects concerned, by their places.
    pub subjects: Vec<usize>,
    /// Virtual time of all its runs.
    pub time: Span,
}

/// Both sides of a subject, a row a replication.
#[derive(Debug, Default)]
struct Measured {
    own: Vec<Row>,
    reference: Vec<Row>,
}

/// One replication.
#[derive(Clone, Debug)]
struct Row {
    digest: u64,
    /// In the order of the subject's expectations.
    values: Vec<Value>,
}

/// One run of one side.
#[derive(Clone, Copy)]
struct Unit {
    place: usize,
    is_reference: bool,
    index: u32,
    start: u32,
    of: u32,
}

impl<'a> Check<'a> {
    /// Of a plan. `notes` go into the report.
    pub fn new(plan: CheckPlan<'a>, notes: Vec<String>) -> Self {
        // A baseline has so many replications and no more.
        let stored = match plan.source {
            Source::Baseline { baseline, .. } => baseline.replications_max,
            Source::None | Source::Policy(_) => u32::MAX,
        };
        let max = plan.replications_max.min(stored).max(plan.replications);
        let looks = Looks::new(plan.replications, max, ALPHA, plan.gates());
        let measured = plan.subjects.iter().map(|_| Measured::default()).collect();
        Self { plan, looks, notes, measured, stopped: false }
    }

    /// What is to be run next; `None` when there is nothing left to learn.
    pub fn pending(&self) -> Option<Pending> {
        if self.stopped {
            return None;
        }
        let here = |place: &usize| self.plan.is_here(*place);
        let missing = |place: &usize| self.measured[*place].own.is_empty();
        let first: Vec<usize> = (0..self.measured.len()).filter(here).filter(missing).collect();
        if !first.is_empty() {
            return Some(self.work(0, first));
        }
        let report = self.report();
        let last = self.looks.looks().len() - 1;
        let next = |checked: &Checked| {
            let look = self.look_of(self.measured[checked.place].own.len() as u32);
            let is_open =
                checked.gates.iter().any(|gate| gate.outcome.verdict == Verdict::Undecided);
            (is_open && look < last).then_some((checked.place, look + 1))
        };
        let open: Vec<(usize, usize)> = report.subjects.iter().filter_map(next).collect();
        let look = open.iter().map(|(_, look)| *look).min()?;
        let of_look = open.into_iter().filter(|(_, other)| *other == look);
        Some(self.work(look, of_look.map(|(place, _)| place).collect()))
    }

    /// All that a baseline stores, whatever looks suspicious; `None` when it is there.
    pub fn pending_for_baseline(&self) -> Option<Pending> {
        let steps = self.looks.steps();
        let look = (0..steps.len()).find(|look| {
            let end = steps[*look].0 + steps[*look].1;
            self.measured.iter().any(|measured| (measured.own.len() as u32) < end)
        })?;
        Some(self.work(look, (0..self.measured.len()).collect()))
    }

    fn work(&self, look: usize, subjects: Vec<usize>) -> Pending {
        let replications = self.looks.steps()[look].1;
        let sides = if matches!(self.plan.source, Source::Policy(_)) { 2 } else { 1 };
        let of = |place: &usize| {
            let subject = &self.plan.subjects[*place];
            let runs = sides * if has_oracle(subject) { 2 } else { 1 };
            subject.scenario.spec.horizon.0 * u64::from(replications) * runs
        };
        let time = Span(subjects.iter().map(of).sum());
        Pending { look, replications, subjects, time }
    }

    /// The look that so many replications reach.
    fn look_of(&self, replications: u32) -> usize {
        let looks = self.looks.looks().iter();
        looks.take_while(|look| look.replications <= replications).count().saturating_sub(1)
    }

    /// Runs what is pending.
    ///
    /// # Errors
    /// The first [`RunError`] in the order of the plan.
    pub fn advance(&mut self, work: &Pending, progress: &dyn Progress) -> Result<(), RunError> {
        if !self.plan.fail_fast {
            return self.run(work, &work.subjects, progress);
        }
        for place in &work.subjects {
            self.run(work, std::slice::from_ref(place), progress)?;
            if self.report().verdict.is_red() {
                self.stopped = true;
                break;
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        work: &Pending,
        places: &[usize],
        progress: &dyn Progress,
    ) -> Result<(), RunError> {
        let (start, of) = self.looks.steps()[work.look];
        let mut units = Vec::new();
        for &place in places {
            for is_reference in [false, true] {
                if !is_reference || matches!(self.plan.source, Source::Policy(_)) {
                    let unit = |index| Unit { place, is_reference, index, start, of };
                    units.extend((0..of).map(unit));
                }
            }
        }
        let rows: Vec<Result<Row, RunError>> =
            units.par_iter().map(|unit| self.row(*unit, progress)).collect();
        for (unit, row) in units.iter().zip(rows) {
            let measured = &mut self.measured[unit.place];
            let side = if unit.is_reference { &mut measured.reference } else { &mut measured.own };
            side.push(row?);
        }
        Ok(())
    }

    fn row(&self, unit: Unit, progress: &dyn Progress) -> Result<Row, RunError> {
        let subject = &self.plan.subjects[unit.place];
        let policy: &Contender = match self.plan.source {
            Source::Policy(policy) if unit.is_reference => policy,
            Source::None | Source::Baseline { .. } | Source::Policy(_) => &subject.policy,
        };
        let plan = RunPlan {
            scenario: subject.scenario,
            policy: policy.spec,
            settings: &policy.settings,
            seed: self.plan.seed,
            replications: unit.of,
        };
        let draw = Draw {
            seed: seed_of(self.plan.seed, unit.start + unit.index),
            replication: Replication { index: unit.index, of: unit.of },
            luck_key: if unit.is_reference { 0 } else { self.plan.luck_key },
        };
        let tape = drawn(&plan, draw, progress)?;
        let best = if has_oracle(subject) {
            // The best that could be done in this world with this luck; it has no luck of its own.
            let best = Contender::of(&oracle::SPEC);
            let plan = RunPlan { policy: best.spec, settings: &best.settings, ..plan };
            Some(drawn(&plan, Draw { luck_key: 0, ..draw }, progress)?)
        } else {
            None
        };
        let pool = &subject.scenario.spec.pool;
        let value = |expect: &Expect| {
            judge::value(metric(expect), expect.fault.as_deref(), &tape, best.as_ref(), pool)
        };
        Ok(Row { digest: tape.digest, values: subject.expects.iter().map(value).collect() })
    }

    /// The report of what has been run so far.
    pub fn report(&self) -> CheckReport {
        let plan = &self.plan;
        let here = plan.subjects.iter().enumerate().filter(|(place, _)| plan.is_here(*place));
        let subjects = here.map(|(place, subject)| self.checked(place, subject)).collect();
        let mut report = CheckReport {
            schema_version: CHECK_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan: CheckFacts {
                digest: format!("{:016x}", plan.digest()),
                seed: plan.seed,
                replications: plan.replications,
                replications_max: self.looks.looks().last().map_or(0, |look| look.replications),
                alpha: ALPHA,
                gates: plan.gates(),
                subjects: plan.subjects.len(),
                reference: plan.source.described(),
            },
            shard: plan.shard,
            verdict: Verdict::NotApplicable,
            notes: self.notes.clone(),
            subjects,
        };
        verdict::judge(&mut report);
        report
    }

    fn checked(&self, place: usize, subject: &Subject<'_>) -> Checked {
        let (plan, measured) = (&self.plan, &self.measured[place]);
        let first = self.first(&measured.own);
        let values = |rows: &[Row], index: usize| -> Vec<Value> {
            rows.iter().map(|row| row.values[index]).collect()
        };
        let is_run = !measured.own.is_empty();
        let expectations = subject
            .expects
            .iter()
            .enumerate()
            .filter(|(_, expect)| is_run && (expect.min.is_some() || expect.max.is_some()));
        let expectations = expectations.map(|(index, expect)| {
            let unit = metric(expect).unit;
            judge::judged(expect, unit, &values(first, index), expect.stat, plan.seed)
        });
        let gates = subject.expects.iter().enumerate().filter_map(|(index, expect)| {
            let slack = expect.gate?.slack;
            let quantities = |rows: &[Row]| -> Vec<Quantity> {
                values(rows, index).into_iter().map(Quantity::from).collect()
            };
            let reference = match plan.source {
                Source::None => return None,
                Source::Policy(_) => quantities(&measured.reference),
                Source::Baseline { .. } => {
                    let stored = plan.source.gate(subject, expect)?;
                    stored.values.iter().take(measured.own.len()).cloned().collect()
                }
            };
            Some(GateResult {
                metric: expect.metric.clone(),
                unit: metric(expect).unit.to_owned(),
                fault: expect.fault.clone(),
                better: metric(expect).better.name().to_owned(),
                slack,
                values: quantities(&measured.own),
                reference,
                outcome: GateOutcome::none(),
            })
        });
        let reference_digest = match plan.source {
            Source::None => None,
            Source::Policy(_) => digest(self.first(&measured.reference)),
            Source::Baseline { .. } => plan.source.stored(subject).map(|s| s.digest.clone()),
        };
        Checked {
            place,
            scenario: subject.scenario.spec.name.clone(),
            file: subject.file.clone(),
            sets: subject.sets.clone(),
            policy: described(subject.policy.spec, &subject.policy.settings),
            scenario_digest: format!("{:016x}", subject.scenario.identity().digest()),
            digest: digest(first),
            reference_digest,
            replications: measured.own.len() as u32,
            verdict: if is_run { Verdict::NotApplicable } else { Verdict::NotRun },
            expectations: expectations.collect(),
            gates: gates.collect(),
            reproduce: subject.reproduce.clone(),
        }
    }

    /// The rows of the first look.
    fn first<'b>(&self, rows: &'b [Row]) -> &'b [Row] {
        &rows[..rows.len().min(self.plan.replications as usize)]
    }

    /// What was measured, as a baseline for later versions.
    pub fn baseline(&self) -> Baseline {
        let subject = |(subject, measured): (&Subject<'_>, &Measured)| {
            let gates = subject.expects.iter().enumerate();
            let gates = gates.filter(|(_, expect)| expect.gate.is_some());
            let gates = gates.map(|(index, expect)| BaselineGate {
                metric: expect.metric.clone(),
                fault: expect.fault.clone(),
                values: measured.own.iter().map(|row| row.values[index].into()).collect(),
            });
            let identity = subject.scenario.identity();
            BaselineSubject {
                scenario: subject.scenario.spec.name.clone(),
                scenario_digest: format!("{:016x}", identity.digest()),
                scenario_values: identity.lines().to_vec(),
                policy: described(subject.policy.spec, &subject.policy.settings),
                digest: digest(self.first(&measured.own)).unwrap_or_default(),
                gates: gates.collect(),
            }
        };
        let subjects = self.plan.subjects.iter().zip(&self.measured);
        let subjects = subjects.filter(|(subject, _)| subject.gates().next().is_some());
        Baseline {
            schema_version: BASELINE_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.plan.seed,
            replications: self.plan.replications,
            replications_max: self.looks.looks().last().map_or(0, |look| look.replications),
            subjects: subjects.map(subject).collect(),
        }
    }
}

/// Whether anything that is expected needs the oracle's run beside.
fn has_oracle(subject: &Subject<'_>) -> bool {
    subject.expects.iter().any(|expect| needs_oracle(metric(expect)))
}

fn digest(rows: &[Row]) -> Option<String> {
    let all = rows.iter().fold(0, |digest, row| mix(digest, row.digest));
    (!rows.is_empty()).then(|| format!("{all:016x}"))
}

fn metric(expect: &Expect) -> &'static Metric {
    catalog::find(&expect.metric).expect("expectations are read with the catalogue")
}
