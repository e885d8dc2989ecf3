//! What is said about a metric: its unit, its formula, which way is better, and how it is computed.

use crate::policy::Pool;

use super::tape::Tape;
use super::value::Value;

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name in files and on the command line.
    pub id: &'static str,
    /// Symbol in formulas and column heads.
    pub symbol: &'static str,
    /// Unit, empty for a pure number.
    pub unit: &'static str,
    /// How it is computed, in words.
    pub formula: &'static str,
    /// Which way is better.
    pub better: Direction,
    /// What it tells, and what to beware of.
    pub doc: &'static str,
    /// How it is computed, in code.
    pub measure: Measure,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Less.
    Lower,
    /// More.
    Higher,
    /// Neither: it describes.
    Neither,
}

/// How a metric is computed from what a run left.
#[derive(Clone, Copy, Debug)]
pub enum Measure {
    /// One value a run.
    Run(fn(&Tape) -> Value),
    /// One value a run, with the configuration.
    Pooled(fn(&Tape, &Pool) -> Value),
    /// One value a fault, by its index.
    Fault(fn(&Tape, usize) -> Value),
    /// One time a fault, which may be censored.
    Time {
        /// The time, in seconds.
        of: fn(&Tape, usize) -> Value,
        /// The longest time that is observed, in seconds. It depends on scenario and seed, never on
        /// the policy.
        window_s: fn(&Tape, usize) -> f64,
    },
    /// One value a pair of runs with one seed: the policy's, and the oracle's.
    Against(fn(&Tape, &Tape) -> Value),
}

impl Direction {
    /// `lower`, `higher` or `neither`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Neither => "neither",
        }
    }
}

impl Metric {
    /// Its values in one run: one a fault for metrics of faults, else one. None for
    /// [`Measure::Against`].
    pub fn values(&self, tape: &Tape, pool: &Pool) -> Vec<Value> {
        let faults = 0..tape.faults.len();
        match self.measure {
            Measure::Run(of) => vec![of(tape)],
            Measure::Pooled(of) => vec![of(tape, pool)],
            Measure::Fault(of) | Measure::Time { of, .. } => faults.map(|f| of(tape, f)).collect(),
            Measure::Against(_) => Vec::new(),
        }
    }

    /// Whether it has one value a fault.
    pub const fn is_per_fault(&self) -> bool {
        matches!(self.measure, Measure::Fault(_) | Measure::Time { .. })
    }
}
