//! Providers, keys, regions and models, multiplied out into routes.

use crate::policy::{ModelId, Pool, ProviderId, RouteInfo};
use crate::sim::spec::{Limit, Place, Provider, Service};

use super::at::At;
use super::demand::Demand;
use super::error::Problem;
use super::limits::{self, Buckets, Name};
use super::provider::{Draft, ERROR_AFTER};

/// Everything that answers.
pub(crate) struct World {
    pub(crate) pool: Pool,
    pub(crate) places: Vec<Place>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) providers: Vec<Provider>,
    /// How many providers serve each model.
    pub(crate) servers: Vec<u16>,
}

/// A run with more routes than this would not fit into memory.
const ROUTES_MAX: usize = 1_000_000;
const PROVIDERS_MAX: usize = 10_000;

/// Builds the world, routes in the order provider, model, region, key.
pub(crate) fn build(
    drafts: &[Draft],
    models: Vec<String>,
    demand: &Demand,
) -> Result<World, Problem> {
    check_size(drafts)?;
    let servers = servers(drafts, &models)?;
    let mut routes = Vec::new();
    let mut homes = Vec::new();
    let mut buckets = Buckets::default();
    for (provider, draft) in drafts.iter().enumerate() {
        limits::check_relative(draft, demand)?;
        for (at, &model) in draft.models.iter().enumerate() {
            for (region_at, region) in draft.regions.iter().enumerate() {
                let service = (at * draft.regions.len() + region_at) as u32;
                for key in &draft.keys {
                    let own = format!("{}/{}", draft.name, key.name);
                    let pool = draft.pool.clone().unwrap_or(own);
                    let model_name = models[usize::from(model)].as_str();
                    let name = Name { pool: &pool, model, model_name, region };
                    let bring = limits::bring(draft, key, model, demand, &servers);
                    let bucket = if draft.hidden.is_empty() {
                        buckets.add(&name, draft, bring)?
                    } else {
                        buckets.add_hidden(&name, draft, bring)?
                    };
                    let more = draft.hidden.len().saturating_sub(1) as u8;
                    homes.push((bucket, more, service));
                    routes.push(RouteInfo {
                        name: route_name(draft, model_name, &key.name, region),
                        provider: ProviderId(provider as u16),
                        model: ModelId(model),
                        key: key.name.clone(),
                        region: region.clone(),
                        pool,
                        weight: key.weight,
                        tpm: None,
                        rpm: None,
                        price_prompt: draft.profile.price_prompt,
                        price_output: draft.profile.price_output,
                        about: draft.about.clone(),
                    });
                }
            }
        }
    }
    let (limits, became) = buckets.limits();
    let mut places = Vec::with_capacity(routes.len());
    for (route, (bucket, more, service)) in routes.iter_mut().zip(homes) {
        let limit = became[bucket];
        let place = Place { limit, more: if limit.is_some() { more } else { 0 }, service };
        // What an operator would write down: all regions together.
        let own = || place.limits().map(|limit| &limits[limit as usize]);
        if limit.is_some() {
            route.tpm = own().map(|limit| limit.tpm).sum();
            route.rpm = own().map(|limit| limit.rpm).sum();
        }
        places.push(place);
    }
    check_weights(&routes, &models)?;
    let names = drafts.iter().map(|draft| draft.name.clone()).collect();
    let providers = drafts.iter().map(provider).collect();
    Ok(World {
        pool: Pool { providers: names, models, routes, ..Pool::default() },
        places,
        limits,
        providers,
        servers,
    })
}

fn check_size(drafts: &[Draft]) -> Result<(), Problem> {
    let at = At::top().key("provider");
    if drafts.is_empty() || drafts.len() > PROVIDERS_MAX {
        return Err(Problem::new(at, format!("`provider` names {} providers", drafts.len()))
            .expected(
                "expected 1 to 10,000 providers, such as azure = { profile = \"azure/gpt-4o\" }",
            ));
    }
    let own = |draft: &Draft| draft.keys.len() * draft.models.len() * draft.regions.len();
    let routes: usize = drafts.iter().map(own).sum();
    match drafts.iter().max_by_key(|draft| own(draft)) {
        Some(most) if routes > ROUTES_MAX => {
            Err(Problem::new(most.at.key("keys"), format!("{routes} routes are too many"))
                .expected("expected at most 1,000,000 routes: keys × models × regions"))
        }
        _ => Ok(()),
    }
}

fn servers(drafts: &[Draft], models: &[String]) -> Result<Vec<u16>, Problem> {
    let mut servers = vec![0u16; models.len()];
    for &model in drafts.iter().flat_map(|draft| &draft.models) {
        servers[usize::from(model)] += 1;
    }
    match servers.iter().position(|count| *count == 0) {
        None => Ok(servers),
        Some(model) => {
            let message = format!("no provider serves the model `{}`", models[model]);
            Err(Problem::new(At::top().key("provider"), message)
                .expected("expected at least one provider for every model")
                .help(format!("add \"{}\" to the models of a provider", models[model])))
        }
    }
}

fn check_weights(routes: &[RouteInfo], models: &[String]) -> Result<(), Problem> {
    let mut sums = vec![0.0; models.len()];
    for route in routes {
        sums[usize::from(route.model.0)] += route.weight;
    }
    match sums.iter().position(|sum| *sum <= 0.0) {
        None => Ok(()),
        Some(model) => {
            let message = format!("weights of the routes for `{}` sum to nothing", models[model]);
            Err(Problem::new(At::top().key("provider"), message)
                .expected("expected at least one weight above 0"))
        }
    }
}

fn route_name(draft: &Draft, model: &str, key: &str, region: &str) -> String {
    let name = format!("{}:{model}/{key}", draft.name);
    if draft.regions.len() > 1 { format!("{name}@{region}") } else { name }
}

fn provider(draft: &Draft) -> Provider {
    let service = Service { latency: draft.latency, capacity: draft.capacity };
    Provider {
        name: draft.name.clone(),
        profile: draft.profile.name.to_owned(),
        services: vec![service; draft.models.len() * draft.regions.len()],
        error_rate: draft.error_rate,
        hang_rate: draft.hang_rate,
        error_after: ERROR_AFTER,
        caching: draft.caching,
    }
}
