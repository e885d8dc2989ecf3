//! HAProxy's `balance random(2)`: the less busy of two draws by weight.
//!
//! Two draws with replacement in proportion to weights; the one with fewer served requests per weight is taken;
//! where they tie, the one with fewer requests in the last second; the second draw where they tie again.
//! Source: HAProxy, `backend.c`, 50872daa6. Left out: the hash ring (draws are by weight without it),
//! limits per server and their queues, `slowstart`, checks and `observe` (off by default).

use crate::engine::{Outcome, Param, Settings, Span, Time, Unit, luck};
use crate::policy::part::{Candidates, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
};

const SOURCE: &str = "HAProxy, backend.c, 50872daa6";

static TABLE: [Param; 2] = [
    Param::new(
        "random.draws",
        Unit::Count,
        2.0,
        (1.0, 100.0),
        "Draws, of which the least busy is taken.",
    )
    .from(SOURCE),
    Param::new(
        "random.rate_window",
        Unit::Seconds,
        1.0,
        (0.001, 3600.0),
        "Time over which requests are counted to break a tie.",
    )
    .from(SOURCE),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "haproxy",
    product: "HAProxy, 50872daa6",
    source: "HAProxy, backend.c, 50872daa6",
    doc: "The one of two draws by weight that serves fewer requests per weight; where they tie, the one with \
          fewer requests in the last second.",
    family: Family::Field,
    grade: Grade::Source,
    left_out: "the hash ring, limits per server and their queues, slowstart, checks",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, _: Time, _: u64| {
        Ok(Box::new(Haproxy::new(settings, pool)))
    },
};

/// The less busy of two.
#[derive(Debug)]
struct Haproxy {
    candidates: Candidates,
    weights: Vec<f64>,
    served: Vec<u32>,
    rates: Vec<Rate>,
    draws: u64,
    window: Span,
    now: Time,
}

/// Requests of the current window and of the one before.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    window: u64,
    counts: [u32; 2],
}

impl Rate {
    fn turn(&mut self, window: u64) {
        self.counts = match window.saturating_sub(self.window) {
            0 => self.counts,
            1 => [self.counts[1], 0],
            _ => [0, 0],
        };
        self.window = window;
    }

    /// The count of a window's length back from now: of the window before, the part that is still in it.
    fn read(mut self, length: Span, now: Time) -> f64 {
        self.turn(now.0 / length.0);
        let gone = (now.0 % length.0) as f64 / length.0 as f64;
        f64::from(self.counts[0]) * (1.0 - gone) + f64::from(self.counts[1])
    }
}

impl Haproxy {
    fn new(settings: &Settings, pool: &Pool) -> Self {
        Self {
            candidates: Candidates::new(pool),
            weights: pool.routes.iter().map(|route| route.weight).collect(),
            served: vec![0; pool.routes.len()],
            rates: vec![Rate::default(); pool.routes.len()],
            draws: settings.get("random.draws") as u64,
            window: Span::from_secs_f64(settings.get("random.rate_window")),
            now: Time::ZERO,
        }
    }

    fn load(&self, route: RouteId) -> f64 {
        f64::from(self.served[route.index()]) / self.weights[route.index()]
    }

    /// Whether the earlier draw stays.
    fn stays(&self, earlier: RouteId, later: RouteId, now: Time) -> bool {
        let (one, other) = (self.load(earlier), self.load(later));
        let rate = |route: RouteId| self.rates[route.index()].read(self.window, now);
        one < other || (one == other && rate(earlier) < rate(later))
    }
}

impl Policy for Haproxy {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.now = now;
        let routes = self.candidates.among(request);
        let weight = |route: RouteId| self.weights[route.index()];
        let draw = |n| pick::by_weight(routes, avoid, luck::mix(luck, n), weight);
        let draws = (0..self.draws).filter_map(draw);
        let route =
            draws.reduce(|best, next| if self.stays(best, next, now) { best } else { next })?;
        self.served[route.index()] += 1;
        let rate = &mut self.rates[route.index()];
        rate.turn(now.0 / self.window.0);
        rate.counts[1] += 1;
        Some(Attempt::to(route))
    }

    fn on_end(&mut self, _: Time, sent: &Sent, _: &Outcome) {
        let served = &mut self.served[sent.route.index()];
        *served = served.saturating_sub(1);
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
            let weight = |route: RouteId| self.weights[route.index()];
            pick::shares_with_replacement(
                routes,
                |r| self.load(r),
                weight,
                |r, share| {
                    views[r.index()].expected = share;
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::classic::fixture::{DONE, Stand, keeps_the_contract, near};

    #[test]
    fn the_contract_holds() {
        keeps_the_contract(&SPEC);
    }

    #[test]
    fn the_less_busy_per_weight_of_two_draws_by_weight_is_taken() {
        let mut stand = Stand::weighted(&SPEC, &[1.0, 3.0], &[]);
        stand.to(0.0, 0).unwrap();
        let sent: Vec<Sent> = (0..2).map(|_| stand.to(0.0, 1).unwrap()).collect();
        // 1 per 1 against 2 per 3: the second wins unless the first is drawn twice.
        near(&stand.expected(), &[1.0 / 16.0, 15.0 / 16.0], 1e-12);
        let counts: Vec<f64> =
            stand.counts(5.0, 20_000).iter().map(|n| f64::from(*n) / 20_000.0).collect();
        near(&counts, &[1.0 / 16.0, 15.0 / 16.0], 0.008);
        stand.end(5.0, &sent[0], DONE);
        stand.end(5.0, &sent[1], DONE);
        near(&stand.expected(), &[1.0 / 16.0, 15.0 / 16.0], 1e-12);
    }

    #[test]
    fn ties_go_to_the_one_asked_less_in_the_last_second() {
        let mut stand = Stand::new(&SPEC, 2, &[]);
        for _ in 0..1_000 {
            let sent = stand.to(10.0, 0).unwrap();
            stand.end(10.0, &sent, DONE);
        }
        // 1,000 in the window before: half of them count at its middle, about none at its end.
        let share = |stand: &mut Stand, secs: f64| {
            let mut hits = 0.0;
            for _ in 0..400 {
                let sent = stand.ask(secs, &[]).unwrap();
                hits += f64::from(u8::from(sent.route.0 == 0)) / 400.0;
                stand.end(secs, &sent, DONE);
            }
            hits
        };
        near(&[share(&mut stand, 11.5)], &[0.25], 0.06);
        near(&[share(&mut stand, 14.0)], &[0.5], 0.06);
    }

    #[test]
    fn the_rate_slides() {
        let made = Haproxy::new(&SPEC.settings(), &Pool::default());
        assert_eq!((made.draws, made.window), (2, Span::from_secs(1)));
        let rate = Rate { window: 10, counts: [4, 3] };
        let second = Span::from_secs(1);
        near(&[rate.read(second, Time(10_250_000_000))], &[3.0 + 3.0], 1e-9);
        near(&[rate.read(second, Time(11_500_000_000))], &[1.5], 1e-9);
        near(&[rate.read(second, Time(12_500_000_000))], &[0.0], 1e-9);
        let slow = Span::from_secs(2);
        near(&[Rate { window: 5, counts: [0, 2] }.read(slow, Time(13_000_000_000))], &[1.0], 1e-9);
    }
}
