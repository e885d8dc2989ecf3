//! Amazon Bedrock cross-region inference: the source region serves while it has room, otherwise another one that
//! has.
//!
//! Sources: AWS Machine Learning Blog, Getting started with cross-region inference in Amazon Bedrock, 2024;
//! Amazon Bedrock User Guide, Cross-region inference, 2026. The balancer stands inside the provider, so it sees
//! what no gateway sees: how much room each region has. It is run with that view as it is now, and with the view
//! some seconds old, so that a comparison leans to neither side.
//!
//! Our choices where the text is silent: a region is a route, and the source region is the first route of the
//! model; room is the request's prompt and `max_tokens` within the limit, one request more within it, and the
//! region not full; among others with room the one with most tokens left is asked, the first of those that tie; a
//! request that is itself wrong is not tried elsewhere.
//!
//! Left out: the account's quota, which is the world's business; prices; provisioned throughput. The product has
//! no knob to tune, so there is no tuned variant: a geographic or a global profile is a choice of routes, and a
//! stated `max_tokens` belongs to the requests.

use crate::engine::{Outcome, Param, Settings, Span, Time, Unit, luck};

use super::part::Candidates;
use super::{
    Attempt, Family, Grade, ModelId, Past, Policy, PolicySpec, Pool, Process, Report, Request,
    RouteId, RouteView, Sees, Step,
};

const BLOG: &str = "AWS, Getting started with cross-region inference in Amazon Bedrock, 2024";

/// The parameters of both.
pub static TABLE: [Param; 5] = [
    Param::new(
        "view.every",
        Unit::Seconds,
        0.0,
        (0.0, 60.0),
        "How often the view of the regions is renewed; 0 = before every decision.",
    ),
    Param::new("view.delay", Unit::Seconds, 0.0, (0.0, 60.0), "How old the view is when it comes."),
    Param::new(
        "view.full",
        Unit::Ratio,
        1.0,
        (0.01, 10.0),
        "Utilization from which a region has no room, whatever its limit says.",
    ),
    Param::new(
        "reroute.min",
        Unit::Seconds,
        0.020,
        (0.0, 10.0),
        "Least time that going to another region takes; AWS speaks of double-digit milliseconds.",
    ),
    Param::new("reroute.max", Unit::Seconds, 0.050, (0.0, 10.0), "The most that it takes."),
];

