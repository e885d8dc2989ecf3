//! What a balancer shows after its tick is what the tick made: no older health, no probability that is none, nothing
//! for routes that are not there.

use crate::policy::RouteView;

use super::super::evidence::Evidence;
use super::super::spy::What;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let pool = &seen.spec().pool;
    let mut changes: Vec<_> = seen.spec().changes.iter().collect();
    changes.sort_by_key(|change| change.at);
    let is_engine = seen.scenario.policy.spec.params.iter().any(|param| param.id == "share.mode");
    for note in &seen.notes {
        let What::Woke { changed, views } = &note.what else { continue };
        for (route, view) in pool.routes.iter().zip(views) {
            let RouteView { weight, expected, parts, .. } = view;
            let finite = weight.is_finite() && parts.iter().all(|part| part.is_finite());
            if !finite || *weight < 0.0 || !(0.0..=1.0 + SLACK).contains(expected) {
                return Err(format!("{} is shown as {view:?} at {}", route.name, note.now));
            }
        }
        for route in pool.routes.iter().enumerate().map(|(at, _)| at) {
            let last = changed.iter().rfind(|change| change.route.index() == route);
            if let Some(change) = last.filter(|change| change.to != views[route].health) {
                let (name, shown) = (&pool.routes[route].name, views[route].health);
                return Err(format!(
                    "{name} became {:?} at {}, and is shown as {shown:?}",
                    change.to, note.now
                ));
            }
            let mut said = changes.iter().rev().filter(|change| change.at <= note.now);
            let is_there = said.find_map(|change| change.puts(route as u32));
            if is_there == Some(false) && views[route].expected > 0.0 {
                let name = &pool.routes[route].name;
                return Err(format!("{name} is gone at {}, and expected to be chosen", note.now));
            }
        }
        for model in 0..pool.models.len() {
            let own = pool
                .routes
                .iter()
                .zip(views)
                .filter(|(route, _)| usize::from(route.model.0) == model);
            let sum: f64 = own.map(|(_, view)| view.expected).sum();
            // Where a process of a product has several workers, one of them may have nowhere to send to.
            let whole = is_engine || sum > 1.0;
            if sum > SLACK && whole && (sum - 1.0).abs() > SLACK {
                return Err(format!(
                    "probabilities for {} sum to {sum} at {}",
                    pool.models[model], note.now
                ));
            }
        }
    }
    Ok(())
}

/// Of sums of probabilities.
const SLACK: f64 = 1e-6;
