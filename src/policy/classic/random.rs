//! A uniform draw among the routes of the model, once. The floor under every comparison.

use crate::engine::{Settings, Time, luck};
use crate::policy::{Attempt, Past, Policy, PolicySpec, Pool, Request, RouteId, RouteView, Step};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "random",
    product: "windtunnel",
    source: "textbook",
    doc: "A uniform draw among the routes of the model; no retries, no memory.",
    params: &[],
    preset: &[],
    build: |_: &Settings, pool: &Pool, _: Time, _: u64| Ok(Box::new(Random::new(pool))),
};

/// A uniform draw.
#[derive(Debug)]
pub struct Random {
    /// Routes by model.
    routes: Vec<Vec<RouteId>>,
    shares: Vec<f64>,
}

impl Random {
    /// Over the routes of a pool.
    pub fn new(pool: &Pool) -> Self {
        let mut routes = vec![Vec::new(); pool.models.len()];
        for (i, route) in pool.routes.iter().enumerate() {
            routes[usize::from(route.model.0)].push(RouteId(i as u32));
        }
        let shares =
            pool.routes.iter().map(|r| 1.0 / routes[usize::from(r.model.0)].len() as f64).collect();
        Self { routes, shares }
    }
}

impl Policy for Random {
    fn next(&mut self, _: Time, request: &Request, past: &[Past], _: u32, word: u64) -> Step {
        if let Some(last) = past.last() {
            return Step::Stop { status: last.outcome.status() };
        }
        let routes = &self.routes[usize::from(request.model.0)];
        match routes.get(luck::below(word, routes.len() as u32) as usize) {
            Some(&route) => {
                let (ttft_timeout, total_timeout) = (None, None);
                Step::Send(Attempt { route, ttft_timeout, total_timeout, tag: 0, explored: false })
            }
            None => Step::Stop { status: 404 },
        }
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, share) in views.iter_mut().zip(&self.shares) {
            *view = RouteView { weight: 1.0, expected: *share, ..RouteView::default() };
        }
    }
}
