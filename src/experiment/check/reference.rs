//! What gates are compared with: a stored run, or another policy that runs beside.

use thiserror::Error;

use crate::experiment::compare::Contender;
use crate::experiment::described;
use crate::record::baseline::{Baseline, BaselineGate, BaselineSubject};
use crate::record::check::Reference;
use crate::scenario::{Expect, Identity};

use super::{CheckPlan, Subject};

/// What gates are compared with.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Nothing: expectations alone.
    None,
    /// A stored run of an earlier version.
    Baseline {
        /// Its file, as it was named.
        file: &'a str,
        /// What is in it.
        baseline: &'a Baseline,
    },
    /// Another policy.
    Policy(&'a Contender),
}

/// Why a baseline cannot be compared with.
#[derive(Debug, Error, PartialEq)]
pub enum Refused {
    /// Another world.
    #[error(
        "scenario `{scenario}` is not the one of the baseline {file}: {}; \
         `--update` writes the baseline anew",
        .changes.join("; ")
    )]
    Scenario {
        /// Its name.
        scenario: String,
        /// The baseline.
        file: String,
        /// What is different.
        changes: Vec<String>,
    },
    /// Another policy.
    #[error(
        "the baseline {file} has scenario `{scenario}` under {}, not under `{policy}`; \
         choose with --policy, or `--update` writes it anew",
        .known.join(", ")
    )]
    Policy {
        /// Name of the scenario.
        scenario: String,
        /// The baseline.
        file: String,
        /// Who was to be checked.
        policy: String,
        /// Who is in the baseline.
        known: Vec<String>,
    },
    /// Other random numbers.
    #[error(
        "the baseline {file} has {what} {then}, and this check has {now}: they would not meet the same \
         luck; leave the option out, or `--update` writes the baseline anew"
    )]
    Numbers {
        /// The baseline.
        file: String,
        /// `seed` or `first look`.
        what: &'static str,
        /// Of the baseline.
        then: u64,
        /// Of the check.
        now: u64,
    },
}

impl<'a> Source<'a> {
    /// For the record.
    pub fn described(&self) -> Option<Reference> {
        match self {
            Self::None => None,
            Self::Baseline { file, baseline } => Some(Reference::Baseline {
                file: (*file).to_owned(),
                tool_version: baseline.tool_version.clone(),
            }),
            Self::Policy(policy) => Some(Reference::Policy { policy: policy.label.clone() }),
        }
    }

    /// The baseline's entry of a subject.
    pub(super) fn stored(&self, subject: &Subject<'_>) -> Option<&'a BaselineSubject> {
        let Self::Baseline { baseline, .. } = self else { return None };
        let policy = described(subject.policy.spec, &subject.policy.settings);
        baseline.find(&subject.scenario.spec.name, &policy)
    }

    /// The stored values of a gate.
    pub(super) fn gate(&self, subject: &Subject<'_>, gate: &Expect) -> Option<&'a BaselineGate> {
        let is_it =
            |stored: &&BaselineGate| stored.metric == gate.metric && stored.fault == gate.fault;
        self.stored(subject)?.gates.iter().find(is_it)
    }

    /// The gates of a subject that there is something to compare with, by name.
    pub(super) fn compared(&self, subject: &Subject<'_>) -> impl Iterator<Item = String> {
        let is_compared = |gate: &&Expect| match self {
            Self::None => false,
            Self::Baseline { .. } => self.gate(subject, gate).is_some(),
            Self::Policy(_) => true,
        };
        let named = |gate: &Expect| format!("{} {:?}", gate.metric, gate.fault);
        subject.gates().filter(is_compared).map(named).collect::<Vec<_>>().into_iter()
    }
}

impl CheckPlan<'_> {
    /// Whether the baseline, if there is one, can be compared with: what cannot be compared but harms nothing
    /// is told.
    ///
    /// # Errors
    /// [`Refused`], if a comparison would be of two worlds, or of other luck.
    pub fn comparable(&self) -> Result<Vec<String>, Refused> {
        let Source::Baseline { file, baseline } = self.source else { return Ok(Vec::new()) };
        let file = file.to_owned();
        let numbers = [
            ("seed", baseline.seed, self.seed),
            ("first look", u64::from(baseline.replications), u64::from(self.replications)),
        ];
        if let Some((what, then, now)) = numbers.into_iter().find(|(_, then, now)| then != now) {
            return Err(Refused::Numbers { file, what, then, now });
        }
        let mut notes = Vec::new();
        if baseline.tool_version != env!("CARGO_PKG_VERSION") {
            notes.push(format!(
                "the baseline is by windtunnel {}, this is {}: a difference may be the tool's; \
                 --against runs both sides with one tool",
                baseline.tool_version,
                env!("CARGO_PKG_VERSION")
            ));
        }
        for subject in &self.subjects {
            let scenario = &subject.scenario.spec.name;
            let of_scenario = |stored: &&BaselineSubject| stored.scenario == *scenario;
            let Some(stored) = self.source.stored(subject) else {
                let known = baseline.subjects.iter().filter(of_scenario);
                let known: Vec<_> = known.map(|stored| format!("`{}`", stored.policy)).collect();
                if subject.gates().next().is_none() {
                    continue;
                }
                if known.is_empty() {
                    notes.push(format!(
                        "scenario `{scenario}` is not in the baseline: its gates are not compared; \
                         --update adds it"
                    ));
                    continue;
                }
                let policy = described(subject.policy.spec, &subject.policy.settings);
                return Err(Refused::Policy { scenario: scenario.clone(), file, policy, known });
            };
            let identity = subject.scenario.identity();
            if stored.scenario_digest != format!("{:016x}", identity.digest()) {
                let then = Identity::from_lines(stored.scenario_values.clone());
                let changes = identity.changes(&then);
                return Err(Refused::Scenario { scenario: scenario.clone(), file, changes });
            }
            for gate in subject.gates().filter(|gate| self.source.gate(subject, gate).is_none()) {
                notes.push(format!(
                    "gate `{}` of `{scenario}` is not in the baseline: it is not compared; --update \
                     adds it",
                    gate.metric
                ));
            }
        }
        Ok(notes)
    }
}
