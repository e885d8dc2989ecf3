//! C3's ranking of replicas as Elasticsearch ships it: response time plus the cube of the expected queue.
//!
//! Sources: elastic/elasticsearch, ResponseCollectorService, 2026; L. Suresh et al., C3: Cutting Tail Latency in
//! Cloud Data Stores via Adaptive Replica Selection, NSDI 2015. rank = R − 1/µ + q̂³/µ with q̂ = 1 + outstanding ×
//! clients + queue; the lowest is taken.
//!
//! Our choices: a server's queue is what it has in flight, its service time is the mean of what ended between two
//! reports, and both come with reports instead of answers; only answers have a response time, as in the code; a
//! route that never answered is taken to need `start.response`; ties go to a drawn one.
//!
//! Left out: the paper's cubic control of the sending rate, and the search engine's way to raise the numbers of
//! those that were passed over.

use crate::engine::{Outcome, Param, Settings, Span, Time, Unit};
use crate::policy::part::{Candidates, least};
use crate::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Report, Request, RouteId, Sees, Sent,
};

const CODE: &str = "elastic/elasticsearch, ResponseCollectorService, 2026";

/// Its parameters.
pub static TABLE: [Param; 5] = [
    Param::new("view.every", Unit::Seconds, 0.1, (0.01, 60.0), "Time between reports."),
    Param::new("view.delay", Unit::Seconds, 0.0, (0.0, 60.0), "Age of a report when it comes."),
    Param::new(
        "average.alpha",
        Unit::Ratio,
        0.3,
        (0.001, 1.0),
        "Weight of a new value in an average.",
    )
    .from(CODE),
    Param::new(
        "clients",
        Unit::Count,
        1.0,
        (1.0, 10_000.0),
        "Gateways that send to the same servers.",
    ),
    Param::new(
        "start.response",
        Unit::Seconds,
        0.1,
        (0.0, 600.0),
        "Response and service time of a route that never answered.",
    ),
];

/// Registry entry.
pub const SPEC: PolicySpec = PolicySpec {
    name: "c3",
    product: "C3, NSDI 2015, as in Elasticsearch's adaptive replica selection",
    source: CODE,
    doc: "The route with the lowest rank: response time plus the cube of the expected queue times the service time, from servers' reports.",
    family: Family::Field,
    grade: Grade::Source,
    left_out: "control of the sending rate; raising the numbers of those passed over",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings, pool, _, _| Ok(Box::new(C3::new(settings, pool))),
};

#[derive(Clone, Copy, Debug, Default)]
struct Server {
    outstanding: u32,
    response: Option<f64>,
    service: Option<f64>,
    queue: Option<f64>,
    last: Report,
}

#[derive(Debug)]
struct C3 {
    candidates: Candidates,
    servers: Vec<Server>,
    alpha: f64,
    clients: f64,
    start: f64,
    sees: Sees,
}

fn average(old: &mut Option<f64>, new: f64, alpha: f64) {
    *old = Some(old.map_or(new, |old| alpha * new + (1.0 - alpha) * old));
}

impl C3 {
    fn new(settings: &Settings, pool: &Pool) -> Self {
        let span = |id| Span::from_secs_f64(settings.get(id));
        Self {
            candidates: Candidates::new(pool),
            servers: vec![Server::default(); pool.routes.len()],
            alpha: settings.get("average.alpha"),
            clients: settings.get("clients"),
            start: settings.get("start.response"),
            sees: Sees::Reports { every: span("view.every"), delay: span("view.delay") },
        }
    }

    fn rank(&self, server: &Server) -> f64 {
        let response = server.response.unwrap_or(self.start);
        let service = server.service.unwrap_or(response);
        let queue = server.queue.unwrap_or(0.0);
        let expected = 1.0 + f64::from(server.outstanding) * self.clients + queue;
        response - service + expected * expected * expected * service
    }
}

