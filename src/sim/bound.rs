//! The fluid bound: more good requests than any way to route could make, future luck included.
//!
//! A request counts if some route, at some start time, would answer it within its deadline: at its own luck,
//! at zero load, without any limit; start times are its arrival, every moment until its deadline at which a
//! fault begins or ends, and every quarter of a second between. What counts is then capped by the tokens that all limits together can have admitted
//! by then, spent on the cheapest requests. Faults that depend on the load (refusals of fast growth,
//! overload, cold starts) are left out, which can only raise the bound.

use crate::engine::{Outcome, Span, Time};
use crate::policy::{Attempt, RouteId};

use super::attempt::{Before, Stage};
use super::fault::{Active, Effect, NOWHERE, Replication};
use super::flight::Flight;
use super::limit::Bucket;
use super::prefix::Reuse;
use super::spec::{Arrivals, Class, Limit, LimitRules, Place, Spec};
use super::workload::{Arrival, Workload};

/// Visits of one request to one route that are tried: each has its own luck.
const VISITS: u64 = 2;

/// How many of the measured requests could have been good. `None` where clients wait for answers (closed
/// loop): what is offered then depends on who routes.
pub fn good(spec: &Spec, seed: u64, replication: Replication) -> Option<u64> {
    let closed = |class: &Class| matches!(class.arrivals, Arrivals::Closed { .. });
    if spec.classes.iter().any(closed) {
        return None;
    }
    let mut faults: Vec<Active> =
        spec.faults.iter().map(|fault| Active::new(fault, seed, replication)).collect();
    if let Some(incidents) = &spec.incidents {
        let drawn = super::fault::draw(incidents, spec, seed);
        faults.extend(drawn.iter().map(|fault| Active::new(fault, seed, replication)));
    }
    let supply = Supply::new(spec, &faults, seed);
    faults.retain(|fault| !fault.watches());
    let mut free = spec.clone();
    for place in &mut free.places {
        (place.limit, place.more) = (None, 0);
    }
    for service in free.providers.iter_mut().flat_map(|provider| &mut provider.services) {
        service.capacity = None;
    }
    let mut search = Search::new(&free, faults, seed);
    let horizon = Time(spec.horizon.0);
    let mut workload = Workload::new(spec, seed);
    let seconds = (spec.horizon.0 / 1_000_000_000 + 1) as usize;
    let mut possible = vec![0u64; seconds];
    let mut costs = Vec::new();
    while workload.peek() < horizon {
        let arrival = workload.pop();
        if search.succeeds(&arrival) {
            possible[(arrival.at.0 / 1_000_000_000) as usize] += 1;
            if let Some(supply) = &supply {
                costs.push(supply.cost(&arrival));
            }
        }
    }
    let Some(supply) = supply else { return Some(possible.iter().sum()) };
    costs.sort_unstable();
    let spent: Vec<u64> = costs
        .iter()
        .scan(0u64, |sum, cost| {
            *sum = sum.saturating_add(*cost);
            Some(*sum)
        })
        .collect();
    let patience = spec.longest_deadline().as_secs_f64();
    let mut good = 0;
    for (second, possible) in possible.iter().enumerate() {
        let tokens = supply.by(second as f64 + 1.0 + patience);
        let cap = spent.partition_point(|spent| *spent as f64 <= tokens) as u64;
        good = (good + possible).min(cap);
    }
    Some(good)
}

/// Looks for a route and a start time.
struct Search<'a> {
    spec: &'a Spec,
    stage: Stage,
    /// Moments at which faults begin or end, ascending.
    edges: Vec<Time>,
    routes: Vec<Vec<u32>>,
}

/// Besides the moments at which faults begin or end, start times are tried this far apart: faults also rise,
/// fall and flap.
const STEP: Span = Span::from_millis(250);

impl<'a> Search<'a> {
    fn new(spec: &'a Spec, faults: Vec<Active>, seed: u64) -> Self {
        let mut edges: Vec<Time> = faults.iter().flat_map(|f| [f.start, f.end]).collect();
        edges.sort_unstable();
        let mut routes = vec![Vec::new(); spec.pool.models.len()];
        for (i, route) in spec.pool.routes.iter().enumerate() {
            routes[usize::from(route.model.0)].push(i as u32);
        }
        let count = faults.len();
        let mut stage = Stage::new(spec, faults, seed);
        // All faults are in place all the time: before and after their time they do nothing.
        for fault in 0..count {
            stage.edge(fault, true);
        }
        Self { spec, stage, edges, routes }
    }

