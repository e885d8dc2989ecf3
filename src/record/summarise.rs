//! Tapes to summary.

use crate::engine::luck;
use crate::metrics::{
    FaultTape, Measure, Metric, PromptTape, RouteBin, Tape, Value, catalog, service,
};
use crate::policy::{Pool, RouteInfo};

use super::cluster::ClusterSummary;
use super::quantity::{Measured, Quantity, significant};
use super::summary::{
    FaultSummary, PromptCacheSummary, Quantiles, Requests, RouteSummary, SCHEMA_VERSION, Summary,
    Tokens,
};
use super::warning::Warning;

/// What the tapes are of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Scenario name.
    pub scenario: &'a str,
    /// Policy name, with what differs from its preset.
    pub policy: &'a str,
    /// Seed of the first replication.
    pub seed: u64,
    /// What could be routed to.
    pub pool: &'a Pool,
}

/// Sums up the replications of one scenario under one policy, in their order.
///
/// # Panics
/// Without a tape, or if the tapes have other routes than the pool.
pub fn summary(tapes: &[Tape], subject: &Subject<'_>) -> Summary {
    let first = tapes.first().expect("a summary is of one run at least");
    assert_eq!(first.route_totals.len(), subject.pool.routes.len(), "routes of tape and pool");
    let sum = |count: fn(&Tape) -> u64| tapes.iter().map(count).sum::<u64>();
    let run = |id| measure_run(tapes, subject.pool, metric(id));
    let digest = tapes.iter().map(|tape| tape.digest).reduce(luck::mix).expect("one tape at least");
    Summary {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: subject.scenario.to_owned(),
        policy: subject.policy.to_owned(),
        seed: subject.seed,
        replications: tapes.len() as u32,
        digest: format!("{digest:016x}"),
        virtual_seconds: significant(first.horizon.as_secs_f64()),
        measured_seconds: significant(first.measured_until.as_secs_f64()),
        bin_seconds: significant(first.bin.as_secs_f64()),
        warnings: Warning::of(tapes).iter().map(ToString::to_string).collect(),
        requests: Requests {
            offered: sum(|tape| tape.totals.offered),
            good: sum(|tape| tape.totals.good),
            late: sum(|tape| tape.totals.late),
            failed: sum(|tape| tape.totals.failed),
            shed: sum(|tape| tape.totals.shed),
            unfinished: sum(|tape| tape.totals.unfinished),
        },
        attempts: sum(|tape| tape.totals.attempts),
        rate_limited: sum(|tape| tape.totals.rate_limited),
        tokens: Tokens {
            good: sum(|tape| tape.totals.good_tokens),
            wasted: sum(|tape| tape.totals.wasted_tokens),
        },
        goodput_rps: run("goodput"),
        goodput_tokens_per_s: run("goodput_tokens"),
        slo_attainment: run("slo_attainment"),
        amplification: run("amplification"),
        rate_limited_share: run("rate_limited"),
        wasted_tokens_share: run("wasted_tokens"),
        wasted_capacity: run("wasted_capacity"),
        exploration: run("exploration"),
        exploration_cost: run("exploration_cost"),
        burn_rate: run("burn_rate"),
        alert: run("alert"),
        latency_all_ms: quantiles(tapes, service::latency_all_ms),
        latency_ms: quantiles(tapes, service::latency_ms),
        ttft_ms: quantiles(tapes, service::ttft_ms),
        cost_usd: run("cost"),
        cost_per_good_usd: run("cost_per_good"),
        jain: run("jain"),
        transitions_per_route_hour: run("transitions"),
        false_alarms_per_route_hour: run("false_alarms"),
        cluster: first.cluster.as_ref().map(|cluster| ClusterSummary {
            processes: cluster.processes,
            convergence_holds_s: run("convergence_holds"),
            disagreement: run("disagreement"),
            disagreement_max: run("disagreement_max"),
            gossip_packets_per_s: run("gossip_packets"),
            gossip_bytes_per_s: run("gossip_bytes"),
            probes: run("probes"),
            duplicated_probes: run("duplicated_probes"),
        }),
        faults: faults(tapes, subject.pool),
        routes: routes(tapes, subject.pool),
        stored: Some(sum(|tape| tape.stored)).filter(|stored| *stored > 0),
        prompt_cache: tapes.iter().any(|tape| tape.prompts.is_some()).then(|| {
            let tokens = |of: fn(&PromptTape) -> u64| {
                tapes.iter().filter_map(|tape| tape.prompts.as_ref()).map(of).sum()
            };
            PromptCacheSummary {
                prompt_tokens: tokens(|prompts| prompts.prompt_tokens),
                cached_tokens: tokens(|prompts| prompts.cached_tokens),
                written_tokens: tokens(|prompts| prompts.written_tokens),
                hit_ratio: run("cache_hits"),
                saved_usd: run("cache_saved"),
            }
        }),
        tenants: super::tenants::tenants(tapes),
        rules: super::tenants::rules(tapes),
    }
}

