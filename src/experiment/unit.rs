//! The unit of work: one run that depends on nothing but what it names, so that it may be done by anybody, in
//! any order, twice.
//!
//! Comparisons, sweeps and campaigns are lists of units. A unit's id is a hash of all that decides its result;
//! its result is a row of a few numbers, rounded once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use rayon::prelude::*;

use crate::engine::luck::{mix, name};
use crate::engine::{Settings, Span, Time};
use crate::metrics::{Metric, Tape};
use crate::policy::PolicySpec;
use crate::record::StoreError;
use crate::record::journal::UnitId;
use crate::record::run_row::RunRow;
use crate::scenario::Scenario;
use crate::sim::spec::Arrivals;
use crate::sim::{Replication, bound};

use super::measure::worst;
use super::progress::Progress;
use super::run::{RunError, RunPlan, seed_of, tape};

/// Bins of the goodput curve: from 30 s before the onset of the first fault to 150 s after it, 5 s each.
pub const BIN_S: u64 = 5;
/// Bins before the onset.
pub const BINS_BEFORE: u64 = 6;
/// Bins from the onset on.
pub const BINS_AFTER: u64 = 30;

/// One independent, deterministic run.
#[derive(Clone, Copy, Debug)]
pub struct Unit<'a> {
    /// The world, overrides in it.
    pub scenario: &'a Scenario,
    /// Who routes.
    pub policy: &'static PolicySpec,
    /// With which parameters, those of layers around it among them.
    pub settings: &'a Settings,
    /// Seed of the first replication.
    pub seed: u64,
    /// Which replication, of how many: fault phases are spread over all of them.
    pub replication: Replication,
    /// What is kept of it.
    pub keep: Keep<'a>,
}

/// What is kept of a run.
#[derive(Clone, Copy, Debug)]
pub struct Keep<'a> {
    /// One value a metric: the worst, where it has one a fault.
    pub metrics: &'a [&'static Metric],
    /// How many requests anybody could have made good. It belongs to the world, not to the policy, so one unit of
    /// a world computes it.
    pub bound: bool,
    /// Goodput around the onset of the first fault.
    pub curve: bool,
}

impl Unit<'_> {
    /// A hash of all that decides the result, this version of the program included. Where the scenario file lies
    /// is not part of it.
    pub fn id(&self) -> UnitId {
        let mut id = name(concat!("windtunnel ", env!("CARGO_PKG_VERSION")));
        let mut add = |text: &str| id = mix(id, name(text));
        add(&self.scenario.spec.name);
        add(&self.scenario.source);
        for class in &self.scenario.spec.classes {
            if let Arrivals::Trace(replay) = &class.arrivals {
                add(&format!("{:?}", replay.facts));
            }
        }
        add(self.policy.name);
        for (param, value) in self.settings.iter() {
            add(param.id);
            add(&format!("{:x}", value.to_bits()));
        }
        let Replication { index, of } = self.replication;
        add(&format!("seed {} replication {index}/{of}", self.seed));
        add(&format!("bound {} curve {}", self.keep.bound, self.keep.curve));
        for metric in self.keep.metrics {
            add(metric.id);
        }
        UnitId(id)
    }

    /// Runs it.
    ///
    /// # Errors
    /// A [`RunError`].
    pub fn run(&self, progress: &dyn Progress) -> Result<RunRow, RunError> {
        let spec = &self.scenario.spec;
        let plan = RunPlan {
            scenario: self.scenario,
            policy: self.policy,
            settings: self.settings,
            seed: self.seed,
            replications: self.replication.of,
        };
        let tape = tape(&plan, self.replication.index, progress)?;
        let seed = seed_of(self.seed, self.replication.index);
        let bound = self.keep.bound.then(|| bound::good(spec, seed, self.replication)).flatten();
        let worst = |metric: &&'static Metric| worst(metric, &metric.values(&tape, &spec.pool));
        let onset = tape.faults.iter().map(|fault| fault.start).min();
        Ok(RunRow {
            digest: tape.digest,
            onset_s: onset.map_or(0.0, Time::as_secs_f64),
            offered: tape.totals.offered,
            good: tape.totals.good,
            bound,
            values: self.keep.metrics.iter().map(worst).collect(),
            curve: if self.keep.curve { curve(&tape) } else { Vec::new() },
        }
        .rounded())
    }
}

/// A list of units, in the order of its results.
pub trait Units: Sync {
    /// Their ids; two that ask for the same run are equal.
    fn ids(&self) -> Vec<UnitId>;

    /// Which one it is, for people.
    fn what(&self, index: usize) -> String;

    /// Virtual time of one.
    fn length(&self, index: usize) -> Span;

    /// Runs one.
    ///
    /// # Errors
    /// A [`RunError`].
    fn run(&self, index: usize, progress: &dyn Progress) -> Result<RunRow, RunError>;
}

impl<T: Units + ?Sized> Units for &T {
    fn ids(&self) -> Vec<UnitId> {
        (**self).ids()
    }

    fn what(&self, index: usize) -> String {
        (**self).what(index)
    }

