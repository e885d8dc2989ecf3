//! The search: drawn schedules first, then changes of the worst.

use std::collections::BTreeMap;

use rayon::prelude::*;
use thiserror::Error;

use crate::engine::luck::{mix, name};
use crate::experiment::compare::Contender;
use crate::experiment::progress::Progress;
use crate::experiment::run::{RunError, described};
use crate::metrics::Value;
use crate::record::hunt::{Found, HUNT_VERSION, Hunt, KindFound, Phase};
use crate::scenario::Scenario;

use super::breed::Ground;
use super::draft::Base;
use super::judge::{By, Judged, judge};
use super::look;
use super::schedule::Schedule;
use super::shrink;

/// What to hunt.
#[derive(Clone, Copy, Debug)]
pub struct HuntPlan<'a> {
    /// The world; its own faults are left out.
    pub scenario: &'a Scenario,
    /// Whom to hurt.
    pub policy: &'a Contender,
    /// What hurting means.
    pub by: By,
    /// Kinds of fault to try; all where none is named.
    pub kinds: &'a [String],
    /// Seed of the search and of its runs.
    pub seed: u64,
    /// Schedules to try before shrinking.
    pub budget: u32,
    /// How many of the worst to shrink, each of another kind.
    pub keep: u32,
}

/// What a hunt brings home.
#[derive(Clone, Debug)]
pub struct Catch {
    /// The record.
    pub hunt: Hunt,
    /// Scenario files by name, in the order of the record.
    pub files: Vec<(String, String)>,
}

/// Why a hunt brought nothing.
#[derive(Debug, Error)]
pub enum HuntError {
    /// The scenario cannot be hunted in.
    #[error("{0}")]
    Ground(String),
    /// A run failed; the text is the scenario that it failed on.
    #[error("{error}")]
    Run {
        /// Why.
        error: RunError,
        /// The scenario.
        text: String,
    },
}

/// Schedules that are bred from the same knowledge and judged together (our choice).
const BATCH: usize = 12;

/// A judged schedule.
#[derive(Clone, Debug)]
pub(super) struct Prey {
    pub(super) schedule: Schedule,
    pub(super) value: Value,
    pub(super) harm: f64,
}

/// A hunt under way.
pub(super) struct Hunter<'a> {
    pub(super) plan: &'a HuntPlan<'a>,
    pub(super) base: Base,
    pub(super) ground: Ground,
    /// Harm without any fault: what a schedule adds to it is its own.
    pub(super) calm: f64,
    pub(super) progress: &'a dyn Progress,
}

/// Hunts.
///
/// # Errors
/// [`HuntError`].
pub fn hunt(plan: &HuntPlan<'_>, progress: &dyn Progress) -> Result<Catch, HuntError> {
    let base = Base::new(plan.scenario, plan.policy, plan.seed).map_err(HuntError::Ground)?;
    let pool = &plan.scenario.spec.pool;
    let ground = Ground::new(pool, plan.kinds, base.horizon_s, base.has_load());
    if ground.is_empty() {
        let what =
            "the world has no place for these kinds of fault: a `regional` fault needs regions";
        return Err(HuntError::Ground(what.to_owned()));
    }
    let mut hunter = Hunter { plan, base, ground, calm: 0.0, progress };
    // Metrics of faults have no value here: without a fault there is no harm.
    let nothing = Schedule { load: 100, strikes: Vec::new() };
    hunter.calm = hunter.judge(&nothing, plan.seed)?.map_or(0.0, |judged| judged.harm);
    let (best, tried) = hunter.search()?;
    let mut worst: Vec<(Prey, Vec<Phase>)> = Vec::new();
    for prey in best.into_values().filter(|prey| prey.harm > hunter.calm) {
        worst.push(look::all_phases(&hunter, &prey)?);
    }
    worst.sort_by(|(a, _), (b, _)| order(b, a));
    // What is walked into again and again shows in every kind, not only in those that are shrunk: the worst by
    // the metric need not be the one with a period.
    let kinds: Result<Vec<KindFound>, HuntError> = worst
        .par_iter()
        .map(|(prey, phases)| {
            Ok(KindFound {
                kind: prey.schedule.class().to_owned(),
                worst: prey.value.into(),
                phases: phases.clone(),
                returns: look::long_look(&hunter, &prey.schedule)?,
            })
        })
        .collect();
    let kinds = kinds?;
    worst.truncate(plan.keep as usize);
    let caught: Vec<Result<(Found, String), HuntError>> =
        worst.par_iter().map(|(prey, _)| hunter.bring_home(prey)).collect();
    let mut found = Vec::new();
    let mut files = Vec::new();
    for caught in caught {
        let (one, text) = caught?;
        files.push((one.file.clone(), text));
        found.push(one);
    }
    let by = plan.by.0;
    let hunt = Hunt {
        schema_version: HUNT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: plan.seed,
        scenario: plan.scenario.spec.name.clone(),
        policy: described(plan.policy.spec, &plan.policy.settings),
        by: by.id.to_owned(),
        unit: by.unit.to_owned(),
        schedules: tried,
        kinds,
        found,
    };
    Ok(Catch { hunt, files })
}

