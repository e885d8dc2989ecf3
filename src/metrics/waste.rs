//! Work that was refused while somebody had room for it.
//!
//! Per model and minute: requests that failed or were shed, or what healthy limits had left,
//! whichever is less. Limits are per minute, so a minute is the grain. A limit's room in requests is
//! its token limit over the mean tokens that it charged an attempt, or its request limit if that is
//! less; from both is taken what it admitted. A limit counts in minutes in which at least one of its
//! routes was without a fault throughout: room before an onset is of no use after it. A fluid bound:
//! it does not ask when within the minute the room was there.

use std::ops::Range;

use crate::engine::{Span, Time};
use crate::policy::Pool;

use super::tape::{FaultTape, Tape};
use super::value::Value;

const MINUTE: Span = Span::from_secs(60);

/// Violations of work conservation: Σ over models and minutes of min(failed + shed, room in healthy
/// limits), over offered. Undefined unless every route's limit is known.
pub fn wasted_capacity(tape: &Tape, pool: &Pool) -> Value {
    if tape.totals.offered == 0 {
        return Value::Undefined { reason: "no requests" };
    }
    if tape.routes.iter().any(Vec::is_empty) || tape.routes.is_empty() {
        return Value::Undefined { reason: "no series per route are kept above 1,000 routes" };
    }
    if pool.routes.iter().any(|route| route.tpm.is_none() && route.rpm.is_none()) {
        return Value::Undefined { reason: "a route has no known limit" };
    }
    let limits = limits(tape, pool);
    let per_minute = (MINUTE.0.div_ceil(tape.bin.0) as usize).max(1);
    let bins = (tape.measured_until.0 / tape.bin.0) as usize;
    let mut wasted = 0.0;
    for start in (0..bins).step_by(per_minute) {
        let minute = start..(start + per_minute).min(bins);
        for (model, unserved) in tape.unserved.iter().enumerate() {
            let refused: u64 = unserved[minute.clone()].iter().map(|n| u64::from(*n)).sum();
            if refused > 0 {
                let of_model = limits.iter().filter(|limit| limit.model == model);
                let room: f64 = of_model.map(|limit| limit.room(tape, minute.clone())).sum();
                wasted += room.min(refused as f64);
            }
        }
    }
    Value::Known(wasted / tape.totals.offered as f64)
}

/// A limit with the routes that draw on it.
struct Limit {
    model: usize,
    routes: Vec<usize>,
    /// Requests that it admits per second.
    per_second: f64,
}

impl Limit {
    /// Requests that it could have admitted beyond those that it did in some bins; none if each of its
    /// routes had a fault at some time of them.
    fn room(&self, tape: &Tape, bins: Range<usize>) -> f64 {
        let faults = faults(tape, &bins);
        let is_faulted =
            |r: &usize| faults.iter().any(|f| f.routes.binary_search(&(*r as u32)).is_ok());
        if self.routes.iter().all(is_faulted) {
            return 0.0;
        }
        let capacity = self.per_second * tape.bin.as_secs_f64() * bins.len() as f64;
        let cells = self.routes.iter().flat_map(|route| &tape.routes[*route][bins.clone()]);
        let admitted: u64 =
            cells.map(|cell| u64::from(cell.attempts.saturating_sub(cell.rate_limited))).sum();
        (capacity - admitted as f64).max(0.0)
    }
}

/// Those faults that go on at some time of the bins.
fn faults<'a>(tape: &'a Tape, bins: &Range<usize>) -> Vec<&'a FaultTape> {
    let at = |bin: usize| Time(bin as u64 * tape.bin.0);
    let during = |fault: &&FaultTape| fault.start < at(bins.end) && at(bins.start) < fault.end;
    tape.faults.iter().filter(during).collect()
}

