//! Fills a [`Tape`] while a run goes on. A few additions per fact; nothing is allocated after the start.

use hdrhistogram::Histogram;

use crate::engine::{Outcome, Span, Time};
use crate::policy::{Pool, RouteView, Transition};

use super::prompt_cache::Prompted;
use super::tape::{ArrivalBin, Charges, FaultTape, ROUTES_MAX, RouteBin, Tape, Totals};

/// Longest horizon at one-second bins.
const BINS_MAX: u64 = 7_200;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within its deadline.
    Good,
    /// After it.
    Late,
    /// With an error.
    Failed,
    /// Refused by the gateway itself.
    Shed,
}

impl Verdict {
    /// A word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Shed => "shed",
        }
    }
}

/// A measured request with its result.
#[derive(Clone, Copy, Debug)]
pub struct Finish {
    /// Intended arrival.
    pub arrived: Time,
    /// When the result came.
    pub now: Time,
    /// From arrival to the end of an answer that is good.
    pub deadline: Span,
    /// The model asked for.
    pub model: u16,
    /// What became of it.
    pub verdict: Verdict,
    /// From arrival to the first token of a streamed answer.
    pub ttft: Option<Span>,
    /// Whether one of its attempts explored.
    pub explored: bool,
}

/// The recorder of a run.
#[derive(Debug)]
pub struct Recorder {
    tape: Tape,
    bin_ns: u64,
    bins: usize,
    /// Which group (same model, same faults, seen from the same regions) each route belongs to; once for each
    /// region of gateway nodes.
    group: Vec<u16>,
    /// Model of each group, and which faults its attempts meet or could meet elsewhere.
    kinds: Vec<Kind>,
    /// First attempts per group and second.
    groups: Vec<Vec<u32>>,
    /// Latencies per bin of arrival, in steps of about 3 %.
    coarse: Vec<[u16; COARSE]>,
    per_route: bool,
    routes: usize,
}

/// What attempts of one group have in common.
#[derive(Debug, PartialEq)]
struct Kind {
    model: u16,
    /// By fault: the route is concerned.
    hit: Vec<bool>,
    /// By fault: it is seen from where the attempt comes from.
    seen: Vec<bool>,
}

impl Recorder {
    /// A recorder for a run of `horizon` over `pool` with these faults: (name, start, end, routes).
    pub fn new(horizon: Span, pool: &Pool, regions: u8, faults: Vec<FaultTape>) -> Self {
        let seconds = horizon.0.div_ceil(1_000_000_000).max(1);
        let bin_s = seconds.div_ceil(BINS_MAX);
        let bins = seconds.div_ceil(bin_s) as usize;
        let routes = pool.routes.len();
        let per_route = routes <= ROUTES_MAX;
        let mut kinds: Vec<Kind> = Vec::new();
        let mut group = Vec::with_capacity(routes * usize::from(regions));
        for region in 0..regions {
            for route in 0..routes as u32 {
                let kind = Kind {
                    model: pool.routes[route as usize].model.0,
                    hit: faults.iter().map(|f| f.routes.binary_search(&route).is_ok()).collect(),
                    seen: faults.iter().map(|f| f.is_seen_from(region)).collect(),
                };
                let known = kinds.iter().position(|known| *known == kind);
                group.push(known.unwrap_or(kinds.len()) as u16);
                if known.is_none() {
                    kinds.push(kind);
                }
            }
        }
        let histogram =
            || Histogram::new_with_bounds(1, 24 * 3_600_000_000, 3).expect("bounds are in order");
        Self {
            tape: Tape {
                horizon,
                bin: Span::from_secs(bin_s),
                measured_until: Time(horizon.0),
                totals: Totals::default(),
                arrivals: vec![ArrivalBin::default(); bins],
                routes: vec![vec![RouteBin::default(); bins]; if per_route { routes } else { 0 }],
                route_totals: vec![RouteBin::default(); routes],
                charges: vec![Charges::default(); routes],
                unserved: vec![vec![0; bins]; pool.models.len()],
                faults,
                views: Vec::new(),
                transitions: Vec::new(),
                latency: histogram(),
                latency_all: histogram(),
                latency_bins: Vec::new(),
                ttft: histogram(),
                cluster: None,
                stored: 0,
                prompts: None,
                tenants: Vec::new(),
                rules: Vec::new(),
                digest: 0,
                arrived: 0,
                events: 0,
                in_flight_max: 0,
            },
            bin_ns: bin_s * 1_000_000_000,
            bins,
            group,
            groups: vec![vec![0; seconds as usize]; kinds.len()],
            kinds,
            routes,
            coarse: vec![[0; COARSE]; bins],
            per_route,
        }
    }

