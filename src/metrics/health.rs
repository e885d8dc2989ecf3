//! The policy's own health states: how soon it says so, how often it changes its mind, how often it
//! cries wolf.
//!
//! Only policies that have states can be asked, so rankings across policies use behavioural metrics
//! instead.

use crate::engine::{Span, Time};
use crate::policy::{Health, Transition};

use super::phase::Watch;
use super::tape::Tape;
use super::value::Value;

/// A route that fails again so soon after it left Failed has flapped.
const FLAP: Span = Span::from_secs(60);
/// So long after a fault a change of state is still its doing.
const GRACE: Span = Span::from_secs(120);
const NO_STATES: &str = "the policy showed no health states";

/// From f0 to the first moment at which a route of the set is Degraded or Failed. Censored at f1,
/// in seconds.
pub fn time_to_state(tape: &Tape, fault: usize) -> Value {
    time_to(tape, fault, &[Health::Degraded, Health::Failed])
}

/// From f0 to the first moment at which a route of the set is Failed. Censored at f1, in seconds.
pub fn time_to_failed(tape: &Tape, fault: usize) -> Value {
    time_to(tape, fault, &[Health::Failed])
}

fn time_to(tape: &Tape, fault: usize, states: &[Health]) -> Value {
    if !has_states(tape) {
        return Value::Undefined { reason: NO_STATES };
    }
    let watch = Watch::new(tape, fault);
    let end = watch.until.min(watch.fault.end);
    let start = watch.fault.start;
    let first = watch.fault.routes.iter().filter_map(|route| reached(tape, *route, start, states));
    match first.min().filter(|at| *at < end) {
        Some(at) => Value::Known(at.since(start).as_secs_f64()),
        None => Value::Censored { at_s: watch.during_s() },
    }
}

/// Entries into Failed within 60 s of leaving it, on the set's routes from f0 until we stop
/// watching.
pub fn flaps(tape: &Tape, fault: usize) -> Value {
    if !has_states(tape) {
        return Value::Undefined { reason: NO_STATES };
    }
    let watch = Watch::new(tape, fault);
    let mut flaps = 0u32;
    for route in &watch.fault.routes {
        let mut left = None;
        for change in of_route(tape, *route).filter(|change| change.at < watch.until) {
            if change.from == Health::Failed {
                left = Some(change.at);
            }
            let again = |left: Time| change.at.since(left) <= FLAP;
            if change.to == Health::Failed && change.at >= watch.fault.start {
                flaps += u32::from(left.is_some_and(again));
            }
        }
    }
    Value::Known(f64::from(flaps))
}

/// Changes of health per route and hour, over the whole run.
pub fn transitions_per_route_hour(tape: &Tape) -> Value {
    let hours = tape.horizon.as_secs_f64() / 3_600.0 * tape.route_totals.len() as f64;
    rate(tape, tape.transitions.len(), hours)
}

/// Changes from Healthy to anything else on routes without a fault (nor in the 120 s after one),
/// per hour of such a route.
pub fn false_alarms_per_route_hour(tape: &Tape) -> Value {
    let routes = tape.route_totals.len();
    let mut calm_ns = 0u64;
    let mut alarms = 0;
    for route in 0..routes as u32 {
        let busy = busy(tape, route);
        calm_ns += tape.horizon.0 - busy.iter().map(|(from, to)| to.since(*from).0).sum::<u64>();
        let calm = |at: Time| !busy.iter().any(|(from, to)| *from <= at && at < *to);
        alarms += of_route(tape, route)
            .filter(|change| change.from == Health::Healthy && calm(change.at))
            .count();
    }
    rate(tape, alarms, calm_ns as f64 / 3_600e9)
}

fn rate(tape: &Tape, count: usize, hours: f64) -> Value {
    if !has_states(tape) {
        Value::Undefined { reason: NO_STATES }
    } else if hours > 0.0 {
        Value::Known(count as f64 / hours)
    } else {
        Value::Undefined { reason: "no route was ever without a fault" }
    }
}

/// A tape cannot say whether a silent policy has states: parts of a score are taken as a sign that
/// it has.
fn has_states(tape: &Tape) -> bool {
    let shown = |view: &crate::policy::RouteView| {
        view.health != Health::Healthy || view.parts.iter().any(|part| *part != 0.0)
    };
    !tape.transitions.is_empty() || tape.views.iter().any(|(_, views)| views.iter().any(shown))
}

fn of_route(tape: &Tape, route: u32) -> impl Iterator<Item = &Transition> {
    tape.transitions.iter().filter(move |change| change.route.0 == route)
}

/// The first moment from `from` on at which the route is in one of these states.
fn reached(tape: &Tape, route: u32, from: Time, states: &[Health]) -> Option<Time> {
    let before = of_route(tape, route).take_while(|change| change.at <= from).last();
    if before.is_some_and(|change| states.contains(&change.to)) {
        return Some(from);
    }
    let after = |change: &&Transition| change.at > from && states.contains(&change.to);
    of_route(tape, route).find(after).map(|change| change.at)
}

/// When the route had a fault or its grace time, as disjoint intervals within the run.
fn busy(tape: &Tape, route: u32) -> Vec<(Time, Time)> {
    let horizon = Time(tape.horizon.0);
    let mut spans: Vec<_> = tape
        .faults
        .iter()
        .filter(|fault| fault.routes.binary_search(&route).is_ok() && fault.start < horizon)
        .map(|fault| (fault.start, horizon.min(fault.end + GRACE)))
        .collect();
    spans.sort_unstable();
    let mut disjoint: Vec<(Time, Time)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match disjoint.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => disjoint.push((from, to)),
        }
    }
    disjoint
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
