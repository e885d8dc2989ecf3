//! Tapes made by hand, whose metrics are known.

use hdrhistogram::Histogram;

use crate::engine::{Span, Time};
use crate::policy::{Health, RouteId, Transition};

use super::tape::{ArrivalBin, Charges, FaultTape, RouteBin, Tape, Totals};

/// A run of `seconds` in which each route gets `per_route` requests a second and all are good.
pub(crate) fn calm(seconds: u64, routes: u32, per_route: u32) -> Tape {
    let offered = routes * per_route;
    let bin =
        RouteBin { first: per_route, attempts: per_route, good: per_route, ..RouteBin::default() };
    let all = per_route * seconds as u32;
    let total = RouteBin { first: all, attempts: all, good: all, ..RouteBin::default() };
    let served = u64::from(offered) * seconds;
    let mut latency = Histogram::new(3).expect("3 digits are legal");
    latency.record_n(800_000, served).expect("an auto-resizing histogram takes any value");
    Tape {
        horizon: Span::from_secs(seconds),
        bin: Span::from_secs(1),
        measured_until: Time::from_secs(seconds),
        totals: Totals {
            offered: served,
            good: served,
            attempts: served,
            good_tokens: 100 * served,
            cost_nano_usd: 1_000_000 * served,
            ..Totals::default()
        },
        arrivals: vec![ArrivalBin { offered, good: offered, late: 0, failed: 0 }; seconds as usize],
        routes: vec![vec![bin; seconds as usize]; routes as usize],
        route_totals: vec![total; routes as usize],
        charges: vec![Charges::default(); routes as usize],
        unserved: vec![vec![0; seconds as usize]],
        faults: Vec::new(),
        views: Vec::new(),
        transitions: Vec::new(),
        ttft: latency.clone(),
        latency_all: latency.clone(),
        latency,
        latency_bins: vec![[800_000; 3]; seconds as usize],
        cluster: None,
        stored: 0,
        prompts: None,
        tenants: Vec::new(),
        rules: Vec::new(),
        digest: 7,
        arrived: 0,
        events: 2 * served,
        in_flight_max: offered,
    }
}

/// Adds a fault on `routes` during [start, end) whose set gets, in second t, the part `share(t)` of
/// `base` first attempts.
pub(crate) fn add_fault(
    tape: &mut Tape,
    (start, end): (f64, f64),
    routes: &[u32],
    base: u32,
    share: impl Fn(u64) -> f64,
) {
    let seconds = tape.arrivals.len() as u64;
    let first = |t| (share(t) * f64::from(base)).round() as u32;
    tape.faults.push(FaultTape {
        name: format!("fault-{}", tape.faults.len() + 1),
        start: Time::ZERO + Span::from_secs_f64(start),
        end: Time::ZERO + Span::from_secs_f64(end),
        routes: routes.to_vec(),
        seen_from: None,
        first_per_s: (0..seconds).map(first).collect(),
        base_per_s: vec![base; seconds as usize],
    });
}

/// Changes the good share of arrivals in [from, to) seconds.
pub(crate) fn spoil(tape: &mut Tape, from: usize, to: usize, good: f64) {
    for bin in &mut tape.arrivals[from..to] {
        bin.good = (f64::from(bin.offered) * good).round() as u32;
        bin.failed = bin.offered - bin.good;
    }
}

/// Adds a change of health at a second.
pub(crate) fn change(tape: &mut Tape, at: f64, route: u32, from: Health, to: Health) {
    let at = Time::ZERO + Span::from_secs_f64(at);
    tape.transitions.push(Transition { at, route: RouteId(route), from, to, reason: "by hand" });
}
