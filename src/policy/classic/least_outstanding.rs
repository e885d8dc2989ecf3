//! The route with the fewest attempts under way, by chance among those that tie.

use crate::engine::{Outcome, Settings, Time, luck};
use crate::policy::part::Candidates;
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "least-outstanding",
    product: "textbook",
    source: "textbook",
    doc: "The fewest attempts in flight of all routes of the model, by chance among those that tie.",
    family: Family::Classic,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &[],
    preset: &[],
    build: |_: &Settings, pool: &Pool, _: Time, _: u64| Ok(Box::new(LeastOutstanding::new(pool))),
};

/// The fewest in flight.
#[derive(Debug)]
struct LeastOutstanding {
    candidates: Candidates,
    flying: Vec<u32>,
}

impl LeastOutstanding {
    fn new(pool: &Pool) -> Self {
        Self { candidates: Candidates::new(pool), flying: vec![0; pool.routes.len()] }
    }
}

impl Policy for LeastOutstanding {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let routes = self.candidates.among(request);
        let left = || routes.iter().copied().filter(|route| !avoid.contains(route));
        let least = left().map(|route| self.flying[route.index()]).min()?;
        let tied = || left().filter(|route| self.flying[route.index()] == least);
        let route = tied().nth(luck::below(luck, tied().count() as u32) as usize)?;
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
            let routes = self.candidates.of(model);
            let flying = |route: &RouteId| self.flying[route.index()];
            let least = routes.iter().map(flying).min();
            let tied = || routes.iter().filter(|route| Some(flying(route)) == least);
            let share = 1.0 / tied().count() as f64;
            tied().for_each(|route| views[route.index()].expected = share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DONE, FAILED, Stand, keeps_the_contract, near};
    use super::*;

    #[test]
    fn the_contract_holds() {
        keeps_the_contract(&SPEC);
    }

    #[test]
    fn the_least_is_taken_and_an_error_frees_as_an_answer_does() {
        let mut stand = Stand::new(&SPEC, 3, &[]);
        let sent: Vec<Sent> = (0..6).map(|_| stand.ask(1.0, &[]).unwrap()).collect();
        let mut first: Vec<u32> = sent[..3].iter().map(|sent| sent.route.0).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2]);
        stand.end(1.1, &sent[0], DONE);
        assert_eq!(stand.goes(1.2), Some(sent[0].route.0));
        stand.end(1.3, &sent[1], FAILED);
        near(&[stand.expected()[sent[1].route.index()]], &[1.0], 1e-12);
        assert_eq!(stand.goes(1.4), Some(sent[1].route.0));
    }

    #[test]
    fn those_that_tie_are_drawn_evenly() {
        let mut stand = Stand::new(&SPEC, 4, &[]);
        stand.to(1.0, 2).unwrap();
        let counts = stand.counts(1.0, 9_000);
        assert_eq!(counts[2], 0);
        assert!([0, 1, 3].iter().all(|i| (2_800..3_200).contains(&counts[*i])), "{counts:?}");
    }
}
