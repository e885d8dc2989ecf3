//! Two different draws, and the one with the lower peak average of response times × (attempts under way + 1).
//!
//! Source: tower-rs/tower, 8358ee71, `balance/p2c` and `load/peak_ewma`. It has no default for the decay;
//! ours is linkerd's. The first value is that of its documentation's examples.

use crate::engine::{Outcome, Param, Settings, Time, Unit};
use crate::policy::part::{Candidates, PeakLoads, pick};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, RouteView, Sent,
};

static TABLE: [Param; 2] = [
    Param::new(
        "load.first",
        Unit::Seconds,
        1.0,
        (0.0, 60.0),
        "Response time of a route that has not answered yet.",
    )
    .from("tower-rs/tower, load/peak_ewma, 8358ee71"),
    Param::new(
        "load.decay",
        Unit::Seconds,
        10.0,
        (0.001, 3600.0),
        "Time in which the peak average falls by a factor e.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "p2c-peak-ewma",
    product: "tower, 8358ee71",
    source: "tower-rs/tower, balance/p2c and load/peak_ewma, 8358ee71",
    doc: "Two different draws, and the lower of peak-average response time × (in flight + 1); the first where \
          they tie.",
    family: Family::Classic,
    grade: Grade::Source,
    left_out: "",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, now: Time, _: u64| {
        Ok(Box::new(PeakChoices::new(settings, pool, now)))
    },
};

/// Least load shown, in seconds.
const LEAST: f64 = 1e-9;

/// The lower load of two.
#[derive(Debug)]
struct PeakChoices {
    candidates: Candidates,
    loads: PeakLoads,
    now: Time,
}

impl PeakChoices {
    fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let (first, decay) = (settings.get("load.first"), settings.get("load.decay"));
        let loads = PeakLoads::new(now, pool.routes.len(), first, decay);
        Self { candidates: Candidates::new(pool), loads, now }
    }
}

impl Policy for PeakChoices {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.now = now;
        let (a, b) = pick::pair(self.candidates.among(request), avoid, luck)?;
        let route = if self.loads.read(now, a) <= self.loads.read(now, b) { a } else { b };
        Some(Attempt { tag: self.loads.sent(route), ..Attempt::to(route) })
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.now = now;
        self.loads.answered(now, sent);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, _: &Outcome) {
        self.now = now;
        if !sent.heard {
            self.loads.answered(now, sent);
        }
    }

    fn wants_first_token(&self) -> bool {
        true
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        if present && !self.candidates.has(route) {
            self.loads.renew(now, route);
        }
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        let load = |route: RouteId| self.loads.stored(route, self.now);
        for (i, view) in views.iter_mut().enumerate() {
            let weight = 1.0 / load(RouteId(i as u32)).max(LEAST);
            *view = RouteView { weight, ..RouteView::default() };
        }
        for model in self.candidates.models() {
            let routes = self.candidates.of(model);
            pick::shares(routes, load, |r, share| views[r.index()].expected = share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{DONE, Stand, at, keeps_the_contract, near};
    use super::*;

    #[test]
    fn the_contract_holds() {
        keeps_the_contract(&SPEC);
    }

    fn loads(stand: &Stand) -> Vec<f64> {
        stand.views().iter().map(|view| 1.0 / view.weight).collect()
    }

    #[test]
    fn load_is_the_decayed_peak_times_the_number_under_way_and_one() {
        let mut stand = Stand::new(&SPEC, 2, &[]);
        let sent = stand.to(0.0, 0).unwrap();
        near(&loads(&stand), &[2.0, 1.0], 1e-12);
        stand.end(4.0, &sent, DONE);
        // 4 s are a peak; the other one has decayed from 1 s.
        near(&loads(&stand), &[4.0, libm::exp(-0.4)], 1e-12);
        let sent = stand.to(14.0, 0).unwrap();
        near(&loads(&stand), &[8.0 * libm::exp(-1.0), libm::exp(-1.4)], 1e-12);
        near(&stand.expected(), &[0.0, 1.0], 1e-12);
        stand.end(14.5, &sent, DONE);
        let kept = libm::exp(-0.05);
        near(&loads(&stand)[..1], &[4.0 * libm::exp(-1.05) + 0.5 * (1.0 - kept)], 1e-12);
    }

    #[test]
    fn a_stream_counts_until_its_first_token_and_once() {
        let mut stand = Stand::new(&SPEC, 2, &[]);
        let sent = stand.to(0.0, 0).unwrap();
        stand.policy.on_first_token(at(2.0), &sent);
        near(&loads(&stand)[..1], &[2.0], 1e-12);
        stand.end(9.0, &Sent { heard: true, ..sent }, DONE);
        near(&loads(&stand)[..1], &[2.0 * libm::exp(-0.7)], 1e-12);
    }

    #[test]
    fn a_route_put_back_is_new_and_its_past_says_nothing() {
        let mut stand = Stand::new(&SPEC, 2, &[]);
        let sent = stand.to(0.0, 0).unwrap();
        stand.present(1.0, 0, false);
        stand.present(2.0, 0, true);
        stand.end(9.0, &sent, DONE);
        near(&loads(&stand)[..1], &[libm::exp(-0.7)], 1e-12);
    }
}
