//! A uniform draw among the routes of the model, once. The floor under every comparison.

use crate::engine::{Settings, Time};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView,
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "random",
    product: "textbook",
    source: "textbook",
    doc: "A uniform draw among the routes of the model; no retries, no memory.",
    family: Family::Classic,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &[],
    preset: &[],
    build: |_: &Settings, pool: &Pool, _: Time, _: u64| Ok(Box::new(Random::new(pool))),
};

/// A uniform draw.
#[derive(Debug)]
pub struct Random {
    candidates: Candidates,
}

impl Random {
    /// Over the routes of a pool.
    pub fn new(pool: &Pool) -> Self {
        Self { candidates: Candidates::new(pool) }
    }
}

impl Policy for Random {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.candidates.draw(request, avoid, luck).map(Attempt::to)
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, view) in views.iter_mut().enumerate() {
            let route = RouteId(i as u32);
            let rivals = self.candidates.of(self.candidates.model(route)).len();
            let share = if self.candidates.has(route) { 1.0 / rivals as f64 } else { 0.0 };
            *view = RouteView { weight: 1.0, expected: share, ..RouteView::default() };
        }
    }
}
