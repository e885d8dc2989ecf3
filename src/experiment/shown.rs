//! Which runs of a comparison are stored with their series: at most four policies a scenario, and of those
//! one replication, so that a reader sees the same requests, luck and phase under each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::policy::{Family, PolicySpec};
use crate::record::comparison::{Comparison, Shown, ShownPolicy};
use crate::record::run_row::{RunKey, RunRow};
use crate::record::{StoredRun, Subject};

use super::compare::{ComparePlan, Contender};
use super::progress::Progress;
use super::run::{RunError, RunPlan, described, seed_of, tape};

/// Policies of a scenario whose series are stored.
pub const MOST: usize = 4;

/// Chooses them and says so in the comparison.
pub fn choose(
    plan: &ComparePlan<'_>,
    rows: &BTreeMap<RunKey, RunRow>,
    comparison: &mut Comparison,
) {
    let Some(table) = comparison.tables.first_mut() else { return };
    for (scenario, table) in table.scenarios.iter_mut().enumerate() {
        let place = |policy: &str| plan.contenders.iter().position(|c| c.label == policy);
        let ranked: Vec<usize> =
            table.cells.iter().filter_map(|cell| place(&cell.policy)).collect();
        let chosen = policies(plan.contenders, &ranked);
        let good = |policy: usize, replication: u32| {
            let (scenario, policy) = (scenario as u32, policy as u32);
            let row = &rows[&RunKey { scenario, layer: 0, policy, replication }];
            (row.digest, row.good)
        };
        let mut order: Vec<(u64, u32)> = (0..plan.replications)
            .map(|j| (chosen.iter().map(|policy| good(*policy, j).1).sum(), j))
            .collect();
        order.sort_unstable();
        let Some(&(_, replication)) = order.get(order.len().saturating_sub(1) / 2) else {
            continue;
        };
        let shown = |policy: &usize| {
            let contender = &plan.contenders[*policy];
            ShownPolicy {
                policy: contender.label.clone(),
                of: contender.spec.name.to_owned(),
                sets: sets(plan, contender),
                digest: format!("{:016x}", good(*policy, replication).0),
            }
        };
        table.shown = Some(Shown {
            replication,
            seed: seed_of(plan.seed, replication),
            policies: chosen.iter().map(shown).collect(),
        });
    }
}

/// Our own engine, then of the gateways as they ship (one policy a product, its best) the first, the one in
/// the middle and the last, then whoever is best of the rest.
fn policies(contenders: &[Contender], ranked: &[usize]) -> Vec<usize> {
    let spec = |policy: &usize| contenders[*policy].spec;
    let own = ranked.iter().find(|policy| spec(policy).name == "windtunnel").copied();
    let mut products: Vec<usize> = Vec::new();
    for policy in ranked.iter().filter(|policy| spec(policy).family == Family::Vendor) {
        let known = |known: &usize| first_word(spec(known)) == first_word(spec(policy));
        if !products.iter().any(known) {
            products.push(*policy);
        }
    }
    let last = products.len().saturating_sub(1);
    let spread = [0, last / 2, last].map(|at| products.get(at).copied());
    let rest = ranked.iter().filter(|policy| spec(policy).family != Family::Oracle).copied();
    let mut chosen: Vec<usize> = Vec::new();
    for policy in own.into_iter().chain(spread.into_iter().flatten()).chain(rest) {
        if chosen.len() < MOST && !chosen.contains(&policy) {
            chosen.push(policy);
        }
    }
    chosen
}

/// What tells products apart: the first word of their names.
fn first_word(spec: &'static PolicySpec) -> &'static str {
    spec.name.split('-').next().unwrap_or_default()
}

/// What must be set for `run` to get the contender under the plan's first layer.
fn sets(plan: &ComparePlan<'_>, contender: &Contender) -> Vec<String> {
    let preset = contender.spec.settings();
    let settings = plan.layers[0].settings(&contender.settings);
    let changed = settings.iter().zip(preset.iter());
    changed
        .filter(|((_, now), (_, then))| now.to_bits() != then.to_bits())
        .map(|((param, now), _)| format!("policy.{}={}", param.id, param.show(now)))
        .collect()
}

/// A run with its series.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The folder that it belongs into.
    pub folder: PathBuf,
    /// Whose it is.
    pub policy: ShownPolicy,
    /// The run.
    pub run: StoredRun,
    /// Whether it came out as it did in the comparison; anything else is a bug.
    pub same: bool,
}

/// Runs them once more and keeps their series.
///
/// # Errors
/// A [`RunError`].
pub fn runs(
    plan: &ComparePlan<'_>,
    comparison: &Comparison,
    dir: &Path,
    progress: &dyn Progress,
) -> Result<Vec<Kept>, RunError> {
    let table = comparison.tables.first();
    let scenarios = plan.scenarios.iter().zip(table.iter().flat_map(|table| &table.scenarios));
    let wanted: Vec<_> = scenarios
        .flat_map(|(scenario, table)| {
            let shown = table.shown.iter();
            shown.flat_map(move |shown| shown.policies.iter().map(move |p| (scenario, shown, p)))
        })
        .collect();
    let one = |(scenario, shown, policy): &(&crate::scenario::Scenario, &Shown, &ShownPolicy)| {
        let contender = plan.contenders.iter().find(|contender| contender.label == policy.policy);
        let contender = contender.expect("the policies of a comparison are those of its plan");
        let settings = plan.layers[0].settings(&contender.settings);
        let run = RunPlan {
            scenario,
            policy: contender.spec,
            settings: &settings,
            seed: plan.seed,
            replications: plan.replications,
        };
        let tape = tape(&run, shown.replication, progress)?;
        let same = format!("{:016x}", tape.digest) == policy.digest;
        let subject = Subject {
            scenario: &scenario.spec.name,
            policy: &described(contender.spec, &settings),
            seed: shown.seed,
            pool: &scenario.spec.pool,
        };
        let folder = Comparison::folder(dir, &scenario.spec.name, &policy.policy);
        let (policy, run) = ((*policy).clone(), StoredRun::new(&[tape], &subject));
        Ok(Kept { folder, policy, run, same })
    };
    wanted.par_iter().map(one).collect()
}