/// Routes of one pool, region and model share a limit.
fn limits(tape: &Tape, pool: &Pool) -> Vec<Limit> {
    let mut limits: Vec<Limit> = Vec::new();
    for (r, route) in pool.routes.iter().enumerate() {
        let shares = |limit: &&mut Limit| {
            let other = &pool.routes[limit.routes[0]];
            (&other.pool, &other.region, other.model) == (&route.pool, &route.region, route.model)
        };
        match limits.iter_mut().find(shares) {
            Some(limit) => limit.routes.push(r),
            None => {
                let model = usize::from(route.model.0);
                limits.push(Limit { model, routes: vec![r], per_second: 0.0 });
            }
        }
    }
    for limit in &mut limits {
        let route = &pool.routes[limit.routes[0]];
        let charge = mean_charge(tape, limit.routes.iter().copied())
            .or_else(|| {
                let of_model = |r: &usize| pool.routes[*r].model == route.model;
                mean_charge(tape, (0..pool.routes.len()).filter(of_model))
            })
            .unwrap_or(f64::INFINITY);
        let by_tokens = route.tpm.map_or(f64::INFINITY, |tpm| tpm as f64 / charge);
        let by_requests = route.rpm.map_or(f64::INFINITY, |rpm| rpm as f64);
        limit.per_second = by_tokens.min(by_requests) / 60.0;
    }
    limits
}

/// Tokens per admitted attempt; `None` where none was admitted.
fn mean_charge(tape: &Tape, routes: impl Iterator<Item = usize>) -> Option<f64> {
    let (mut attempts, mut tokens) = (0, 0);
    for route in routes {
        attempts += tape.charges[route].attempts;
        tokens += tape.charges[route].tokens;
    }
    (attempts > 0 && tokens > 0).then(|| tokens as f64 / attempts as f64)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{add_fault, calm};
    use super::super::tape::Charges;
    use super::*;
    use crate::policy::{ModelId, ProviderId, RouteInfo};

    /// Two routes of one model at 100 requests per second each and 1,000 tokens a request; their
    /// limits admit 150.
    fn world(pools: [&str; 2]) -> (Tape, Pool) {
        let mut tape = calm(240, 2, 100);
        tape.charges = vec![Charges { attempts: 24_000, tokens: 24_000_000 }; 2];
        let route = |i: usize| RouteInfo {
            name: format!("p{i}:chat/key-1"),
            provider: ProviderId(i as u16),
            model: ModelId(0),
            key: "key-1".to_owned(),
            region: String::new(),
            pool: pools[i].to_owned(),
            weight: 1.0,
            tpm: Some(150_000 * 60),
            rpm: None,
            price_prompt: 0,
            price_output: 0,
            about: Vec::new(),
        };
        let pool = Pool {
            providers: vec!["p0".to_owned(), "p1".to_owned()],
            models: vec!["chat".to_owned()],
            routes: vec![route(0), route(1)],
            ..Pool::default()
        };
        (tape, pool)
    }

    fn wasted(tape: &Tape, pool: &Pool) -> f64 {
        wasted_capacity(tape, pool).known().unwrap() * tape.totals.offered as f64
    }

    #[test]
    fn what_is_refused_is_waste_as_far_as_there_was_room() {
        let (mut tape, pool) = world(["a", "b"]);
        assert_eq!(wasted(&tape, &pool), 0.0);
        // Two limits with 50 a second to spare: 6,000 in the minute.
        tape.unserved[0][70] = 4_000;
        assert!((wasted(&tape, &pool) - 4_000.0).abs() < 1e-6);
        tape.unserved[0][75] = 4_000;
        assert!((wasted(&tape, &pool) - 6_000.0).abs() < 1e-6);
    }

    #[test]
    fn a_limit_under_a_fault_has_no_room() {
        let (mut tape, pool) = world(["a", "b"]);
        tape.unserved[0][70] = 8_000;
        add_fault(&mut tape, (60.0, 90.0), &[0], 200, |_| 0.5);
        // The other one's room alone, though the fault is over in the middle of the minute.
        assert!((wasted(&tape, &pool) - 3_000.0).abs() < 1e-6);
    }

    #[test]
    fn routes_of_one_pool_share_their_room() {
        let (mut tape, pool) = world(["org", "org"]);
        tape.unserved[0][70] = 8_000;
        // 150 a second for both, and 200 came through: none is left.
        assert_eq!(wasted(&tape, &pool), 0.0);
        for bins in &mut tape.routes {
            for bin in bins {
                bin.rate_limited = 40;
            }
        }
        assert!((wasted(&tape, &pool) - 30.0 * 60.0).abs() < 1e-6);
    }

    #[test]
    fn without_known_limits_nothing_is_said() {
        let (tape, mut pool) = world(["a", "b"]);
        pool.routes[1].tpm = None;
        assert!(matches!(wasted_capacity(&tape, &pool), Value::Undefined { .. }));
        pool.routes[1].rpm = Some(9_000);
        assert_eq!(wasted_capacity(&tape, &pool), Value::Known(0.0));
    }
}
