//! The routes that can serve a model, and draws among them.

use std::sync::Arc;

use crate::engine::luck;
use crate::policy::{ModelId, Pool, Request, RouteId};

/// Which routes of a pool are present, by model, ascending; and of those, which a request is confined to.
#[derive(Clone, Debug)]
pub struct Candidates {
    of: Vec<Vec<RouteId>>,
    models: Vec<ModelId>,
    sets: Arc<[Vec<RouteId>]>,
    /// What is present of each set, set by set and model by model.
    within: Vec<Vec<RouteId>>,
}

impl Candidates {
    /// All routes of a pool.
    pub fn new(pool: &Pool) -> Self {
        let mut of = vec![Vec::new(); pool.models.len()];
        for (i, route) in pool.routes.iter().enumerate() {
            of[usize::from(route.model.0)].push(RouteId(i as u32));
        }
        let models: Vec<ModelId> = pool.routes.iter().map(|route| route.model).collect();
        let mut within = vec![Vec::new(); pool.sets.len() * of.len()];
        for (set, routes) in pool.sets.iter().enumerate() {
            for route in routes {
                let model = usize::from(models[route.index()].0);
                within[set * of.len() + model].push(*route);
            }
        }
        Self { of, models, sets: Arc::clone(&pool.sets), within }
    }

    /// The routes present that may serve a request.
    #[inline]
    pub fn among(&self, request: &Request) -> &[RouteId] {
        let model = usize::from(request.model.0);
        match request.set.index() {
            None => &self.of[model],
            Some(set) => &self.within[set * self.of.len() + model],
        }
    }

    /// Whether a route is present and may serve a request.
    pub fn may(&self, request: &Request, route: RouteId) -> bool {
        self.among(request).binary_search(&route).is_ok()
    }

    /// The routes present that serve a model.
    pub fn of(&self, model: ModelId) -> &[RouteId] {
        &self.of[usize::from(model.0)]
    }

    /// All models.
    pub fn models(&self) -> impl Iterator<Item = ModelId> + use<> {
        (0..self.of.len() as u16).map(ModelId)
    }

    /// The model that a route serves.
    pub fn model(&self, route: RouteId) -> ModelId {
        self.models[route.index()]
    }

    /// Whether a route is present.
    pub fn has(&self, route: RouteId) -> bool {
        self.of(self.model(route)).binary_search(&route).is_ok()
    }

    /// Takes a route out, or puts it in.
    pub fn set_present(&mut self, route: RouteId, present: bool) {
        let model = usize::from(self.model(route).0);
        put(&mut self.of[model], route, present);
        for (set, routes) in self.sets.iter().enumerate() {
            if routes.binary_search(&route).is_ok() {
                put(&mut self.within[set * self.of.len() + model], route, present);
            }
        }
    }

    /// A uniform draw among the routes for a request that are not in `avoid`.
    pub fn draw(&self, request: &Request, avoid: &[RouteId], word: u64) -> Option<RouteId> {
        uniform(self.among(request), avoid, word)
    }
}

/// Puts a route into an ascending list, or takes it out.
fn put(list: &mut Vec<RouteId>, route: RouteId, present: bool) {
    match list.binary_search(&route) {
        Ok(at) if !present => drop(list.remove(at)),
        Err(at) if present => list.insert(at, route),
        _ => {}
    }
}

/// A uniform draw among the routes of a list that are not in `avoid`.
pub fn uniform(routes: &[RouteId], avoid: &[RouteId], word: u64) -> Option<RouteId> {
    if avoid.is_empty() {
        return routes.get(luck::below(word, routes.len() as u32) as usize).copied();
    }
    let left = routes.iter().filter(|route| !avoid.contains(route)).count() as u32;
    let nth = luck::below(word, left.max(1)) as usize;
    routes.iter().filter(|route| !avoid.contains(route)).nth(nth).copied()
}

/// The route with the least score, the first of those that tie; `None` if the iterator is empty.
pub fn least(scored: impl IntoIterator<Item = (RouteId, f64)>) -> Option<RouteId> {
    let mut best: Option<(RouteId, f64)> = None;
    for (route, score) in scored {
        if best.is_none_or(|(_, least)| score < least) {
            best = Some((route, score));
        }
    }
    best.map(|(route, _)| route)
}
