//! The routes that can serve a model, and draws among them.

use crate::engine::luck;
use crate::policy::{ModelId, Pool, RouteId};

/// Which routes of a pool are present, by model, ascending.
#[derive(Clone, Debug)]
pub struct Candidates {
    of: Vec<Vec<RouteId>>,
    models: Vec<ModelId>,
}

impl Candidates {
    /// All routes of a pool.
    pub fn new(pool: &Pool) -> Self {
        let mut of = vec![Vec::new(); pool.models.len()];
        for (i, route) in pool.routes.iter().enumerate() {
            of[usize::from(route.model.0)].push(RouteId(i as u32));
        }
        Self { of, models: pool.routes.iter().map(|route| route.model).collect() }
    }

    /// How many models there are.
    pub fn models(&self) -> usize {
        self.of.len()
    }

    /// The routes present that serve a model.
    pub fn of(&self, model: ModelId) -> &[RouteId] {
        &self.of[usize::from(model.0)]
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
        let model = self.model(route);
        let list = &mut self.of[usize::from(model.0)];
        match list.binary_search(&route) {
            Ok(at) if !present => drop(list.remove(at)),
            Err(at) if present => list.insert(at, route),
            _ => {}
        }
    }

    /// A uniform draw among the routes of a model that are not in `avoid`.
    pub fn draw(&self, model: ModelId, avoid: &[RouteId], word: u64) -> Option<RouteId> {
        uniform(self.of(model), avoid, word)
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
