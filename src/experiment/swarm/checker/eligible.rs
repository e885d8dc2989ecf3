//! Attempts go where they may: at the model and inside the set that the process was told, and where the tenant's key may
//! go at all, on every attempt. Where no rule leads elsewhere, the model is the one asked for.

use crate::policy::{RouteInfo, Step};

use super::super::evidence::{Evidence, Life};
use super::super::spy::What;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let pool = &seen.spec().pool;
    let leads = seen.spec().tenancy.as_ref().is_some_and(|tenancy| !tenancy.rules.is_empty());
    for (life, of) in seen.tries() {
        let route = &pool.routes[of.attempt.route.index()];
        if route.model != life.request.model && !leads {
            let asked = &pool.models[usize::from(life.request.model.0)];
            return Err(format!("a request for {asked} is sent to {} at {}", route.name, of.sent));
        }
        if !may(seen, life, route) {
            return Err(format!(
                "a request is sent to {} at {}, which its key may not use",
                route.name, of.sent
            ));
        }
    }
    for note in &seen.notes {
        let What::Asked { request, step: Step::Send(attempt), .. } = &note.what else { continue };
        let set = request.set.index().map(|set| &pool.sets[set]);
        let route = &pool.routes[attempt.route.index()];
        if route.model != request.model {
            let asked = &pool.models[usize::from(request.model.0)];
            return Err(format!(
                "a process is asked for {asked} at {} and takes {}",
                note.now, route.name
            ));
        }
        if set.is_some_and(|set| !set.contains(&attempt.route)) {
            let (at, route) = (note.now, &route.name);
            return Err(format!("a request is sent to {route} at {at}, outside its set"));
        }
    }
    Ok(())
}

/// Whether the key of a request may use a route at all, whatever is left of its limits.
fn may(seen: &Evidence, life: &Life, route: &RouteInfo) -> bool {
    let Some(tenancy) = &seen.spec().tenancy else { return true };
    let Some(key) = seen.keys.get(&life.request.id) else { return false };
    tenancy.plan.keys[*key as usize].configs.iter().any(|config| {
        config.provider == route.provider.0
            && config.keys.has(route.key.as_str())
            && config.models.has(&route.model.0)
            && !config.blacklist.contains(&route.model.0)
    })
}
