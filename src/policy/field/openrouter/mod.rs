//! OpenRouter's two published rules: by price alone with a short memory of outages, and by what a good answer
//! costs.

pub mod classic;
mod endpoint;
pub mod traffic;

use crate::engine::{Outcome, Time};
use crate::policy::{Past, Policy, Request, RouteId, RouteInfo, Step};

/// Price of a route's tokens, this many of the prompt for each of the output; at least one nano-dollar.
fn price(route: &RouteInfo, prompt_parts: f64) -> f64 {
    let sum = prompt_parts * route.price_prompt as f64 + route.price_output as f64;
    (sum / (prompt_parts + 1.0)).max(1.0)
}

/// Chooses again among the routes that a request has not tried, after failures that may be the route's.
fn elsewhere(
    policy: &mut dyn Policy,
    tried: &mut Vec<RouteId>,
    (now, request, past): (Time, &Request, &[Past]),
    word: u64,
) -> Step {
    let stop = match past.last().map(|last| last.outcome) {
        None => Step::Stop { status: 503 },
        Some(
            outcome @ (Outcome::Done { .. }
            | Outcome::CallerFault { .. }
            | Outcome::StreamBroken { .. }
            | Outcome::Cancelled),
        ) => return Step::Stop { status: outcome.status() },
        Some(outcome) => Step::Stop { status: outcome.status() },
    };
    tried.clear();
    tried.extend(past.iter().map(|past| past.route));
    policy.choose(now, request, tried, word).map_or(stop, Step::Send)
}