const fn spec(
    name: &'static str,
    family: Family,
    doc: &'static str,
    preset: &'static [&'static [(&'static str, f64)]],
) -> PolicySpec {
    PolicySpec {
        name,
        product: "Amazon Bedrock cross-region inference, documents of 2024 to 2026",
        source: BLOG,
        doc,
        family,
        grade: Grade::Documents,
        left_out: "the account's quota, prices, provisioned throughput",
        process: Process::ONE,
        params: &TABLE,
        preset,
        build: |settings, pool, _, _| Ok(Box::new(Cris::new(settings, pool)?)),
    }
}

/// With the view that the product itself has.
pub const CRIS: PolicySpec = spec(
    "bedrock-cris",
    Family::Vendor,
    "The source region while it has room, else another that has, and on failure the next, with a true view of every region's room. The product has no knob, so there is no tuned variant.",
    &[],
);
/// With a view some seconds old.
pub const CRIS_DELAYED: PolicySpec = spec(
    "bedrock-cris-delayed",
    Family::Field,
    "The same with a view of the regions that is renewed every second and 3 s old.",
    &[&[("view.every", 1.0), ("view.delay", 3.0)]],
);

/// Regions by room.
#[derive(Debug)]
struct Cris {
    candidates: Candidates,
    /// By route; whether it was ever reported on.
    views: Vec<Option<Report>>,
    tried: Vec<RouteId>,
    sees: Sees,
    full: f64,
    reroute: (f64, f64),
}

impl Cris {
    fn new(settings: &Settings, pool: &Pool) -> Result<Self, String> {
        let reroute = (settings.get("reroute.min"), settings.get("reroute.max"));
        if reroute.0 > reroute.1 {
            return Err("`reroute.min` is above `reroute.max`".to_owned());
        }
        let span = |id| Span::from_secs_f64(settings.get(id));
        Ok(Self {
            candidates: Candidates::new(pool),
            views: vec![None; pool.routes.len()],
            tried: Vec::new(),
            sees: Sees::Reports { every: span("view.every"), delay: span("view.delay") },
            full: settings.get("view.full"),
            reroute,
        })
    }

    /// Tokens left at a region that has room for a request.
    fn room(&self, route: RouteId, tokens: f64) -> Option<f64> {
        match &self.views[route.index()] {
            None => Some(f64::INFINITY),
            Some(view) => (view.tokens_left >= tokens
                && view.requests_left >= 1.0
                && view.utilization < self.full)
                .then_some(view.tokens_left),
        }
    }

    fn source(&self, model: ModelId) -> Option<RouteId> {
        self.candidates.of(model).first().copied()
    }

    fn pick(&self, request: &Request, avoid: &[RouteId]) -> Option<RouteId> {
        let tokens = f64::from(request.prompt_tokens) + f64::from(request.max_tokens);
        let source = self.candidates.among(request).first().copied()?;
        if !avoid.contains(&source) && self.room(source, tokens).is_some() {
            return Some(source);
        }
        let mut best: Option<(RouteId, f64)> = None;
        for &route in self.candidates.among(request) {
            if let Some(room) = self.room(route, tokens)
                && best.is_none_or(|(_, most)| room > most)
                && !avoid.contains(&route)
            {
                best = Some((route, room));
            }
        }
        best.map(|(route, _)| route)
    }
}

impl Policy for Cris {
    fn choose(&mut self, _: Time, request: &Request, avoid: &[RouteId], _: u64) -> Option<Attempt> {
        self.pick(request, avoid).map(Attempt::to)
    }

    fn next(&mut self, _: Time, request: &Request, past: &[Past], waits: u32, word: u64) -> Step {
        if let Some(last) = past.last()
            && matches!(last.outcome, Outcome::Done { .. } | Outcome::CallerFault { .. })
        {
            return Step::Stop { status: last.outcome.status() };
        }
        self.tried.clear();
        self.tried.extend(past.iter().map(|past| past.route));
        let Some(route) = self.pick(request, &self.tried) else {
            let none_there = self.candidates.among(request).is_empty();
            return Step::Stop { status: if none_there { 503 } else { 429 } };
        };
        if waits == 0 && Some(&route) != self.candidates.among(request).first() {
            let (min, max) = self.reroute;
            let unit = luck::unit(luck::mix(word, luck::name("reroute")));
            let wait = Span::from_secs_f64(min + (max - min) * unit);
            if wait > Span::ZERO {
                return Step::Wait(wait);
            }
        }
        Step::Send(Attempt::to(route))
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn show(&self, views: &mut [RouteView]) {
        for (i, view) in views.iter_mut().enumerate() {
            let route = RouteId(i as u32);
            let source = self.source(self.candidates.model(route));
            let expected = if source == Some(route) { 1.0 } else { 0.0 };
            *view = RouteView { weight: 1.0, expected, ..RouteView::default() };
        }
    }

    fn sees(&self) -> Sees {
        self.sees
    }

    fn on_reports(&mut self, _: Time, _: Time, reports: &[Report]) {
        for (view, report) in self.views.iter_mut().zip(reports) {
            *view = Some(*report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{BROKEN, attempt, build, pool, request};
    use super::*;

    const NOW: Time = Time::ZERO;

    fn report(tokens_left: f64) -> Report {
        Report { tokens_left, requests_left: f64::INFINITY, ..Report::default() }
    }

    fn chosen(policy: &mut dyn Policy, reports: &[Report]) -> Option<u32> {
        policy.on_reports(NOW, NOW, reports);
        policy.choose(NOW, &request(1), &[], 7).map(|attempt| attempt.route.0)
    }

    #[test]
    fn the_source_serves_while_the_prompt_and_the_cap_fit() {
        let mut policy = build(&CRIS, &pool(&[3]), &[]);
        assert_eq!(policy.choose(NOW, &request(1), &[], 7).unwrap().route, RouteId(0));
        let fits = [report(1_500.0), report(9_000.0), report(9_000.0)];
        assert_eq!(chosen(&mut *policy, &fits), Some(0));
        let short = [report(1_499.0), report(8_000.0), report(9_000.0)];
        assert_eq!(chosen(&mut *policy, &short), Some(2), "the most room");
        let tie = [report(0.0), report(9_000.0), report(9_000.0)];
        assert_eq!(chosen(&mut *policy, &tie), Some(1), "the first");
        assert_eq!(chosen(&mut *policy, &[report(1_499.0); 3]), None);
    }

    #[test]
    fn a_full_region_or_one_without_a_request_left_has_no_room() {
        let mut policy = build(&CRIS, &pool(&[2]), &[]);
        let at = |utilization| [Report { utilization, ..report(9e9) }, report(9e9)];
        assert_eq!(chosen(&mut *policy, &at(0.99)), Some(0));
        assert_eq!(chosen(&mut *policy, &at(1.0)), Some(1));
        let spent = [Report { requests_left: 0.5, ..report(9e9) }, report(9e9)];
        assert_eq!(chosen(&mut *policy, &spent), Some(1));
    }

    #[test]
    fn a_failure_leads_to_every_other_region_with_room_and_then_to_429() {
        let mut policy = build(&CRIS, &pool(&[3]), &[]);
        policy.on_reports(NOW, NOW, &[report(9e9), report(9e9), report(0.0)]);
        let past = |routes: &[u32]| -> Vec<Past> {
            routes.iter().map(|r| Past { route: RouteId(*r), outcome: BROKEN }).collect()
        };
        let first = attempt(policy.next(NOW, &request(1), &[], 0, 7));
        assert_eq!(first.route, RouteId(0), "without a wait");
        let second = policy.next(NOW, &request(1), &past(&[0]), 0, 7);
        assert!(matches!(second, Step::Wait(_)));
        let second = attempt(policy.next(NOW, &request(1), &past(&[0]), 1, 7));
        assert_eq!(second.route, RouteId(1));
        let end = policy.next(NOW, &request(1), &past(&[0, 1]), 0, 7);
        assert_eq!(end, Step::Stop { status: 429 });
        let wrong = Past { route: RouteId(0), outcome: Outcome::CallerFault { status: 400 } };
        assert_eq!(policy.next(NOW, &request(1), &[wrong], 0, 7), Step::Stop { status: 400 });
    }

    #[test]
    fn going_elsewhere_takes_twenty_to_fifty_milliseconds() {
        let mut policy = build(&CRIS, &pool(&[2]), &[]);
        policy.on_reports(NOW, NOW, &[report(0.0), report(9e9)]);
        let mut waits: Vec<f64> = (0..10_000)
            .map(|id| match policy.next(NOW, &request(id), &[], 0, luck::mix(id, 1)) {
                Step::Wait(span) => span.as_secs_f64(),
                other => panic!("{other:?}"),
            })
            .collect();
        waits.sort_by(f64::total_cmp);
        assert!((waits[0] - 0.020).abs() < 1e-4 && (waits[9_999] - 0.050).abs() < 1e-4);
    }

    #[test]
    fn what_it_sees_is_true_or_three_seconds_old() {
        let sees = |spec| build(spec, &pool(&[1]), &[]).sees();
        let delay = Span::from_secs(3);
        assert_eq!(sees(&CRIS), Sees::Reports { every: Span::ZERO, delay: Span::ZERO });
        assert_eq!(sees(&CRIS_DELAYED), Sees::Reports { every: Span::from_secs(1), delay });
    }

    #[test]
    fn the_view_is_all_that_tells_the_two_apart() {
        let (one, other) = (CRIS.settings(), CRIS_DELAYED.settings());
        for ((param, one), (_, other)) in one.iter().zip(other.iter()) {
            let of_time = ["view.every", "view.delay"].contains(&param.id);
            assert_eq!(one == other, !of_time, "{}", param.id);
        }
    }

    #[test]
    fn the_next_region_becomes_the_source_when_the_first_is_taken_out() {
        let mut policy = build(&CRIS, &pool(&[2]), &[]);
        policy.set_present(NOW, RouteId(0), false);
        assert_eq!(attempt(policy.next(NOW, &request(1), &[], 0, 7)).route, RouteId(1));
        policy.set_present(NOW, RouteId(1), false);
        assert_eq!(policy.next(NOW, &request(1), &[], 0, 7), Step::Stop { status: 503 });
    }
}
