//! The tape says what happened: requests by verdict, attempts by route, bins, what was in flight; and each verdict
//! is the one that the request's life deserves.

use crate::engine::{Outcome, Time};
use crate::metrics::recorder::Verdict;
use crate::metrics::tape::{ArrivalBin, RouteBin, Totals};
use crate::policy::Step;
use crate::sim::watch::Fact;

use super::super::evidence::{Evidence, Life};
use super::equal;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    for life in &seen.lives {
        deserved(life)?;
    }
    let tape = &seen.tape;
    let mut totals = Totals::default();
    let mut bins = vec![ArrivalBin::default(); tape.arrivals.len()];
    let mut stored = 0;
    for life in seen.lives.iter().filter(|life| seen.measures(life)) {
        let bin = &mut bins[(life.request.arrived.0 / tape.bin.0) as usize];
        totals.offered += 1;
        bin.offered += 1;
        totals.attempts += life.tries.len() as u64;
        for of in &life.tries {
            totals.explored += u64::from(of.attempt.explored);
            let limited =
                of.end.is_some_and(|end| matches!(end.outcome, Outcome::RateLimited { .. }));
            totals.rate_limited += u64::from(limited);
        }
        let Some((_, verdict)) = life.result else {
            totals.unfinished += 1;
            continue;
        };
        let (total, binned) = match verdict {
            Verdict::Good => (&mut totals.good, &mut bin.good),
            Verdict::Late => (&mut totals.late, &mut bin.late),
            Verdict::Failed => (&mut totals.failed, &mut bin.failed),
            Verdict::Shed => (&mut totals.shed, &mut bin.failed),
        };
        *total += 1;
        *binned += 1;
        stored +=
            u64::from(life.tries.is_empty() && matches!(verdict, Verdict::Good | Verdict::Late));
    }
    let told = Totals {
        // Money and tokens have a checker of their own.
        explored_bad: 0,
        good_tokens: 0,
        wasted_tokens: 0,
        cost_nano_usd: 0,
        ..tape.totals
    };
    equal("totals", &totals, &told)?;
    equal("bins of arrivals", &bins, &tape.arrivals)?;
    equal("stored answers", &stored, &tape.stored)?;
    equal("requests", &(seen.lives.len() as u64), &tape.arrived)?;
    equal("latencies", &(totals.good + totals.late), &tape.latency.len())?;
    equal("latencies of all", &totals.offered, &tape.latency_all.len())?;
    equal("routes", &routes(seen), &tape.route_totals)?;
    equal("most in flight", &most_in_flight(seen), &tape.in_flight_max)
}

/// A verdict follows from a life.
fn deserved(life: &Life) -> Result<(), String> {
    let Some((at, verdict)) = life.result else { return Ok(()) };
    let last = life.tries.last().and_then(|last| last.end);
    let done = last.is_none_or(|end| end.outcome.is_done() && end.at == at);
    let in_time = at.since(life.request.arrived) <= life.deadline;
    let fits = match verdict {
        Verdict::Good => done && in_time,
        Verdict::Late => done && !in_time,
        Verdict::Failed => !last.is_some_and(|end| end.outcome.is_done()),
        Verdict::Shed => life.tries.is_empty(),
    };
    if fits { Ok(()) } else { Err(format!("{verdict:?} at {at} does not follow from {life:?}")) }
}

fn routes(seen: &Evidence) -> Vec<RouteBin> {
    let mut routes = vec![RouteBin::default(); seen.spec().places.len()];
    for life in &seen.lives {
        for (nth, of) in life.tries.iter().enumerate() {
            if of.sent >= Time(seen.spec().horizon.0) {
                continue;
            }
            let route = &mut routes[of.attempt.route.index()];
            route.attempts += 1;
            route.first += u32::from(nth == 0);
            match of.end.map(|end| end.outcome) {
                None => {}
                Some(Outcome::Done { .. }) => route.good += 1,
                Some(Outcome::RateLimited { .. }) => route.rate_limited += 1,
                Some(_) => route.failed += 1,
            }
        }
    }
    routes
}

fn most_in_flight(seen: &Evidence) -> u32 {
    let (mut flying, mut most) = (0u32, 0);
    for (_, fact) in &seen.facts {
        match fact {
            Fact::Planned { step: Step::Send(_), .. } => flying += 1,
            Fact::Ended { .. } => flying -= 1,
            _ => {}
        }
        most = most.max(flying);
    }
    most
}