fn metric(id: &str) -> &'static Metric {
    catalog::find(id).expect("every metric of a summary is in the catalogue")
}

/// A metric that has one value a run.
fn measure_run(tapes: &[Tape], pool: &Pool, metric: &Metric) -> Measured {
    let values: Vec<_> = tapes.iter().flat_map(|tape| metric.values(tape, pool)).collect();
    Measured::from_values(&values, f64::INFINITY)
}

fn quantiles(tapes: &[Tape], of: fn(&Tape, f64) -> Value) -> Quantiles {
    let at = |q| {
        let values: Vec<_> = tapes.iter().map(|tape| of(tape, q)).collect();
        Measured::from_values(&values, f64::INFINITY)
    };
    Quantiles { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) }
}

/// Faults of one name are one fault over the replications; incidents may be missing from some. Parts of a
/// fault (`name/part`) that hit the same routes at the same time have the same metrics: the first stands
/// for them.
fn faults(tapes: &[Tape], pool: &Pool) -> Vec<FaultSummary> {
    let mut known: Vec<(&Tape, usize)> = Vec::new();
    for tape in tapes {
        for (i, fault) in tape.faults.iter().enumerate() {
            let is_known = |(tape, i): &(&Tape, usize)| {
                let other = &tape.faults[*i];
                other.name == fault.name || is_part(fault, other)
            };
            if !known.iter().any(is_known) {
                known.push((tape, i));
            }
        }
    }
    let mut faults: Vec<_> =
        known.iter().map(|(tape, i)| summarise_fault(tapes, pool, tape, *i)).collect();
    faults.sort_by(|left, right| left.start_s.total_cmp(&right.start_s));
    faults
}

fn is_part(fault: &FaultTape, of: &FaultTape) -> bool {
    fault.name.split_once('/').is_some_and(|(whole, _)| whole == of.name)
        && fault.routes == of.routes
        && (fault.start, fault.end) == (of.start, of.end)
}

fn summarise_fault(tapes: &[Tape], pool: &Pool, of: &Tape, index: usize) -> FaultSummary {
    let fault = &of.faults[index];
    let measure = |id| measure_fault(tapes, &fault.name, metric(id));
    FaultSummary {
        name: fault.name.clone(),
        start_s: significant(fault.start.as_secs_f64()),
        end_s: significant(fault.end.as_secs_f64()),
        routes: fault.routes.iter().map(|r| pool.routes[*r as usize].name.clone()).collect(),
        time_to_detect_s: measure("time_to_detect"),
        time_to_state_s: measure("time_to_state"),
        time_to_weight_s: measure("time_to_weight"),
        time_to_drain_s: measure("time_to_drain"),
        time_to_recover_user_s: measure("time_to_recover_user"),
        time_to_recover_share_s: measure("time_to_recover_share"),
        settling_s: measure("settling"),
        leak: measure("leak"),
        leak_ratio: measure("leak_ratio"),
        overshoot: measure("overshoot"),
        reversals: measure("reversals"),
        oscillation_period_s: measure("oscillation_period"),
        damping: measure("damping"),
        flaps: measure("flaps"),
        budget_spent: measure("budget_spent"),
        convergence_weights_s: of.cluster.as_ref().map(|_| measure("convergence_weights")),
    }
}

/// A metric of the fault of this name in every replication. Times are restricted to the shortest
/// watch of any replication, which is the same for every policy.
fn measure_fault(tapes: &[Tape], name: &str, metric: &Metric) -> Measured {
    let mut tau = f64::INFINITY;
    let mut values = Vec::with_capacity(tapes.len());
    for tape in tapes {
        let index = tape.faults.iter().position(|fault| fault.name == name);
        values.push(match (index, metric.measure) {
            (None, _) => Value::Undefined { reason: "the fault is not part of this replication" },
            (Some(i), Measure::Fault(of)) => of(tape, i),
            (Some(i), Measure::Time { of, window_s }) => {
                let window = window_s(tape, i);
                tau = if window > 0.0 { tau.min(window) } else { tau };
                of(tape, i)
            }
            (Some(_), _) => unreachable!("{} is a metric of a run", metric.id),
        });
    }
    Measured::from_values(&values, tau)
}

