//! What a ledger must not forget when its process ends: counts and what is under way.

use crate::engine::Time;

use super::counts::Counts;
use super::hold::Holds;
use super::ledger::Ledger;
use super::meter::Meter;
use super::plan::{Plan, PlanError};

/// The counts of a ledger at one moment. A ledger that is resumed from it goes on as if nothing had happened
/// since; what was charged after it was taken is lost, and nothing is charged twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    counts: Counts,
    holds: Holds,
    latest: u64,
}

impl Ledger {
    /// What it must not forget.
    pub fn state(&self) -> State {
        State { counts: self.counts.clone(), holds: self.holds.clone(), latest: self.latest }
    }

    /// A ledger over the plan that `state` was taken with, or one that differs in maxima only. Attempts that
    /// died with the process are [`Ledger::open`]: settle them if their answer is known, release them if not.
    ///
    /// # Errors
    /// [`PlanError`] if the plan cannot be, or has other limits.
    pub fn resume(plan: &Plan, state: &State) -> Result<Self, PlanError> {
        let mut ledger = Self::new(plan)?;
        let same =
            |(new, old): (&Meter, &Meter)| (new.kind(), new.clock()) == (old.kind(), old.clock());
        let (new, old) = (&ledger.counts, &state.counts);
        let is_alike = new.meters.len() == old.meters.len()
            && new.clocks.len() == old.clocks.len()
            && new.meters.iter().zip(&old.meters).all(same);
        if !is_alike {
            return Err(PlanError("the state was taken with other limits".to_owned()));
        }
        let maxima: Vec<u64> = new.meters.iter().map(|meter| meter.max).collect();
        ledger.counts = state.counts.clone();
        ledger.counts.meters.iter_mut().zip(maxima).for_each(|(meter, max)| meter.max = max);
        // Peers say again what they have used.
        ledger.counts.forget_peers();
        ledger.holds = state.holds.clone();
        ledger.latest = state.latest;
        Ok(ledger)
    }

    /// The latest moment that it was told of.
    pub const fn latest(&self) -> Time {
        Time(self.latest.saturating_sub(self.epoch))
    }
}
