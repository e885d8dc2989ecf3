//! LMetric: prompt tokens still to be read times batch size, the least product wins.
//!
//! Source: D. Zhang et al., LMetric: Simple is Better, arXiv 2603.15202, 2026. The paper's router sees its own
//! inference servers; here both factors come from what the gateway itself has under way at a route.
//!
//! Our choices: a prompt counts as unread until its stream's first token, or until the end of an answer that is
//! not streamed; the request itself counts in both factors, so that idle routes differ; ties go to a drawn one.
//!
//! Left out: prefix caches, which API providers do not show, so all of a prompt is new.

use crate::engine::{Outcome, Time};
use crate::policy::part::{Candidates, least};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
};

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "lmetric",
    product: "LMetric, 2026, from the gateway's own counts",
    source: "Zhang et al., LMetric, arXiv 2603.15202, 2026",
    doc: "The route with the least product of prompt tokens still to be read and attempts in flight.",
    family: Family::Field,
    grade: Grade::Documents,
    left_out: "prefix caches, queues and batches as the servers see them",
    process: Process::ONE,
    params: &[],
    preset: &[],
    build: |_, pool, _, _| Ok(Box::new(Lmetric::new(pool))),
};

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    unread: u64,
    in_flight: u64,
}

#[derive(Debug)]
struct Lmetric {
    candidates: Candidates,
    loads: Vec<Load>,
}

impl Lmetric {
    fn new(pool: &Pool) -> Self {
        Self { candidates: Candidates::new(pool), loads: vec![Load::default(); pool.routes.len()] }
    }

    fn was_read(&mut self, sent: &Sent) {
        let load = &mut self.loads[sent.route.index()];
        load.unread = load.unread.saturating_sub(u64::from(sent.prompt_tokens));
    }
}

impl Policy for Lmetric {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<Attempt> {
        let prompt = u64::from(request.prompt_tokens);
        let routes = super::rotated(self.candidates.among(request), word);
        let left = routes.filter(|route| !avoid.contains(route));
        let route = least(left.map(|route| {
            let load = self.loads[route.index()];
            (route, (load.unread + prompt) as f64 * (load.in_flight + 1) as f64)
        }))?;
        let load = &mut self.loads[route.index()];
        load.unread += prompt;
        load.in_flight += 1;
        Some(Attempt::to(route))
    }

    fn on_first_token(&mut self, _: Time, sent: &Sent) {
        self.was_read(sent);
    }

    fn on_end(&mut self, _: Time, sent: &Sent, _: &Outcome) {
        if !sent.heard {
            self.was_read(sent);
        }
        let load = &mut self.loads[sent.route.index()];
        load.in_flight = load.in_flight.saturating_sub(1);
    }

    fn wants_first_token(&self) -> bool {
        true
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, load) in views.iter_mut().zip(&self.loads) {
            let product = load.unread as f64 * load.in_flight as f64;
            *view = RouteView { weight: 1.0 / (1.0 + product), ..RouteView::default() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{done, pool, request, sent, shares};

    fn pick(policy: &mut Lmetric, prompt_tokens: u32) -> RouteId {
        let request = Request { prompt_tokens, ..request(1) };
        policy.choose(Time::ZERO, &request, &[], 7).unwrap().route
    }

    #[test]
    fn the_least_product_of_unread_tokens_and_batch_wins() {
        let mut policy = Lmetric::new(&pool(&[2]));
        policy.loads[0] = Load { unread: 500, in_flight: 3 };
        policy.loads[1] = Load { unread: 1_100, in_flight: 2 };
        // (500 + 100) × 4 = 2,400 against (1,100 + 100) × 3; then 700 × 5 = 3,500 and 3,600; then 800 × 6.
        assert_eq!(pick(&mut policy, 100), RouteId(0));
        assert_eq!(pick(&mut policy, 100), RouteId(0));
        assert_eq!(pick(&mut policy, 100), RouteId(1));
    }

    #[test]
    fn a_prompt_is_read_at_its_first_token_and_no_later_than_its_end() {
        let mut policy = Lmetric::new(&pool(&[1]));
        let (one, two) = (request(1), request(2));
        let attempt = policy.choose(Time::ZERO, &one, &[], 7).unwrap();
        policy.choose(Time::ZERO, &two, &[], 7).unwrap();
        assert_eq!((policy.loads[0].unread, policy.loads[0].in_flight), (2_000, 2));
        policy.on_first_token(Time(1), &sent(&one, &attempt, Time::ZERO));
        assert_eq!(policy.loads[0].unread, 1_000);
        policy.on_end(Time(2), &sent(&one, &attempt, Time::ZERO), &done(1));
        assert_eq!((policy.loads[0].unread, policy.loads[0].in_flight), (1_000, 1));
        let unheard = Sent { heard: false, ..sent(&two, &attempt, Time::ZERO) };
        policy.on_end(Time(3), &unheard, &Outcome::Timeout);
        assert_eq!((policy.loads[0].unread, policy.loads[0].in_flight), (0, 0));
        assert!(policy.wants_first_token());
    }

    #[test]
    fn ties_are_even_and_what_is_avoided_or_absent_is_not_taken() {
        let mut policy = Lmetric::new(&pool(&[4]));
        let first: Vec<RouteId> = (0..4).map(|_| pick(&mut policy, 10)).collect();
        assert!((0..4).all(|route| first.contains(&RouteId(route))));
        policy.set_present(Time::ZERO, RouteId(3), false);
        let avoid = [RouteId(0), RouteId(1)];
        let attempt = policy.choose(Time::ZERO, &request(1), &avoid, 7).unwrap();
        assert_eq!(attempt.route, RouteId(2));
        let all = [RouteId(0), RouteId(1), RouteId(2)];
        assert!(policy.choose(Time::ZERO, &request(1), &all, 7).is_none());
        let mut idle = Lmetric::new(&pool(&[4]));
        // The fixture ends every attempt as heard, without a first token.
        let seen = shares(&mut idle, Time::ZERO, 4, 8_000);
        assert!(seen.iter().all(|share| (share - 0.25).abs() < 0.02), "{seen:?}");
    }
}
