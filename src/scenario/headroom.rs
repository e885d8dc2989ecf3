//! Headroom: capacity over demand, with all providers and with the largest one missing. With less
//! than 1 left, losing that provider is a cascade whatever the balancer does.

use std::collections::{BTreeMap, BTreeSet};

use crate::sim::spec::{Limit, LimitRules};

use super::demand::Demand;
use super::world::World;

/// Capacity over demand, for each model. Capacity is what limits admit; demand is the flat rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Headroom {
    /// For each model of the pool; empty for closed loops, whose demand depends on the answers.
    pub models: Vec<ModelHeadroom>,
    /// For each provider, the least over its models of capacity over its fair share; `None` = not
    /// limited.
    pub providers: Vec<Option<f64>>,
}

/// Headroom of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelHeadroom {
    /// The model.
    pub model: String,
    /// How many providers serve it.
    pub servers: usize,
    /// With all providers; `None` = not limited.
    pub all: Option<f64>,
    /// The provider with the largest part of the capacity (the first, where several have).
    pub largest: String,
    /// Without that provider.
    pub without_largest: Option<f64>,
}

/// Limits are whole numbers, so that equal shares differ by less than this.
const ROUNDING: f64 = 1e-4;

impl Headroom {
    /// One line for the start of a run.
    pub fn line(&self) -> String {
        if self.models.is_empty() {
            return "headroom: not known in a closed loop".to_owned();
        }
        // Models that are alike are named together.
        let mut alike: Vec<(Vec<&str>, String)> = Vec::new();
        for model in &self.models {
            let words = model.words();
            match alike.iter_mut().find(|(_, other)| *other == words) {
                Some((names, _)) => names.push(&model.model),
                None => alike.push((vec![&model.model], words)),
            }
        }
        let models = alike.iter().map(|(names, words)| format!("{} {words}", names.join(", ")));
        format!("headroom (capacity over demand): {}", models.collect::<Vec<_>>().join("; "))
    }

    pub(crate) fn of(world: &World, demand: &Demand) -> Self {
        let supply = Supply::of(world, demand);
        let every = |_: u16| true;
        let models = if demand.is_open { world.pool.models.as_slice() } else { &[] };
        let models = models.iter().enumerate().map(|(index, name)| {
            let model = index as u16;
            let asked = demand.requests_per_s(model);
            let largest = supply.largest(model);
            ModelHeadroom {
                model: name.clone(),
                servers: usize::from(world.servers[index]),
                all: supply.requests_per_s(model, every).map(|capacity| capacity / asked),
                largest: world.pool.providers[usize::from(largest)].clone(),
                without_largest: supply
                    .requests_per_s(model, |provider| provider != largest)
                    .map(|capacity| capacity / asked),
            }
        });
        let models = models.collect();
        let providers = (0..world.pool.providers.len() as u16).map(|provider| {
            let ratio = |model: u16| {
                let fair =
                    demand.requests_per_s(model) / f64::from(world.servers[usize::from(model)]);
                supply.requests_per_s(model, |other| other == provider).map(|all| all / fair)
            };
            let served = supply.models_of(provider);
            served.into_iter().filter_map(ratio).reduce(f64::min)
        });
        Self { models, providers: providers.collect() }
    }
}

impl ModelHeadroom {
    fn words(&self) -> String {
        let Self { servers, all, largest, without_largest, .. } = self;
        let Some(all) = all else { return "not limited".to_owned() };
        if *servers == 1 {
            return format!("{all:.2} with {largest} alone");
        }
        match without_largest {
            None => {
                format!("{all:.2} with {servers} providers, not limited without {largest}")
            }
            Some(left) => {
                let cascade =
                    if *left < 1.0 - ROUNDING { " (below 1: losing it is a cascade)" } else { "" };
                format!("{all:.2} with {servers} providers, {left:.2} without {largest}{cascade}")
            }
        }
    }
}

/// Which buckets serve which model, and for whom.
struct Supply {
    /// (model, bucket) → requests per second it admits, and the providers that draw on it.
    limited: BTreeMap<(u16, u32), (f64, BTreeSet<u16>)>,
    /// (model, provider) with a route that has no limit.
    unlimited: BTreeSet<(u16, u16)>,
}

impl Supply {
    fn of(world: &World, demand: &Demand) -> Self {
        let mut supply = Self { limited: BTreeMap::new(), unlimited: BTreeSet::new() };
        for (route, place) in world.pool.routes.iter().zip(&world.places) {
            let (model, provider) = (route.model.0, route.provider.0);
            if place.limit.is_none() {
                supply.unlimited.insert((model, provider));
            }
            for bucket in place.limits() {
                let limit = &world.limits[bucket as usize];
                let entry = supply.limited.entry((model, bucket));
                let (_, providers) =
                    entry.or_insert_with(|| (admits(limit, model, demand), BTreeSet::new()));
                providers.insert(provider);
            }
        }
        supply
    }

    /// What the chosen providers admit together; `None` = any amount.
    fn requests_per_s(&self, model: u16, chosen: impl Fn(u16) -> bool) -> Option<f64> {
        let mut unlimited = self.unlimited.range((model, 0)..=(model, u16::MAX));
        if unlimited.any(|(_, provider)| chosen(*provider)) {
            return None;
        }
        let buckets = self.limited.range((model, 0)..=(model, u32::MAX));
        let of_chosen = buckets.filter(|(_, (_, providers))| providers.iter().any(|p| chosen(*p)));
        Some(of_chosen.map(|(_, (admits, _))| admits).sum())
    }

    /// The provider with the largest capacity; one without limit before all others.
    fn largest(&self, model: u16) -> u16 {
        let limited = self.limited.range((model, 0)..=(model, u32::MAX));
        let mut providers: BTreeSet<u16> =
            limited.flat_map(|(_, (_, p))| p.iter().copied()).collect();
        providers.extend(self.unlimited.range((model, 0)..=(model, u16::MAX)).map(|(_, p)| *p));
        let size = |provider| {
            self.requests_per_s(model, |other| other == provider).unwrap_or(f64::INFINITY)
        };
        let is_larger = |next: u16, best: u16| size(next) > size(best) * (1.0 + ROUNDING);
        let larger = |best: u16, next: u16| if is_larger(next, best) { next } else { best };
        providers.into_iter().reduce(larger).unwrap_or(0)
    }

    fn models_of(&self, provider: u16) -> BTreeSet<u16> {
        let limited =
            self.limited.iter().filter(|(_, (_, providers))| providers.contains(&provider));
        let free = self.unlimited.iter().filter(|(_, other)| *other == provider);
        limited.map(|((model, _), _)| *model).chain(free.map(|(model, _)| *model)).collect()
    }
}

/// Requests per second of the mix asked of `model` that a bucket admits.
fn admits(limit: &Limit, model: u16, demand: &Demand) -> f64 {
    let asked = demand.requests_per_s(model);
    let mut least = limit.rpm.map_or(f64::INFINITY, |rpm| rpm as f64 / 60.0);
    if let Some(tpm) = limit.tpm {
        least = least.min(tpm as f64 / 60.0 / demand.tokens_per_s(model, &limit.rules) * asked);
    }
    if let LimitRules::Anthropic { output_tpm, .. } = limit.rules {
        let charged = demand.output_per_s(model, &limit.rules);
        least = least.min(output_tpm as f64 / 60.0 / charged * asked);
    }
    least
}