    /// How many bins there are, and how many nanoseconds each is long.
    pub const fn bins(&self) -> (usize, u64) {
        (self.bins, self.bin_ns)
    }

    /// Whether a request that arrives at this moment is measured.
    #[inline]
    pub fn measures(&self, arrived: Time) -> bool {
        arrived < self.tape.measured_until
    }

    #[inline]
    fn bin(&self, at: Time) -> usize {
        (at.0 / self.bin_ns) as usize
    }

    /// A measured request arrived.
    #[inline]
    pub fn offered(&mut self, at: Time) {
        self.tape.totals.offered += 1;
        let bin = self.bin(at);
        self.tape.arrivals[bin].offered += 1;
    }

    /// The group of attempts at a route from nodes in a region.
    #[inline]
    pub fn group(&self, route: u32, region: u8) -> u16 {
        self.group[usize::from(region) * self.routes + route as usize]
    }

    /// An attempt started, for a request that had arrived at `arrived`; with its group, if it is the first of
    /// its request. Totals follow the request, bins the attempt.
    #[inline]
    pub fn attempted(
        &mut self,
        arrived: Time,
        at: Time,
        route: u32,
        first: Option<u16>,
        explored: bool,
    ) {
        let measured = self.measures(arrived);
        self.tape.totals.attempts += u64::from(measured);
        self.tape.totals.explored += u64::from(measured && explored);
        if at >= self.tape.measured_until {
            return;
        }
        let total = &mut self.tape.route_totals[route as usize];
        total.attempts += 1;
        total.first += u32::from(first.is_some());
        if let Some(group) = first {
            self.groups[usize::from(group)][(at.0 / 1_000_000_000) as usize] += 1;
        }
        if self.per_route {
            let bin = self.bin(at);
            let cell = &mut self.tape.routes[route as usize][bin];
            cell.attempts += 1;
            cell.first += u32::from(first.is_some());
        }
    }

    /// An attempt that had started at `at` ended, for a request that had arrived at `arrived`.
    #[inline]
    pub fn ended(&mut self, arrived: Time, at: Time, route: u32, outcome: Outcome) {
        if matches!(outcome, Outcome::RateLimited { .. }) {
            self.tape.totals.rate_limited += u64::from(self.measures(arrived));
        }
        if at >= self.tape.measured_until {
            return;
        }
        let add = |cell: &mut RouteBin| match outcome {
            Outcome::Done { .. } => cell.good += 1,
            Outcome::RateLimited { .. } => cell.rate_limited += 1,
            _ => cell.failed += 1,
        };
        add(&mut self.tape.route_totals[route as usize]);
        if self.per_route {
            let bin = self.bin(at);
            add(&mut self.tape.routes[route as usize][bin]);
        }
    }

    /// What the limit of a route was charged for an attempt.
    #[inline]
    pub fn charged(&mut self, route: u32, tokens: u64) {
        let charges = &mut self.tape.charges[route as usize];
        charges.attempts += 1;
        charges.tokens += tokens;
    }

    /// A measured request was answered without any attempt.
    pub const fn stored(&mut self) {
        self.tape.stored += 1;
    }

