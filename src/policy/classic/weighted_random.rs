//! A draw among the routes of the model in proportion to their configured weights.

use crate::engine::{Settings, Time};
use crate::policy::part::{Candidates, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView,
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "weighted-random",
    product: "textbook",
    source: "textbook",
    doc: "A draw in proportion to configured weights; a route of weight 0 gets nothing.",
    family: Family::Classic,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &[],
    preset: &[],
    build: |_: &Settings, pool: &Pool, _: Time, _: u64| Ok(Box::new(WeightedRandom::new(pool))),
};

/// A draw by weight.
#[derive(Debug)]
struct WeightedRandom {
    candidates: Candidates,
    weights: Vec<f64>,
}

impl WeightedRandom {
    fn new(pool: &Pool) -> Self {
        let weights = pool.routes.iter().map(|route| route.weight).collect();
        Self { candidates: Candidates::new(pool), weights }
    }
}

impl Policy for WeightedRandom {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let routes = self.candidates.among(request);
        pick::by_weight(routes, avoid, luck, |route| self.weights[route.index()]).map(Attempt::to)
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, weight) in views.iter_mut().zip(&self.weights) {
            *view = RouteView { weight: *weight, ..RouteView::default() };
        }
        for model in self.candidates.models() {
            let routes = self.candidates.of(model);
            let sum: f64 = routes.iter().map(|route| self.weights[route.index()]).sum();
            for route in routes.iter().filter(|_| sum > 0.0) {
                views[route.index()].expected = self.weights[route.index()] / sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, keeps_the_contract, near};
    use super::*;

    #[test]
    fn the_contract_holds() {
        keeps_the_contract(&SPEC);
    }

    #[test]
    fn shares_follow_weights_and_weight_zero_gets_nothing() {
        let mut stand = Stand::weighted(&SPEC, &[1.0, 0.0, 5.0, 2.0], &[]);
        near(&stand.expected(), &[0.125, 0.0, 0.625, 0.25], 1e-12);
        let counts = stand.counts(1.0, 40_000);
        assert_eq!(counts[1], 0);
        let shares: Vec<f64> = counts.iter().map(|n| f64::from(*n) / 40_000.0).collect();
        near(&shares, &[0.125, 0.0, 0.625, 0.25], 0.01);
        assert_eq!(stand.to(1.0, 1), None);
        stand.present(2.0, 2, false);
        near(&stand.expected(), &[1.0 / 3.0, 0.0, 0.0, 2.0 / 3.0], 1e-12);
    }
}
