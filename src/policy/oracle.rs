//! The oracle: what routing could do if it knew what nobody can know.
//!
//! It sees the hidden state of the world now (which routes fail and how often, what limits still admit, mean
//! latencies), not the luck of attempts to come, and no future fault. Among the routes on which an attempt
//! is as likely to be answered as anywhere, and not much slower than on the fastest, it takes the one with
//! the largest part of its supply left, so that no limit runs dry while another refills for nothing.
//!
//! It is the measure for regret, no product. All of it is our choice.

use crate::engine::{Outcome, Param, Settings, Time, Unit, luck};

use super::part::Candidates;
use super::{
    Attempt, Deadline, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId,
    RouteView, Sees, Sent, Truth,
};

/// Its parameters.
pub static TABLE: [Param; 2] = [
    Param::new(
        "oracle.works",
        Unit::Ratio,
        0.002,
        (0.0, 1.0),
        "Routes whose chance of an answer is this much below the best still count as good.",
    ),
    Param::new(
        "oracle.slower",
        Unit::Ratio,
        0.1,
        (0.0, 10.0),
        "Routes whose mean latency is this much above the least still count as fast.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "oracle",
    product: "windtunnel",
    source: "our choice",
    doc: "Knows hidden states, what limits still admit and mean latencies, but not future luck; the measure \
          for regret. It retries under the common layer: once, on another route.",
    family: Family::Oracle,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &TABLE,
    preset: &[&[("layer.retry", 1.0), ("layer.retries", 2.0)]],
    build: |settings: &Settings, pool: &Pool, _: Time, _: u64| {
        Ok(Box::new(Oracle::new(settings, pool)))
    },
};

/// Sees the truth.
#[derive(Debug)]
pub struct Oracle {
    candidates: Candidates,
    works: f64,
    slower: f64,
    truth: Vec<Truth>,
    deadline: Deadline,
    /// The most that each route's limit and service ever had left.
    most: Vec<(f64, f64)>,
    /// Running mean of output tokens, by model.
    output: Vec<f64>,
}

/// Chance that an answer comes in time, of which the mean takes one `room`-th of the time allowed: that of a
/// lognormal time with a spread of 0.5, by the logistic curve nearest to it.
fn in_time(room: f64) -> f64 {
    if room <= 0.0 {
        return 0.0;
    }
    const SPREAD: f64 = 0.5;
    1.0 / (1.0 + libm::pow(room, -1.702 / SPREAD))
}

/// Weight of a new answer in the running mean of outputs.
const FRESH: f64 = 0.01;

impl Oracle {
    /// Over the routes of a pool.
    pub fn new(settings: &Settings, pool: &Pool) -> Self {
        Self {
            candidates: Candidates::new(pool),
            works: settings.get("oracle.works"),
            slower: settings.get("oracle.slower"),
            truth: vec![Truth::default(); pool.routes.len()],
            deadline: Deadline::default(),
            most: vec![(0.0, 0.0); pool.routes.len()],
            output: vec![200.0; pool.models.len()],
        }
    }

    /// Chance that the route answers `request` in time: nothing where a limit or a full service would refuse it.
    fn chance(&self, now: Time, route: RouteId, request: &Request) -> f64 {
        let truth = &self.truth[route.index()];
        let need = f64::from(request.prompt_tokens) + f64::from(request.max_tokens);
        let admitted =
            truth.tokens_left >= need && truth.requests_left >= 1.0 && truth.places_left >= 1.0;
        if !admitted {
            return 0.0;
        }
        let output = self.output[usize::from(request.model.0)];
        let allowed = self.deadline.base_s + self.deadline.per_token_s * output
            - now.since(request.arrived).as_secs_f64();
        truth.works * in_time(allowed / self.latency_s(route, request))
    }

    fn latency_s(&self, route: RouteId, request: &Request) -> f64 {
        let truth = &self.truth[route.index()];
        truth.ttft_s
            + truth.prompt_s * f64::from(request.prompt_tokens)
            + truth.decode_s * self.output[usize::from(request.model.0)]
    }

    /// The part of its supply that a route has left, in [0, 1].
    fn left(&self, route: RouteId) -> f64 {
        let truth = &self.truth[route.index()];
        let (tokens, places) = self.most[route.index()];
        let part = |left: f64, most: f64| if left.is_finite() { left / most.max(1.0) } else { 1.0 };
        part(truth.tokens_left, tokens).min(part(truth.places_left, places))
    }
}

impl Policy for Oracle {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let routes = self.candidates.among(request);
        let open = || routes.iter().copied().filter(|route| !avoid.contains(route));
        let best = open().map(|route| self.chance(now, route, request)).fold(0.0, f64::max);
        let likely = |route: &RouteId| self.chance(now, *route, request) >= best - self.works;
        let least = (open().filter(likely))
            .map(|route| self.latency_s(route, request))
            .fold(f64::INFINITY, f64::min);
        let fast = |route: &RouteId| self.latency_s(*route, request) <= least * (1.0 + self.slower);
        // Routes that are alike take turns by luck.
        let mut chosen: Option<(RouteId, (f64, u64))> = None;
        for route in open().filter(likely).filter(fast) {
            let rank = (self.left(route), luck::mix(luck, u64::from(route.0)));
            if chosen.is_none_or(|(_, most)| rank > most) {
                chosen = Some((route, rank));
            }
        }
        chosen.map(|(route, _)| Attempt::to(route))
    }

    fn on_end(&mut self, _: Time, sent: &Sent, outcome: &Outcome) {
        if let Outcome::Done { output_tokens, .. } = outcome {
            let mean = &mut self.output[usize::from(sent.model.0)];
            *mean += FRESH * (f64::from(*output_tokens) - *mean);
        }
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (view, truth) in views.iter_mut().zip(&self.truth) {
            *view = RouteView { weight: truth.works, ..RouteView::default() };
        }
    }

    fn sees(&self) -> Sees {
        Sees::Truth
    }

    fn on_truth(&mut self, _: Time, truth: &[Truth], deadline: Deadline) {
        self.deadline = deadline;
        self.truth.copy_from_slice(truth);
        for (most, truth) in self.most.iter_mut().zip(truth) {
            let finite = |left: f64| if left.is_finite() { left } else { 0.0 };
            *most = (most.0.max(finite(truth.tokens_left)), most.1.max(finite(truth.places_left)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{pool, request as request_of};

    fn oracle(n: u32) -> Oracle {
        Oracle::new(&SPEC.settings(), &pool(&[n]))
    }

    /// 100 tokens to read and at most 100 to write.
    fn request() -> Request {
        Request { prompt_tokens: 100, max_tokens: 100, ..request_of(1) }
    }

    const WELL: Truth = Truth {
        works: 1.0,
        tokens_left: f64::INFINITY,
        requests_left: f64::INFINITY,
        places_left: f64::INFINITY,
        ttft_s: 0.5,
        prompt_s: 0.0,
        decode_s: 0.01,
    };

    const TEN: Deadline = Deadline { base_s: 10.0, per_token_s: 0.04 };

    #[test]
    fn a_route_that_answers_too_late_is_no_better_than_one_that_fails() {
        let late = Truth { ttft_s: 60.0, ..WELL };
        assert_eq!(chosen(&[late, Truth { works: 0.5, ..WELL }]), [1]);
        assert!((in_time(1.0) - 0.5).abs() < 1e-12 && in_time(4.0) > 0.99 && in_time(0.2) < 0.01);
    }

    fn chosen(truth: &[Truth]) -> Vec<u32> {
        let mut oracle = oracle(truth.len() as u32);
        oracle.on_truth(Time::ZERO, truth, TEN);
        let mut seen: Vec<u32> = (0..200u64)
            .filter_map(|l| oracle.choose(Time::ZERO, &request(), &[], luck::mix(l, 9)))
            .map(|attempt| attempt.route.0)
            .collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    }

    #[test]
    fn it_leaves_what_fails_is_slow_or_full() {
        let failing = Truth { works: 0.99, ..WELL };
        let slow = Truth { ttft_s: 2.0, ..WELL };
        let full = Truth { tokens_left: 199.0, ..WELL };
        let crowded = Truth { places_left: 0.0, ..WELL };
        let spent = Truth { requests_left: 0.0, ..WELL };
        assert_eq!(chosen(&[failing, WELL, slow, full, crowded, spent, WELL]), [1, 6]);
        assert_eq!(chosen(&[Truth { works: 0.3, ..WELL }, Truth { works: 0.2, ..WELL }]), [0]);
    }

    /// 0.2 % less chance is as good, and 10 % more than the 2.5 s that 200 tokens take is as fast.
    #[test]
    fn what_is_nearly_as_good_is_as_good() {
        let works = |works: f64| Truth { works, ..WELL };
        assert_eq!(chosen(&[WELL, works(0.9983), works(0.9978)]), [0, 1]);
        let takes = |s: f64| Truth { ttft_s: s - 2.0, ..WELL };
        assert_eq!(chosen(&[WELL, takes(2.5 * 1.09), takes(2.5 * 1.11)]), [0, 1]);
    }

    #[test]
    fn it_takes_from_the_fullest() {
        let mut oracle = oracle(2);
        let with = |a, b| [Truth { tokens_left: a, ..WELL }, Truth { tokens_left: b, ..WELL }];
        oracle.on_truth(Time::ZERO, &with(10_000.0, 1_000.0), TEN);
        // Both have half of their supply left, less one request of route 0.
        oracle.on_truth(Time::ZERO, &with(4_800.0, 500.0), TEN);
        let attempt = oracle.choose(Time::ZERO, &request(), &[], 3).unwrap();
        assert_eq!(attempt.route, RouteId(1));
        let other = oracle.choose(Time::ZERO, &request(), &[attempt.route], 3).unwrap();
        assert_eq!(other.route, RouteId(0));
        assert!(oracle.choose(Time::ZERO, &request(), &[RouteId(0), RouteId(1)], 3).is_none());
    }
}