    /// An attempt for a measured request was answered, in a world that says what prompts have in common.
    pub fn prompted(&mut self, of: &Prompted) {
        self.tape.prompts.get_or_insert_default().add(of);
    }

    /// A measured request got its result.
    #[inline]
    pub fn finished(&mut self, finish: &Finish) {
        let bin = self.bin(finish.arrived);
        let (totals, cell) = (&mut self.tape.totals, &mut self.tape.arrivals[bin]);
        match finish.verdict {
            Verdict::Good => {
                totals.good += 1;
                cell.good += 1;
            }
            Verdict::Late => {
                totals.late += 1;
                cell.late += 1;
            }
            Verdict::Failed => {
                totals.failed += 1;
                cell.failed += 1;
            }
            Verdict::Shed => {
                totals.shed += 1;
                cell.failed += 1;
            }
        }
        totals.explored_bad += u64::from(finish.explored && finish.verdict != Verdict::Good);
        let latency = finish.now.since(finish.arrived);
        if matches!(finish.verdict, Verdict::Failed | Verdict::Shed) {
            self.tape.unserved[usize::from(finish.model)][bin] += 1;
            return record(&mut self.tape.latency_all, finish.deadline);
        }
        record(&mut self.tape.latency_all, latency.min(finish.deadline));
        record(&mut self.tape.latency, latency);
        let step = &mut self.coarse[bin][coarse(latency.0 / 1_000)];
        *step = step.saturating_add(1);
        if let Some(ttft) = finish.ttft {
            record(&mut self.tape.ttft, ttft);
        }
    }

    /// A measured request has no result at the end of the run.
    pub fn unfinished(&mut self, deadline: Span, explored: bool) {
        record(&mut self.tape.latency_all, deadline);
        self.tape.totals.explored_bad += u64::from(explored);
    }

    /// Money and tokens of an attempt for a measured request, and whether that became good.
    #[inline]
    pub fn spent(&mut self, nano_usd: u64, output_tokens: u32, good: bool) {
        let totals = &mut self.tape.totals;
        totals.cost_nano_usd += nano_usd;
        if good {
            totals.good_tokens += u64::from(output_tokens);
        } else {
            totals.wasted_tokens += u64::from(output_tokens);
        }
    }

    /// The policy's view of its routes.
    pub fn viewed(&mut self, at: Time, views: &[RouteView]) {
        let last = self.tape.views.last().map(|(at, _)| self.bin(*at));
        if self.per_route && last != Some(self.bin(at)) && at <= self.tape.measured_until {
            self.tape.views.push((at, views.to_vec()));
        }
    }

    /// What is on the tape so far; sums over the run are made at its end.
    pub const fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Whether views are kept at all.
    pub const fn keeps_views(&self) -> bool {
        self.per_route
    }

    /// A change of health; those past the measured time are not kept.
    pub fn changed(&mut self, transition: Transition) {
        if transition.at < self.tape.measured_until {
            self.tape.transitions.push(transition);
        }
    }

    /// The tape, when the run is over.
    pub fn finish(mut self, unfinished: u64, digest: u64, events: u64, in_flight: u32) -> Tape {
        for fault in 0..self.tape.faults.len() {
            let has = |kind: &Kind| kind.hit[fault] && kind.seen[fault];
            let models: Vec<u16> =
                self.kinds.iter().filter(|kind| has(kind)).map(|kind| kind.model).collect();
            let seconds = self.groups.first().map_or(0, Vec::len);
            let (mut first, mut base) = (vec![0u32; seconds], vec![0u32; seconds]);
            for (kind, counts) in self.kinds.iter().zip(&self.groups) {
                let same_model = kind.seen[fault] && models.contains(&kind.model);
                for (second, count) in counts.iter().enumerate() {
                    first[second] += if has(kind) { *count } else { 0 };
                    base[second] += if same_model { *count } else { 0 };
                }
            }
            self.tape.faults[fault].first_per_s = first;
            self.tape.faults[fault].base_per_s = base;
        }
        let mut tape = self.tape;
        tape.totals.unfinished = unfinished;
        tape.latency_bins = self.coarse.iter().map(percentiles).collect();
        (tape.digest, tape.events, tape.in_flight_max) = (digest, events, in_flight);
        debug_assert_eq!(tape.arrivals.len(), self.bins);
        tape
    }
}

