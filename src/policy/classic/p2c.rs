//! Two different draws, and the one with fewer attempts under way; the first where they tie.
//!
//! Source of the draw: twitter/finagle, 4feb34cb9, and tower-rs/tower, 8358ee71. The rule itself:
//! Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 1996.

use crate::engine::{Outcome, Settings, Time};
use crate::policy::part::{Candidates, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "p2c",
    product: "textbook",
    source: "Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 1996",
    doc: "Two different draws, and the one with fewer attempts in flight; the first where they tie.",
    family: Family::Classic,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &[],
    preset: &[],
    build: |_: &Settings, pool: &Pool, _: Time, _: u64| Ok(Box::new(TwoChoices::new(pool))),
};

/// The less busy of two.
#[derive(Debug)]
struct TwoChoices {
    candidates: Candidates,
    flying: Vec<u32>,
}

impl TwoChoices {
    fn new(pool: &Pool) -> Self {
        Self { candidates: Candidates::new(pool), flying: vec![0; pool.routes.len()] }
    }
}

impl Policy for TwoChoices {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let (a, b) = pick::pair(self.candidates.among(request), avoid, luck)?;
        let route = if self.flying[a.index()] <= self.flying[b.index()] { a } else { b };
        self.flying[route.index()] += 1;
        Some(Attempt::to(route))
    }

    fn on_end(&mut self, _: Time, sent: &Sent, _: &Outcome) {
        let flying = &mut self.flying[sent.route.index()];
        *flying = flying.saturating_sub(1);
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, flying) in views.iter_mut().zip(&self.flying) {
            *view = RouteView { weight: 1.0 / f64::from(flying + 1), ..RouteView::default() };
        }
        for model in self.candidates.models() {
            let load = |route: RouteId| f64::from(self.flying[route.index()]);
            let routes = self.candidates.of(model);
            pick::shares(routes, load, |r, share| views[r.index()].expected = share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{FAILED, Stand, keeps_the_contract, near};
    use super::*;

    #[test]
    fn the_contract_holds() {
        keeps_the_contract(&SPEC);
    }

    #[test]
    fn shares_are_those_of_two_different_draws_by_rank() {
        let mut stand = Stand::new(&SPEC, 3, &[]);
        let busy = [stand.to(1.0, 2).unwrap(), stand.to(1.0, 2).unwrap()];
        stand.to(1.0, 1).unwrap();
        let expected = [2.0 / 3.0, 1.0 / 3.0, 0.0];
        near(&stand.expected(), &expected, 1e-12);
        let shares: Vec<f64> =
            stand.counts(1.0, 30_000).iter().map(|n| f64::from(*n) / 30_000.0).collect();
        near(&shares, &expected, 0.01);
        // An error frees a place as an answer does: who fails fast looks idle.
        busy.iter().for_each(|sent| stand.end(1.1, sent, FAILED));
        near(&stand.expected(), &[0.5, 0.0, 0.5], 1e-12);
    }
}