impl Policy for C3 {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        word: u64,
    ) -> Option<Attempt> {
        let routes = super::rotated(self.candidates.among(request), word);
        let left = routes.filter(|route| !avoid.contains(route));
        let route = least(left.map(|route| (route, self.rank(&self.servers[route.index()]))))?;
        self.servers[route.index()].outstanding += 1;
        Some(Attempt::to(route))
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let server = &mut self.servers[sent.route.index()];
        server.outstanding = server.outstanding.saturating_sub(1);
        if outcome.is_done() {
            average(&mut server.response, now.since(sent.at).as_secs_f64(), self.alpha);
        }
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }

    fn sees(&self) -> Sees {
        self.sees
    }

    fn on_reports(&mut self, _: Time, _: Time, reports: &[Report]) {
        for (server, report) in self.servers.iter_mut().zip(reports) {
            let done = report.done.saturating_sub(server.last.done);
            if done > 0 {
                let busy = (report.busy_s - server.last.busy_s).max(0.0);
                average(&mut server.service, busy / done as f64, self.alpha);
            }
            average(&mut server.queue, f64::from(report.in_flight), self.alpha);
            server.last = *report;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::{BROKEN, build, done, pool, request, sent, serve, shares};

    fn c3(keys: u32) -> C3 {
        C3::new(&SPEC.settings(), &pool(&[keys]))
    }

    #[test]
    fn the_rank_is_response_less_service_plus_the_cube_of_the_queue() {
        let mut policy = c3(1);
        let facts = sent(&request(1), &Attempt::to(RouteId(0)), Time::ZERO);
        policy.on_end(Time::from_secs(4), &facts, &done(1));
        let first = Report { in_flight: 2, done: 2, busy_s: 6.0, ..Report::default() };
        policy.on_reports(Time::ZERO, Time::ZERO, &[first]);
        policy.servers[0].outstanding = 1;
        // 4 − 3 + (1 + 1 + 2)³ × 3.
        assert!((policy.rank(&policy.servers[0]) - 193.0).abs() < 1e-9);
        // Averages: response 0.3 × 6 + 0.7 × 4 = 4.6, queue 0.7 × 2 = 1.4, service 0.3 × 1 + 0.7 × 3 = 2.4.
        policy.on_end(Time::from_secs(6), &facts, &done(1));
        let second = Report { in_flight: 0, done: 4, busy_s: 8.0, ..Report::default() };
        policy.on_reports(Time::ZERO, Time::ZERO, &[second]);
        let q = 1.0 + 1.4f64;
        let expected = 4.6 - 2.4 + q * q * q * 2.4;
        assert!((policy.rank(&policy.servers[0]) - expected).abs() < 1e-9);
        policy.on_end(Time::from_secs(9), &facts, &BROKEN);
        assert!((policy.servers[0].response.unwrap() - 4.6).abs() < 1e-9, "answers only");
    }

    #[test]
    fn a_route_without_answers_is_taken_to_need_a_tenth_of_a_second() {
        let mut policy = c3(2);
        policy.servers[0].response = Some(0.95);
        policy.servers[1].outstanding = 1;
        // 0.1 × 2³ = 0.8 against 0.95; with another one 2.7.
        let pick = policy.choose(Time::ZERO, &request(1), &[], 7).unwrap().route;
        assert_eq!(pick, RouteId(1));
        let pick = policy.choose(Time::ZERO, &request(1), &[], 7).unwrap().route;
        assert_eq!(pick, RouteId(0));
        policy.servers[0] = Server { response: Some(0.75), ..Server::default() };
        policy.servers[1].outstanding = 1;
        let pick = policy.choose(Time::ZERO, &request(1), &[], 7).unwrap().route;
        assert_eq!(pick, RouteId(0));
    }

    #[test]
    fn load_goes_where_queues_are_short_and_ties_are_even() {
        let mut policy = build(&SPEC, &pool(&[3]), &[]);
        let seen = shares(&mut *policy, Time::ZERO, 3, 9_000);
        assert!(seen.iter().all(|share| (share - 1.0 / 3.0).abs() < 0.02), "{seen:?}");
        let busy = Report { in_flight: 50, ..Report::default() };
        policy.on_reports(Time::ZERO, Time::ZERO, &[busy, Report::default(), busy]);
        assert_eq!(serve(&mut *policy, Time::ZERO, &[], 1.0, &done(1)), RouteId(1));
        let all = [RouteId(0), RouteId(1), RouteId(2)];
        assert!(policy.choose(Time::ZERO, &request(1), &all, 7).is_none());
        assert_ne!(serve(&mut *policy, Time::ZERO, &[RouteId(1)], 1.0, &done(1)), RouteId(1));
    }

    #[test]
    fn reports_come_ten_times_a_second_and_gateways_multiply_what_is_outstanding() {
        let policy = build(&SPEC, &pool(&[1]), &[]);
        let every = Span::from_millis(100);
        assert_eq!(policy.sees(), Sees::Reports { every, delay: Span::ZERO });
        let mut settings = SPEC.settings();
        settings.set("clients", 3.0).unwrap();
        let mut policy = C3::new(&settings, &pool(&[1]));
        policy.servers[0].outstanding = 1;
        assert!((policy.rank(&policy.servers[0]) - 64.0 * 0.1).abs() < 1e-9);
    }
}
