//! What keys bring to the limit buckets that they draw on.
//!
//! A provider's limit is that of all its keys together; each key brings an even part of it, and of
//! that each model a part in proportion to the tokens asked of it. What keys of one pool bring for
//! one model in one region goes into one bucket; a key without a pool has its own.

use std::collections::BTreeMap;

use crate::sim::spec::{Limit, LimitRules};

use super::at::At;
use super::demand::Demand;
use super::error::Problem;
use super::keys::Key;
use super::provider::Draft;
use super::unit::Quota;

/// Buckets under construction.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    /// (pool, model, region) → index into `all`.
    index: BTreeMap<(String, u16, String), usize>,
    all: Vec<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    name: String,
    rules: LimitRules,
    bring: Bring,
}

/// What one key brings for one model in one region, per minute.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bring {
    tpm: Option<f64>,
    rpm: Option<f64>,
    output_tpm: Option<f64>,
}

/// Which bucket.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    pub(crate) pool: &'a str,
    pub(crate) model: u16,
    pub(crate) model_name: &'a str,
    pub(crate) region: &'a str,
}

impl Buckets {
    /// Adds what a key brings; gives the index of its bucket.
    pub(crate) fn add(
        &mut self,
        name: &Name<'_>,
        draft: &Draft,
        bring: Bring,
    ) -> Result<usize, Problem> {
        let key = (name.pool.to_owned(), name.model, name.region.to_owned());
        let index = *self.index.entry(key).or_insert(self.all.len());
        if index == self.all.len() {
            let region = if name.region.is_empty() { "" } else { "@" };
            let name = format!("{}:{}{region}{}", name.pool, name.model_name, name.region);
            self.all.push(Bucket { name, rules: draft.profile.rules, bring: Bring::default() });
        }
        let bucket = &mut self.all[index];
        if bucket.rules != draft.profile.rules {
            let message =
                format!("pool `{}` joins providers whose limits count differently", name.pool);
            return Err(Problem::new(draft.at.key("pool"), message)
                .expected("expected another pool, or a profile of the same vendor"));
        }
        bucket.bring.tpm = sum(bucket.bring.tpm, bring.tpm);
        bucket.bring.rpm = sum(bucket.bring.rpm, bring.rpm);
        bucket.bring.output_tpm = sum(bucket.bring.output_tpm, bring.output_tpm);
        Ok(index)
    }

    /// Adds what a key brings to the route of all regions behind it, one bucket each; gives the index of
    /// the first, which the others follow. The quota of a cross-region profile is not that of calls to the
    /// same region alone, so its buckets have names of their own.
    pub(crate) fn add_hidden(
        &mut self,
        name: &Name<'_>,
        draft: &Draft,
        bring: Bring,
    ) -> Result<usize, Problem> {
        let mut first = None;
        for (nth, region) in draft.hidden.iter().enumerate() {
            let region = format!("cris-{region}");
            let index = self.add(&Name { region: &region, ..*name }, draft, bring)?;
            if index != *first.get_or_insert(index) + nth {
                let message =
                    format!("pool `{}` joins cross-region profiles of other regions", name.pool);
                return Err(Problem::new(draft.at.key("pool"), message)
                    .expected("expected the same regions in the same order, or another pool"));
            }
        }
        Ok(first.unwrap_or_default())
    }

    /// The limits, and for each bucket which one it became; a bucket that nobody brings anything to
    /// is no limit.
    pub(crate) fn limits(self) -> (Vec<Limit>, Vec<Option<u32>>) {
        let mut limits = Vec::new();
        let mut became = Vec::with_capacity(self.all.len());
        for Bucket { name, rules, bring } in self.all {
            if bring.tpm.is_none() && bring.rpm.is_none() {
                became.push(None);
                continue;
            }
            became.push(Some(limits.len() as u32));
            let rules = match (rules, bring.output_tpm) {
                (LimitRules::Anthropic { reserve, .. }, Some(output)) => {
                    LimitRules::Anthropic { output_tpm: whole(output), reserve }
                }
                (LimitRules::Anthropic { reserve, .. }, None) => {
                    LimitRules::Anthropic { output_tpm: u64::MAX, reserve }
                }
                (rules, _) => rules,
            };
            limits.push(Limit {
                name,
                rules,
                tpm: bring.tpm.map(whole),
                rpm: bring.rpm.map(whole),
            });
        }
        (limits, became)
    }
}

