//! The routes of the model one after the other, in their order, retries included.

use crate::engine::{Settings, Time};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView,
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "round-robin",
    product: "textbook",
    source: "textbook",
    doc: "The routes of the model one after the other; no retries, no memory but whose turn it is.",
    family: Family::Classic,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &[],
    preset: &[],
    build: |_: &Settings, pool: &Pool, _: Time, _: u64| Ok(Box::new(RoundRobin::new(pool))),
};

/// One after the other.
#[derive(Debug)]
struct RoundRobin {
    candidates: Candidates,
    /// Who came last, by model.
    last: Vec<Option<RouteId>>,
}

impl RoundRobin {
    fn new(pool: &Pool) -> Self {
        Self { candidates: Candidates::new(pool), last: vec![None; pool.models.len()] }
    }
}

impl Policy for RoundRobin {
    fn choose(&mut self, _: Time, request: &Request, avoid: &[RouteId], _: u64) -> Option<Attempt> {
        let routes = self.candidates.among(request);
        let last = &mut self.last[usize::from(request.model.0)];
        let from = last.map_or(0, |last| routes.partition_point(|route| *route <= last));
        let (before, after) = routes.split_at(from);
        let turns = after.iter().chain(before);
        let route = turns.copied().find(|route| !avoid.contains(route))?;
        *last = Some(route);
        Some(Attempt::to(route))
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        views.fill(RouteView { weight: 1.0, ..RouteView::default() });
        for model in self.candidates.models() {
            let routes = self.candidates.of(model);
            for route in routes {
                views[route.index()].expected = 1.0 / routes.len() as f64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Stand, keeps_the_contract};
    use super::*;

    #[test]
    fn the_contract_holds() {
        keeps_the_contract(&SPEC);
    }

    #[test]
    fn turns_go_round_skip_what_is_avoided_and_outlive_a_removal() {
        let mut stand = Stand::new(&SPEC, 4, &[]);
        let mut turns = |n| (0..n).map(|_| stand.goes(1.0).unwrap()).collect::<Vec<_>>();
        assert_eq!(turns(6), [0, 1, 2, 3, 0, 1]);
        assert_eq!(stand.ask(1.0, &[2]).unwrap().route.0, 3);
        assert_eq!(stand.goes(1.0), Some(0));
        stand.present(1.0, 0, false);
        stand.present(1.0, 1, false);
        assert_eq!(
            [stand.goes(1.0), stand.goes(1.0), stand.goes(1.0)],
            [Some(2), Some(3), Some(2)]
        );
    }
}