    fn length(&self, index: usize) -> Span {
        (**self).length(index)
    }

    fn run(&self, index: usize, progress: &dyn Progress) -> Result<RunRow, RunError> {
        (**self).run(index, progress)
    }
}

/// Takes a finished unit: id, which it is, and its row.
pub type Keeper<'a> = &'a (dyn Fn(UnitId, &str, &RunRow) -> Result<(), StoreError> + Sync);

/// Runs the units at `which` that are not in `done`, in parallel; each goes to `keep` as it ends (in any order),
/// and all come back.
///
/// # Errors
/// A [`RunError`]; what was not begun by then is not run, and what was kept is kept.
pub fn complete(
    units: &dyn Units,
    which: &[usize],
    done: BTreeMap<UnitId, RunRow>,
    keep: Keeper<'_>,
    progress: &dyn Progress,
) -> Result<BTreeMap<UnitId, RunRow>, RunError> {
    let ids = units.ids();
    let mut seen = BTreeSet::new();
    let is_new = |index: &&usize| !done.contains_key(&ids[**index]) && seen.insert(ids[**index]);
    let missing: Vec<usize> = which.iter().filter(is_new).copied().collect();
    let all = Mutex::new(done);
    // Small pieces, so that no thread is left with a long tail.
    missing.par_iter().with_max_len(1).try_for_each(|&index| {
        let row = units.run(index, progress)?;
        keep(ids[index], &units.what(index), &row)?;
        all.lock().expect("nobody panics with it").insert(ids[index], row);
        Ok::<(), RunError>(())
    })?;
    Ok(all.into_inner().expect("nobody panics with it"))
}

/// (offered, good) by arrival, in bins around the onset of the first fault.
fn curve(tape: &Tape) -> Vec<(u32, u32)> {
    let Some(onset) = tape.faults.iter().map(|fault| fault.start).min() else { return Vec::new() };
    let bin = Span::from_secs(BIN_S).0;
    let mut curve = vec![(0, 0); (BINS_BEFORE + BINS_AFTER) as usize];
    for (index, arrivals) in tape.arrivals.iter().enumerate() {
        let at = index as u64 * tape.bin.0 + BINS_BEFORE * bin;
        let Some(since) = at.checked_sub(onset.0) else { continue };
        if let Some(slot) = curve.get_mut((since / bin) as usize) {
            slot.0 += arrivals.offered;
            slot.1 += arrivals.good;
        }
    }
    curve
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Silent;
    use crate::metrics::catalog;
    use crate::scenario;

    const TEXT: &str = "rps = 50\nduration = \"5s\"\npolicy = \"random\"\n[provider]\n\
                        a = { profile = \"plain\" }\nb = { profile = \"plain\" }\n";

    fn scenario(name: &str, sets: &[&str]) -> Scenario {
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        scenario::parse(name, TEXT, "".as_ref(), &sets).unwrap()
    }

    fn id(scenario: &Scenario, seed: u64, replication: (u32, u32), metrics: &[&str]) -> UnitId {
        let metrics: Vec<_> = metrics.iter().map(|id| catalog::find(id).unwrap()).collect();
        unit(scenario, seed, replication, &metrics).id()
    }

    fn unit<'a>(
        scenario: &'a Scenario,
        seed: u64,
        (index, of): (u32, u32),
        metrics: &'a [&'static Metric],
    ) -> Unit<'a> {
        Unit {
            scenario,
            policy: scenario.policy.spec,
            settings: &scenario.policy.settings,
            seed,
            replication: Replication { index, of },
            keep: Keep { metrics, bound: false, curve: false },
        }
    }

    #[test]
    fn an_id_changes_with_all_that_decides_the_result_and_with_nothing_else() {
        let one = scenario("x/one.toml", &[]);
        let of = |scenario: &Scenario| id(scenario, 1, (0, 4), &["flaps"]);
        assert_eq!(of(&one), of(&scenario("y/one.toml", &[])), "where the file lies is nothing");
        let others = [
            of(&scenario("x/two.toml", &[])),
            of(&scenario("x/one.toml", &["rps=51"])),
            of(&scenario("x/one.toml", &["policy=round-robin"])),
            of(&scenario("x/one.toml", &["policy.layer.budget=10%"])),
            id(&one, 2, (0, 4), &["flaps"]),
            id(&one, 1, (1, 4), &["flaps"]),
            id(&one, 1, (0, 5), &["flaps"]),
            id(&one, 1, (0, 4), &["overshoot"]),
        ];
        let all: BTreeSet<UnitId> = others.into_iter().chain([of(&one)]).collect();
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn a_row_is_what_the_journal_reads_back() {
        use crate::record::journal::Columns;
        let one = scenario("one.toml", &[]);
        let metrics = crate::experiment::compare::metrics();
        let unit = unit(&one, 1, (0, 1), &metrics);
        let row = unit.run(&Silent).unwrap();
        let columns = Columns::new(metrics.iter().map(|metric| metric.id));
        let line = columns.line(unit.id(), "one", &row);
        assert_eq!(columns.parse(&line), Some((unit.id(), row)));
    }
}