/// By harm, then the smaller schedule; a total order.
fn order(a: &Prey, b: &Prey) -> std::cmp::Ordering {
    a.harm.total_cmp(&b.harm).then(b.schedule.size().cmp(&a.schedule.size()))
}

impl Hunter<'_> {
    /// The worst schedule of each class, and how many were tried.
    fn search(&mut self) -> Result<(BTreeMap<&'static str, Prey>, u32), HuntError> {
        let budget = self.plan.budget as usize;
        let drawn = (budget / 2).max(self.ground.kinds());
        let mut best: BTreeMap<&'static str, Prey> = BTreeMap::new();
        let mut worked: BTreeMap<&'static str, bool> = BTreeMap::new();
        let mut nth = 0;
        while nth < budget && !self.ground.is_empty() {
            let batch: Vec<Schedule> =
                (nth..(nth + BATCH).min(budget)).map(|nth| self.breed(nth, drawn, &best)).collect();
            let judged = self.all(&batch, self.plan.seed)?;
            nth += batch.len();
            for (schedule, judged) in batch.into_iter().zip(judged) {
                let kind = schedule.strikes[0].kind.label;
                *worked.entry(kind).or_insert(false) |= judged.is_some();
                let Some(Judged { value, harm, .. }) = judged else { continue };
                let prey = Prey { schedule, value, harm };
                let class = prey.schedule.class();
                if best.get(class).is_none_or(|known| order(known, &prey).is_lt()) {
                    best.insert(class, prey);
                }
            }
            // What the world has refused so far it will refuse again.
            for (kind, worked) in &worked {
                if !worked {
                    self.ground.without(kind);
                }
            }
        }
        Ok((best, nth as u32))
    }

    fn breed(&self, nth: usize, drawn: usize, best: &BTreeMap<&'static str, Prey>) -> Schedule {
        let luck = mix(mix(self.plan.seed, name("hunt")), nth as u64);
        if nth < drawn || best.is_empty() {
            return self.ground.draw(luck, nth);
        }
        let mut worst: Vec<&Prey> = best.values().collect();
        worst.sort_by(|a, b| order(b, a));
        // Every second child is of one of the three worst; the others give every kind its turn.
        let turn = (nth - drawn) / 2;
        let parent =
            if nth.is_multiple_of(2) { turn % worst.len().min(3) } else { turn % worst.len() };
        self.ground.changed(&worst[parent].schedule, luck)
    }

    /// Judges schedules in parallel; results in their order.
    pub(super) fn all(
        &self,
        schedules: &[Schedule],
        seed: u64,
    ) -> Result<Vec<Option<Judged>>, HuntError> {
        let judged: Vec<_> =
            schedules.par_iter().map(|schedule| self.judge(schedule, seed)).collect();
        judged.into_iter().collect()
    }

    /// Judges one schedule.
    pub(super) fn judge(
        &self,
        schedule: &Schedule,
        seed: u64,
    ) -> Result<Option<Judged>, HuntError> {
        let text = self.base.text(schedule);
        judge(&text, self.plan.policy, self.plan.by, seed, self.progress)
            .map_err(|error| HuntError::Run { error, text })
    }

    /// Looks for the worst phase, shrinks, and looks at what is left.
    fn bring_home(&self, prey: &Prey) -> Result<(Found, String), HuntError> {
        let prey = look::nearby(self, prey)?;
        let least = shrink::shrink(self, &prey)?;
        look::found(self, &prey, &least)
    }
}