    fn succeeds(&mut self, arrival: &Arrival) -> bool {
        if self.answered(arrival, arrival.at) {
            return true;
        }
        let client = &self.spec.classes[usize::from(arrival.class)].client;
        let until = arrival.at + client.allows(arrival.output);
        let from = self.edges.partition_point(|edge| *edge <= arrival.at);
        let to = self.edges.partition_point(|edge| *edge < until);
        if (from..to).any(|edge| self.answered(arrival, self.edges[edge])) {
            return true;
        }
        let mut at = arrival.at + STEP;
        while at < until {
            if self.answered(arrival, at) {
                return true;
            }
            at += STEP;
        }
        false
    }

    fn answered(&mut self, arrival: &Arrival, at: Time) -> bool {
        let client = &self.spec.classes[usize::from(arrival.class)].client;
        let deadline = arrival.at + client.allows(arrival.output);
        let flight = Flight::of(arrival);
        // Nobody reads more from a cache than the whole prompt.
        let cached = if self.spec.has_prefixes() { arrival.prompt } else { 0 };
        let reuse = Reuse { cached, written: 0, uncounted: cached };
        let stage = &mut self.stage;
        self.routes[usize::from(arrival.model)].iter().any(|&route| {
            // Cheap, and most of the work where everything is down.
            !stage.is_down(at, route)
                && (0..VISITS).any(|visit| {
                    let attempt = Attempt::to(RouteId(route));
                    let before = Before { visits: visit, made: 0, reuse };
                    let draft = stage.draft(at, NOWHERE, &flight, &attempt, &before);
                    let ended = draft.ending.outcome(flight.prompt, flight.output, draft.first_us);
                    let done = matches!(ended, Outcome::Done { .. });
                    done && draft.end.is_some_and(|end| end <= deadline)
                })
        })
    }
}

/// Tokens that all limits together admit.
struct Supply {
    buckets: Vec<Bucket>,
    max_tokens: Vec<u32>,
    /// Prompts may be cached, and then need not count.
    reuses: bool,
    /// What may be spent at once, and tokens admitted by the end of each second.
    burst: f64,
    by_second: Vec<f64>,
}

impl Supply {
    /// `None` if some route is not limited in tokens, so that nothing can be said.
    fn new(spec: &Spec, faults: &[Active], seed: u64) -> Option<Self> {
        if spec.places.iter().any(|place| place.limit.is_none()) {
            return None;
        }
        let mut limits: Vec<u32> = spec.places.iter().flat_map(Place::limits).collect();
        limits.sort_unstable();
        limits.dedup();
        let tpm: Vec<u64> = limits
            .iter()
            .map(|&limit| hard(&spec.limits[limit as usize]))
            .collect::<Option<_>>()?;
        let seconds = (spec.horizon + spec.longest_deadline()).0 / 1_000_000_000 + 2;
        let mut sum = 0.0;
        let by_second = (0..seconds).map(|second| {
            for (&limit, &tpm) in limits.iter().zip(&tpm) {
                sum += tpm as f64 / 60.0 * factor(spec, faults, limit, Time::from_secs(second));
            }
            sum
        });
        Some(Self {
            by_second: by_second.collect(),
            buckets: (limits.iter())
                .map(|&limit| Bucket::new(&spec.limits[limit as usize], spec.epoch, seed))
                .collect(),
            max_tokens: spec.classes.iter().map(|class| class.max_tokens).collect(),
            reuses: spec.has_prefixes(),
            burst: tpm.iter().map(|tpm| *tpm as f64).sum(),
        })
    }

    /// The least that any limit charges for a request.
    fn cost(&self, arrival: &Arrival) -> u64 {
        let cap = self.max_tokens[usize::from(arrival.class)];
        let counted = if self.reuses { 0 } else { arrival.prompt };
        let of = |bucket: &Bucket| bucket.cost(counted, cap, arrival.output);
        self.buckets.iter().map(of).min().unwrap_or(0)
    }

    /// Tokens admitted by `second`: one full bucket (or window) each, and what came since.
    fn by(&self, second: f64) -> f64 {
        let at = (second as usize).min(self.by_second.len() - 1);
        self.burst + self.by_second[at]
    }
}

/// The tokens per minute that a limit holds to, if it does.
fn hard(limit: &Limit) -> Option<u64> {
    match limit.rules {
        LimitRules::Vertex { .. } => None,
        _ => limit.tpm,
    }
}

/// What faults leave of a limit: that of the route of it which they leave most.
fn factor(spec: &Spec, faults: &[Active], limit: u32, at: Time) -> f64 {
    let routes = (spec.places.iter().enumerate())
        .filter(|(_, place)| place.limits().contains(&limit))
        .map(|(route, _)| route as u32);
    let of = |route: u32| -> f64 {
        (faults.iter())
            .filter(|active| matches!(active.fault.effect, Effect::LimitCut { .. }))
            .filter(|active| active.fault.routes.binary_search(&route).is_ok())
            .map(|active| active.limit_factor(at).min(1.0))
            .product()
    };
    routes.map(of).fold(0.0, f64::max)
}
