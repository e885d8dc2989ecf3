//! What came of a search, as a record.

use crate::engine::Settings;
use crate::experiment::run::described;
use crate::metrics::Metric;
use crate::metrics::metric::Direction;
use crate::record::significant;
use crate::record::tuning::{
    Fate, HeldOut, Objective, Proof, Reference, Searched, TUNING_VERSION, Trial, Tuning, Verdict,
};

use super::axes::Axis;
use super::front::Row;
use super::proof::{Pairs, proof};
use super::search::{Plan, Tried, means};

/// Runs of the start, the reference and the recommended candidate on one course.
pub(super) struct Sides<'a> {
    pub(super) start: &'a [Row],
    pub(super) reference: Option<&'a [Row]>,
    pub(super) candidate: &'a [Row],
    pub(super) scenarios: usize,
}

impl<'a> Sides<'a> {
    fn against(&self, reference: &'a [Row]) -> Pairs<'a> {
        Pairs { start: reference, candidate: self.candidate, scenarios: self.scenarios }
    }
}

/// What came of a search.
pub(super) struct Found<'a> {
    pub(super) plan: &'a Plan<'a>,
    /// Every candidate, the start first.
    pub(super) all: &'a [Tried],
    /// Which of them are on the front.
    pub(super) on_front: &'a [usize],
    /// Which of them is recommended.
    pub(super) chosen: usize,
    /// Whether it is no worse in the search than the reference, or else the start.
    pub(super) no_worse: bool,
    pub(super) search: Sides<'a>,
    pub(super) held_out: Sides<'a>,
    /// Of the events of all runs.
    pub(super) digest: u64,
}

impl Found<'_> {
    /// The record.
    pub(super) fn record(&self) -> Tuning {
        let plan = self.plan;
        let recommended = &self.all[self.chosen].settings;
        let mut tuning = Tuning {
            schema_version: TUNING_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: plan.seed,
            policy: described(plan.policy, plan.start),
            product: plan.product.map(|product| product.name.to_owned()),
            scenarios: plan.names(&plan.split.search),
            replications: plan.replications,
            held_out: HeldOut {
                scenarios: plan.names(&plan.split.held_out),
                families: plan.split.families.clone(),
                seed: plan.seed_held_out(),
                replications: plan.replications_held_out(),
                hash: plan.head().held_out,
            },
            objectives: plan.objectives.iter().map(|metric| objective(metric)).collect(),
            parameters: plan
                .axes
                .iter()
                .map(|axis| searched_axis(plan, axis, recommended))
                .collect(),
            trials: self.trials(),
            knee: self.all[self.chosen].number,
            knee_because: self.because(),
            proof: self.proofs(self.search.start, self.held_out.start),
            reference: self.reference(),
            digest: format!("{:016x}", self.digest),
            warnings: Vec::new(),
        };
        tuning.warnings = self.warnings(&tuning);
        tuning
    }

    /// Whom the recommendation is to be no worse than.
    fn bar(&self) -> String {
        self.plan.against.map_or("the start".to_owned(), |policy| format!("`{}`", policy.label))
    }

    fn because(&self) -> String {
        let bar = self.bar();
        if self.no_worse {
            format!(
                "nearest to the best of every objective, among those of the front that are no worse than {bar} in any"
            )
        } else {
            format!(
                "nearest to the best of every objective on the front; none is no worse than {bar} in all of them"
            )
        }
    }

    /// The recommended candidate against somebody, objective by objective.
    fn proofs(&self, search: &[Row], held_out: &[Row]) -> Vec<Proof> {
        let (search, held_out) = (self.search.against(search), self.held_out.against(held_out));
        let objectives = self.plan.objectives.iter().enumerate();
        objectives.map(|(at, metric)| proof(metric, at, &search, &held_out)).collect()
    }

    fn reference(&self) -> Option<Reference> {
        let (search, held_out) = (self.search.reference?, self.held_out.reference?);
        Some(Reference {
            policy: self.plan.against?.label.clone(),
            objectives: shown(self.plan, search),
            proof: self.proofs(search, held_out),
        })
    }

    fn trials(&self) -> Vec<Trial> {
        let plan = self.plan;
        let trial = |(at, tried): (usize, &Tried)| {
            let value = |axis: &Axis| {
                let param = plan.start.param(axis.id).expect("axes are of its table");
                (axis.id.to_owned(), param.show(tried.settings.get(axis.id)))
            };
            Trial {
                number: tried.number,
                parameters: plan.axes.iter().map(value).collect(),
                objectives: shown(plan, &tried.rows),
                runs: tried.rows.len() as u32,
                fate: tried.fate.unwrap_or(if self.on_front.contains(&at) {
                    Fate::Front
                } else {
                    Fate::Dominated
                }),
            }
        };
        self.all.iter().enumerate().map(trial).collect()
    }

    fn warnings(&self, tuning: &Tuning) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.plan.split.families.is_empty() {
            let what =
                "only seeds are held out, no scenario: give scenarios of several kinds of fault";
            warnings.push(what.to_owned());
        }
        if tuning.knee == 0 {
            let what = "no candidate of the front is to be had at no loss: the start stays";
            warnings.push(what.to_owned());
        }
        if !self.no_worse {
            let bar = self.bar();
            warnings.push(format!(
                "nothing on the front is no worse than {bar} in every objective: see what got worse"
            ));
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
        warnings.extend(self.doubts("the start", &tuning.proof));
        if let Some(reference) = &tuning.reference {
            warnings.extend(self.doubts(&self.bar(), &reference.proof));
        }
        warnings
    }

    /// Where the search promised more than it kept.
    fn doubts(&self, whom: &str, proofs: &[Proof]) -> Vec<String> {
        let of = |end: Option<f64>| end.map_or("?".to_owned(), |end| end.to_string());
        let doubt = |(proof, metric): (&Proof, &&'static Metric)| {
            let held = &proof.held_out;
            let interval = format!("{} [{}, {}]", of(held.difference), of(held.low), of(held.high));
            match proof.verdict {
                Verdict::Worse => Some(format!(
                    "{}: worse than {whom} on what the search never saw, by {interval}",
                    proof.objective
                )),
                Verdict::Undecided | Verdict::Unknown
                    if is_gain(metric, proof.search.difference) =>
                {
                    Some(format!(
                        "{}: the gain of the search on {whom} ({}) is not shown on what it never saw: {interval}",
                        proof.objective,
                        of(proof.search.difference)
                    ))
                }
                _ => None,
            }
        };
        proofs.iter().zip(self.plan.objectives).filter_map(doubt).collect()
    }
}

/// Means of all objectives as the record has them.
fn shown(plan: &Plan<'_>, rows: &[Row]) -> Vec<Option<f64>> {
    let means = means(plan, rows).into_iter().zip(plan.objectives);
    let shown = means.map(|(mean, metric)| {
        let sign = if metric.better == Direction::Higher { -1.0 } else { 1.0 };
        (mean.is_finite() && !rows.is_empty()).then(|| significant(sign * mean))
    });
    shown.collect()
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

/// Whether a difference is for the better.
fn is_gain(metric: &Metric, difference: Option<f64>) -> bool {
    difference.is_some_and(|d| if metric.better == Direction::Higher { d > 0.0 } else { d < 0.0 })
}
