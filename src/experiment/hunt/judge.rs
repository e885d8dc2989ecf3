//! How much a schedule hurts.

use crate::metrics::metric::Direction;
use crate::metrics::{Metric, Tape, Value, catalog};
use crate::policy::oracle;
use crate::scenario::{self, Scenario};

use crate::experiment::compare::Contender;
use crate::experiment::measure::{measured, needs_oracle};
use crate::experiment::progress::Progress;
use crate::experiment::run::{RunError, RunPlan, tape};

/// What hurting means.
#[derive(Clone, Copy, Debug)]
pub struct By(pub &'static Metric);

impl By {
    /// The metric of this name, if a hunt can go by it.
    ///
    /// # Errors
    /// What is wrong, and what exists.
    pub fn of(id: &str) -> Result<Self, String> {
        let names: Vec<&str> = catalog::METRICS
            .iter()
            .filter(|metric| metric.better != Direction::Neither)
            .map(|metric| metric.id)
            .collect();
        let found = catalog::find(id).filter(|metric| names.contains(&metric.id));
        found.map(Self).ok_or_else(|| {
            format!("no metric `{id}` to go by: {}", scenario::suggest::help(id, &names))
        })
    }

    /// Runs that judging one schedule takes: some metrics need the oracle's too.
    pub const fn runs(self) -> u64 {
        if needs_oracle(self.0) { 2 } else { 1 }
    }

    /// Harm as a number: the more the worse. A time not reached counts as the time watched.
    pub(super) fn harm(self, value: Value) -> Option<f64> {
        let number = match value {
            Value::Known(number) | Value::Censored { at_s: number } => number,
            Value::Undefined { .. } => return None,
        };
        Some(if self.0.better == Direction::Higher { -number } else { number })
    }
}

/// What one run of a schedule gave.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// The metric.
    pub(super) value: Value,
    /// The same as harm.
    pub(super) harm: f64,
    /// The run.
    pub(super) tape: Tape,
}

/// Runs the text of a scenario. `None` where it is no scenario (a kind that the world has no limits for) or
/// has no such metric.
pub(super) fn judge(
    text: &str,
    policy: &Contender,
    by: By,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Option<Judged>, RunError> {
    let Some(scenario) = read(text) else { return Ok(None) };
    let tape = run(&scenario, policy, seed, progress)?;
    let oracle = if needs_oracle(by.0) {
        Some(run(&scenario, &Contender::of(&oracle::SPEC), seed, progress)?)
    } else {
        None
    };
    let value = measured(by.0, &tape, oracle.as_ref(), &scenario.spec.pool);
    Ok(by.harm(value).map(|harm| Judged { value, harm, tape }))
}

/// Runs the text of a scenario, without the oracle.
pub(super) fn watch(
    text: &str,
    policy: &Contender,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Option<Tape>, RunError> {
    read(text).map(|scenario| run(&scenario, policy, seed, progress)).transpose()
}

fn read(text: &str) -> Option<Scenario> {
    scenario::parse("found.toml", text, std::path::Path::new(""), &[]).ok()
}

fn run(
    scenario: &Scenario,
    policy: &Contender,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Tape, RunError> {
    let (spec, settings) = (policy.spec, &policy.settings);
    tape(&RunPlan { scenario, policy: spec, settings, seed, replications: 1 }, 0, progress)
}
