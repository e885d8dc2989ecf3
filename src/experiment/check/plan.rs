//! What is to be checked.

use crate::engine::luck::{mix, name};
use crate::experiment::compare::Contender;
use crate::policy::PolicySpec;
use crate::record::check::Shard;
use crate::scenario::{Expect, Scenario};

use super::Source;

/// Probability that a check calls anything a regression although nothing is worse, at most.
pub const ALPHA: f64 = 0.01;

/// A scenario under a policy.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The world.
    pub scenario: &'a Scenario,
    /// Its file, as it was named.
    pub file: String,
    /// Overrides that were applied.
    pub sets: Vec<String>,
    /// Who routes.
    pub policy: Contender,
    /// What is expected, gates among it.
    pub expects: Vec<Expect>,
    /// The command that checks it alone.
    pub reproduce: String,
}

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct CheckPlan<'a> {
    /// Scenarios under policies, in their order; all of them, whichever part is run here.
    pub subjects: Vec<Subject<'a>>,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications of the first look, at least 1.
    pub replications: u32,
    /// Replications of the last look.
    pub replications_max: u32,
    /// What gates are compared with.
    pub source: Source<'a>,
    /// Other luck for the decisions of what is checked; 0 for the usual.
    pub luck_key: u64,
    /// Which part is run here.
    pub shard: Option<Shard>,
    /// Whether to stop at the first failure.
    pub fail_fast: bool,
}

impl Subject<'_> {
    /// The expectations of a scenario that concern a policy.
    pub fn expects(scenario: &Scenario, policy: &PolicySpec) -> Vec<Expect> {
        let concerns =
            |expect: &&Expect| expect.policy.as_ref().is_none_or(|name| name == policy.name);
        scenario.expects.iter().filter(concerns).cloned().collect()
    }

    /// Its gates.
    pub fn gates(&self) -> impl Iterator<Item = &Expect> {
        self.expects.iter().filter(|expect| expect.gate.is_some())
    }
}

impl CheckPlan<'_> {
    /// Gates of all subjects that have something to be compared with.
    pub fn gates(&self) -> usize {
        let of = |subject| self.source.compared(subject).count();
        self.subjects.iter().map(of).sum()
    }

    /// Whether the part that is run here has the subject at a place.
    pub fn is_here(&self, place: usize) -> bool {
        self.shard.is_none_or(|shard| place as u32 % shard.of == shard.index - 1)
    }

    /// A digest of all that decides the result; parts of one check share it.
    pub fn digest(&self) -> u64 {
        let mut digest = name(env!("CARGO_PKG_VERSION"));
        let mut add = |text: &str| digest = mix(digest, name(text));
        for subject in &self.subjects {
            add(&format!(
                "{} {:016x}",
                subject.scenario.spec.name,
                subject.scenario.identity().digest()
            ));
            add(&format!("{} {:?}", subject.policy.label, subject.expects));
            for (param, value) in subject.policy.settings.iter() {
                add(&format!("{}={:x}", param.id, value.to_bits()));
            }
            for gate in self.source.compared(subject) {
                add(&gate);
            }
        }
        add(&format!(
            "{} {} {} {}",
            self.seed, self.replications, self.replications_max, self.luck_key
        ));
        digest
    }
}