/// What one key of a provider brings for one model in one region. `servers` is the number of
/// providers that serve each model: a fair share is an equal one.
pub(crate) fn bring(
    draft: &Draft,
    key: &Key,
    model: u16,
    demand: &Demand,
    servers: &[u16],
) -> Bring {
    // A key that takes the place of one of the same pool brings nothing of its own.
    if key.replaces.is_some() && draft.pool.is_some() {
        return Bring::default();
    }
    let rules = &draft.profile.rules;
    let fair = |per_s: f64, model: u16| per_s * 60.0 / f64::from(servers[usize::from(model)]);
    let tokens = |model| fair(demand.tokens_per_s(model, rules), model);
    let requests = |model| fair(demand.requests_per_s(model), model);
    let regions = draft.regions.len() * draft.hidden.len().max(1);
    let keys = draft.keys_at_once();
    let parts = (keys * regions) as f64;
    // An amount is divided by keys, regions and what is asked of the models; a multiple is so by
    // itself.
    let amount = |quota: Quota, asked: &dyn Fn(u16) -> f64| match quota {
        Quota::Relative(multiple) => multiple * asked(model) / parts,
        Quota::Absolute(amount) => {
            let all: f64 = draft.models.iter().map(|model| asked(*model)).sum();
            amount as f64 / parts * asked(model) / all
        }
    };
    // A key's own limit is not divided by keys.
    let own = key.tpm.map(|tpm| Quota::Absolute(tpm.saturating_mul(keys as u64)));
    let quota = own.or(draft.tpm);
    let tpm = quota.map(|quota| amount(quota, &tokens));
    let output_tpm = match (rules, quota) {
        (LimitRules::Anthropic { .. }, Some(Quota::Relative(multiple))) => {
            Some(multiple * fair(demand.output_per_s(model, rules), model) / parts)
        }
        (LimitRules::Anthropic { .. }, Some(Quota::Absolute(_))) => {
            tpm.map(|tpm| tpm * ANTHROPIC_OUTPUT_PER_PROMPT)
        }
        _ => None,
    };
    let tied = draft.profile.rpm_per_1000_tpm;
    let rpm = match draft.rpm {
        Some(quota) => Some(amount(quota, &requests)),
        None => tpm.zip(tied).map(|(tpm, rpm)| tpm * rpm as f64 / 1_000.0),
    };
    Bring { tpm, rpm, output_tpm }
}

/// Output over prompt tokens per minute in Anthropic's entry and top tiers, October 2026: 400K /
/// 2M, 2M / 10M.
const ANTHROPIC_OUTPUT_PER_PROMPT: f64 = 0.2;

/// A relative limit needs to know what is asked.
pub(crate) fn check_relative(draft: &Draft, demand: &Demand) -> Result<(), Problem> {
    let at = |key: &str| -> At { draft.at.key(key) };
    for (key, quota) in [("tpm", draft.tpm), ("rpm", draft.rpm)] {
        if matches!(quota, Some(Quota::Relative(_))) && !demand.is_open {
            let message = format!("`{}`: a closed loop has no rate to be relative to", at(key));
            return Err(Problem::new(at(key), message)
                .expected("expected an amount per minute such as \"30M\""));
        }
    }
    Ok(())
}

fn sum(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (one, None) | (None, one) => one,
    }
}

/// A whole limit; never 0, which would be no service at all.
fn whole(amount: f64) -> u64 {
    (amount.round() as u64).max(1)
}
