//! How far a policy's place hangs on values that are our choice: each is moved alone, on the same requests and the same
//! luck, and the policy takes its place among the others as they are.

use std::collections::BTreeMap;

use crate::policy::{Family, plausible};
use crate::record::comparison::{ChoiceRange, Comparison};
use crate::record::run_row::{RunKey, RunRow};
use crate::record::significant;

use super::compare::{ComparePlan, Contender};
use super::league::{Block, mean_regret};

/// Contenders with one value moved, each with its place among those given. Those that are not at their preset are let be: somebody
/// chose their values. So is the oracle.
pub fn variants(contenders: &[Contender]) -> Vec<(usize, Contender)> {
    let mut variants = Vec::new();
    for (index, contender) in contenders.iter().enumerate() {
        if contender.spec.family == Family::Oracle || !contender.changed().is_empty() {
            continue;
        }
        for moved in plausible::moved(contender.spec) {
            let label = format!("{}{{{}}}", contender.spec.name, moved.what);
            let variant = Contender { label, spec: contender.spec, settings: moved.settings };
            variants.push((index, variant));
        }
    }
    variants
}

/// Adds to the standings of a comparison what came of the variants. The contenders of the plan are those of the
/// comparison, then the variants of the contenders at `of`.
pub fn add(
    plan: &ComparePlan<'_>,
    of: &[usize],
    rows: &BTreeMap<RunKey, RunRow>,
    comparison: &mut Comparison,
) {
    let own = plan.contenders.len() - of.len();
    for (layer, table) in comparison.tables.iter_mut().enumerate() {
        let blocks: Vec<Block<'_>> = (0..plan.scenarios.len() as u32)
            .map(|scenario| Block::of(plan, rows, scenario, layer as u32))
            .collect();
        let regret: Vec<f64> = (0..plan.contenders.len())
            .map(|policy| {
                let sample = mean_regret(&blocks, policy);
                sample.iter().flatten().sum::<f64>() / sample.len().max(1) as f64
            })
            .collect();
        let rivals = |policy: usize| {
            let is_rival = move |other: &usize| {
                *other != policy && plan.contenders[*other].spec.family != Family::Oracle
            };
            (0..own).filter(is_rival)
        };
        // Ties go by the order of the contenders, as in the standings.
        let place = |policy: usize, regret_there: f64| {
            let ahead = |other: &usize| {
                regret[*other].total_cmp(&regret_there).then(other.cmp(&policy)).is_lt()
            };
            rivals(policy).filter(ahead).count() as u32 + 1
        };
        for standing in &mut table.standings {
            let named = |contender: &Contender| contender.label == standing.policy;
            let Some(policy) = plan.contenders[..own].iter().position(named) else { continue };
            let moved = (0..of.len()).filter(|at| of[*at] == policy).map(|at| own + at);
            let mut range = Found::new(regret[policy]);
            moved.for_each(|at| range.add(regret[at], &plan.contenders[at].label));
            standing.our_choices = Some(ChoiceRange {
                tried: range.tried,
                place: [place(policy, range.least.0), place(policy, range.most.0)],
                regret: [significant(range.least.0), significant(range.most.0)],
                least_with: range.least.1,
                most_with: range.most.1,
            });
        }
    }
}

/// Least and greatest regret, and with which value.
struct Found {
    tried: u32,
    least: (f64, String),
    most: (f64, String),
}

impl Found {
    fn new(own: f64) -> Self {
        Self { tried: 0, least: (own, String::new()), most: (own, String::new()) }
    }

    fn add(&mut self, regret: f64, label: &str) {
        self.tried += 1;
        let what = || {
            let inside = label.split_once('{').map_or(label, |(_, inside)| inside);
            inside.trim_end_matches('}').to_owned()
        };
        if regret < self.least.0 {
            self.least = (regret, what());
        }
        if regret > self.most.0 {
            self.most = (regret, what());
        }
    }
}