fn routes(tapes: &[Tape], pool: &Pool) -> Vec<RouteSummary> {
    let total = |r: usize, count: fn(&RouteBin) -> u32| {
        tapes.iter().map(|tape| u64::from(count(&tape.route_totals[r]))).sum::<u64>()
    };
    let first: Vec<u64> = (0..pool.routes.len()).map(|r| total(r, |bin| bin.first)).collect();
    let mut of_model = vec![0; pool.models.len()];
    for (route, first) in pool.routes.iter().zip(&first) {
        of_model[usize::from(route.model.0)] += first;
    }
    let mut transitions = vec![0; pool.routes.len()];
    for change in tapes.iter().flat_map(|tape| &tape.transitions) {
        transitions[change.route.index()] += 1;
    }
    let summarise = |(r, route): (usize, &RouteInfo)| RouteSummary {
        id: route.name.clone(),
        provider: pool.providers[usize::from(route.provider.0)].clone(),
        model: pool.models[usize::from(route.model.0)].clone(),
        share: Quantity::from(Value::ratio(
            first[r],
            of_model[usize::from(route.model.0)],
            "no traffic for its model",
        )),
        first: first[r],
        attempts: total(r, |bin| bin.attempts),
        good: total(r, |bin| bin.good),
        failed: total(r, |bin| bin.failed),
        rate_limited: total(r, |bin| bin.rate_limited),
        transitions: transitions[r],
    };
    pool.routes.iter().enumerate().map(summarise).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Scene;
    use super::*;

    fn sum_up(tapes: &[Tape]) -> Summary {
        let pool = Scene::default().pool();
        let subject = Subject { scenario: "s", policy: "p", seed: 1, pool: &pool };
        summary(tapes, &subject)
    }

    #[test]
    fn counts_add_up_and_estimates_do_not() {
        let tape = Scene::default().tape();
        let (one, two) = (sum_up(std::slice::from_ref(&tape)), sum_up(&[tape.clone(), tape]));
        assert_eq!(two.requests.offered, 2 * one.requests.offered);
        assert_eq!(two.routes[0].attempts, 2 * one.routes[0].attempts);
        assert_eq!(two.goodput_rps.number(), one.goodput_rps.number());
        assert_eq!(two.routes[0].share, one.routes[0].share);
        assert_ne!(two.digest, one.digest);
        let requests = one.requests;
        let parts = requests.good + requests.late + requests.failed;
        assert_eq!(parts + requests.shed + requests.unfinished, requests.offered);
    }

    #[test]
    fn a_fault_that_only_some_replications_have_is_counted_as_missing_in_the_others() {
        let mut calm = Scene::default().tape();
        calm.faults.clear();
        let summary = sum_up(&[calm, Scene::default().tape(), Scene::default().tape()]);
        assert_eq!(summary.faults.len(), 1);
        let Measured::Many(spread) = &summary.faults[0].time_to_recover_user_s else {
            panic!("two of three replications have it")
        };
        assert_eq!((spread.n, spread.n_a, spread.mean), (2, 1, 14.0));
    }

    #[test]
    fn a_part_that_hits_the_same_routes_at_the_same_time_is_no_fault_of_its_own() {
        let mut tape = Scene::default().tape();
        let whole = tape.faults[0].clone();
        let part = |name: &str, routes| FaultTape {
            name: format!("{}/{name}", whole.name),
            routes,
            ..whole.clone()
        };
        tape.faults.push(part("timeouts", whole.routes.clone()));
        tape.faults.push(part("openai", vec![4, 5, 6, 7]));
        let names: Vec<_> = sum_up(&[tape]).faults.into_iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["azure error burst", "azure error burst/openai"]);
    }

    #[test]
    fn fairness_looks_at_capacity_and_at_routes_without_a_fault() {
        let (tape, mut pool) = (Scene::default().tape(), Scene::default().pool());
        let jain = |pool: &Pool| crate::metrics::fairness::jain_routes(&tape, pool).known();
        assert!(jain(&pool).is_some_and(|index| index > 0.999));
        // openai's keys have a third of bedrock's weight and carry as much: loads of 3 and 1.
        for route in &mut pool.routes[8..] {
            route.weight = 3.0;
        }
        let index = jain(&pool).expect("there is traffic");
        assert!((index - 0.8).abs() < 0.01, "{index}");
    }
}
