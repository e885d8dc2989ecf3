//! What tenants left, as the summary says it. Amounts of money are of one run: means over the replications.

use crate::metrics::tenant::{DENIALS, TenantTape, lost_to_others};
use crate::metrics::{RuleTape, Tape, Value};

use super::quantity::Quantity;
use super::summary::{RuleSummary, TenantSummary};

pub(super) fn tenants(tapes: &[Tape]) -> Vec<TenantSummary> {
    let names = tapes.first().map_or(&[][..], |tape| &tape.tenants);
    (0..names.len()).map(|tenant| summarise(tapes, tenant)).collect()
}

pub(super) fn rules(tapes: &[Tape]) -> Vec<RuleSummary> {
    let names = tapes.first().map_or(&[][..], |tape| &tape.rules);
    let rule = |(at, of): (usize, &RuleTape)| {
        let sum =
            |count: fn(&RuleTape) -> u64| tapes.iter().map(|tape| count(&tape.rules[at])).sum();
        RuleSummary {
            id: of.name.clone(),
            matched: sum(|rule| rule.matched),
            fell_back: sum(|rule| rule.fell_back),
            good: sum(|rule| rule.good),
        }
    };
    names.iter().enumerate().map(rule).collect()
}

fn summarise(tapes: &[Tape], tenant: usize) -> TenantSummary {
    let of = || tapes.iter().map(|tape| &tape.tenants[tenant]);
    let sum = |count: fn(&TenantTape) -> u64| of().map(count).sum::<u64>();
    let runs = tapes.len() as f64;
    let usd = |nano: u64| Quantity::from(Value::Known(nano as f64 / 1e9 / runs));
    let (offered, good) = (sum(|tape| tape.offered), sum(|tape| tape.good));
    let seconds: f64 = tapes.iter().map(|tape| tape.measured_until.as_secs_f64()).sum();
    let budget = sum(|tape| tape.budget_nano_usd);
    let of_budget = |nano: u64| match budget {
        0 => Quantity::from(Value::Undefined { reason: "no budget" }),
        _ => usd(nano),
    };
    let denied = DENIALS.iter().enumerate().filter_map(|(reason, name)| {
        let count: u64 = of().map(|tape| tape.denied[reason]).sum();
        (count > 0).then(|| ((*name).to_owned(), count))
    });
    // Where several runs know it, their mean; where none does, why the first does not.
    let lost: Vec<Value> = tapes.iter().map(|tape| lost_to_others(tape, tenant)).collect();
    let known: Vec<f64> = lost.iter().filter_map(|value| value.known()).collect();
    let lost = match known.len() {
        0 => lost[0],
        n => Value::Known(known.iter().sum::<f64>() / n as f64),
    };
    TenantSummary {
        id: tapes[0].tenants[tenant].name.clone(),
        offered,
        good,
        goodput_rps: Quantity::from(Value::Known(good as f64 / seconds)),
        slo_attainment: Quantity::from(Value::ratio(good, offered, "it asked for nothing")),
        denied: denied.collect(),
        tokens: sum(|tape| tape.tokens),
        cost_usd: usd(sum(|tape| tape.cost_nano_usd)),
        budget_usd: of_budget(budget),
        used_usd: of_budget(sum(|tape| tape.used_nano_usd)),
        overshoot_usd: of_budget(sum(|tape| tape.over_nano_usd)),
        overshoot_tokens: sum(|tape| tape.over_tokens),
        lost_to_others: Quantity::from(lost),
    }
}