#[inline]
fn record(histogram: &mut Histogram<u64>, span: Span) {
    histogram.saturating_record((span.0 / 1_000).max(1));
}

/// Steps of a coarse histogram: 16 per octave from 1 ms to 2²⁰ ms.
const COARSE: usize = 16 * 20;

/// The step of a latency.
#[inline]
fn coarse(micros: u64) -> usize {
    let millis16 = (micros * 16 / 1_000).max(16);
    let octave = millis16.ilog2() - 4;
    let part = (millis16 >> octave) - 16;
    ((octave as usize) * 16 + part as usize).min(COARSE - 1)
}

/// The middle of a step, in microseconds.
fn middle(step: usize) -> u64 {
    let (octave, part) = (step / 16, step as u64 % 16);
    ((16 + part) * 2 + 1) * 1_000 * (1 << octave) / 32
}

/// p50, p90 and p99 in microseconds; 0 where nothing was recorded.
fn percentiles(counts: &[u16; COARSE]) -> [u64; 3] {
    let total: u64 = counts.iter().map(|&n| u64::from(n)).sum();
    [50, 90, 99].map(|percent| {
        let rank = (total * percent).div_ceil(100);
        let mut seen = 0;
        let step = counts.iter().position(|&n| {
            seen += u64::from(n);
            seen >= rank && total > 0
        });
        step.map_or(0, middle)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_steps_are_within_three_and_a_half_percent() {
        for micros in (1_000..600_000_000u64).step_by(777_777) {
            let back = middle(coarse(micros));
            let off = (back as f64 - micros as f64).abs() / micros as f64;
            assert!(off < 0.035, "{micros} -> {back}");
        }
    }

    fn finish(verdict: Verdict, seconds: u64, explored: bool) -> Finish {
        Finish {
            arrived: Time::from_secs(3),
            now: Time::from_secs(3 + seconds),
            deadline: Span::from_secs(10),
            model: 0,
            verdict,
            ttft: None,
            explored,
        }
    }

    #[test]
    fn every_request_has_a_latency_of_at_most_its_deadline() {
        let pool = Pool { models: vec!["chat".to_owned()], ..Pool::default() };
        let mut recorder = Recorder::new(Span::from_secs(60), &pool, 1, Vec::new());
        recorder.finished(&finish(Verdict::Good, 2, true));
        recorder.finished(&finish(Verdict::Late, 30, false));
        recorder.finished(&finish(Verdict::Failed, 1, true));
        recorder.finished(&finish(Verdict::Shed, 0, false));
        recorder.unfinished(Span::from_secs(10), true);
        let tape = recorder.finish(1, 0, 0, 0);
        assert_eq!((tape.latency_all.len(), tape.latency.len()), (5, 2));
        let seconds = |q| tape.latency_all.value_at_quantile(q) / 1_000_000;
        assert_eq!((seconds(0.1), seconds(0.3), seconds(1.0)), (2, 10, 10));
        assert_eq!(tape.totals.explored_bad, 2);
        assert_eq!((tape.unserved[0][3], tape.arrivals[3].failed), (2, 2));
    }

    #[test]
    fn percentiles_are_by_rank() {
        let mut counts = [0u16; COARSE];
        for i in 1..=100u64 {
            counts[coarse(i * 10_000)] += 1;
        }
        let [p50, p90, p99] = percentiles(&counts);
        assert!((480_000..520_000).contains(&p50), "{p50}");
        assert!((870_000..930_000).contains(&p90), "{p90}");
        assert!((950_000..1_030_000).contains(&p99), "{p99}");
        assert_eq!(percentiles(&[0; COARSE]), [0, 0, 0]);
    }
}
