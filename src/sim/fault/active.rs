//! Faults at work: which of them concern a route now, and what they do to an attempt.

use std::collections::BTreeMap;

use crate::engine::luck::{mix, name, unit};
use crate::engine::{Span, Time};
use crate::sim::quantile::normal;

use super::strength::strength;
use super::{Effect, Failure, Fault, InFlight, Start};

/// What faults make of one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Toll {
    /// It fails like this, after that long.
    pub failure: Option<(Failure, Span)>,
    /// Added before the first token.
    pub stall: Span,
    /// The client goes away at the end of the stall.
    pub cancelled: bool,
    /// Time to first token is multiplied by this.
    pub ttft: f64,
    /// Time per output token is multiplied by this.
    pub decode: f64,
    /// Limits are multiplied by this.
    pub limit: f64,
    /// The stream breaks after this share of the output, in (0, 1).
    pub breaks: Option<f64>,
    /// The time to first token is this instead, before the network.
    pub cold_s: Option<f64>,
}

impl Toll {
    /// Nothing.
    pub const NONE: Self = Self {
        failure: None,
        stall: Span::ZERO,
        cancelled: false,
        ttft: 1.0,
        decode: 1.0,
        limit: 1.0,
        breaks: None,
        cold_s: None,
    };
}

/// What faults make of the next attempt on average.
#[derive(Clone, Copy, Debug)]
pub struct Odds {
    /// Probability that it does not fail by a fault.
    pub works: f64,
    /// Time to first token is multiplied by this.
    pub ttft: f64,
    /// Time per output token is multiplied by this.
    pub decode: f64,
    /// Mean seconds added before the first token.
    pub stall_s: f64,
}

impl Odds {
    /// No fault.
    pub const NONE: Self = Self { works: 1.0, ttft: 1.0, decode: 1.0, stall_s: 0.0 };
}

/// A fault with its moments fixed, and what it has to remember.
#[derive(Debug)]
pub struct Active {
    /// What it is.
    pub fault: Fault,
    /// Onset.
    pub start: Time,
    /// End.
    pub end: Time,
    salt: u64,
    meter: Meter,
    cold: BTreeMap<u32, Cold>,
}

/// Attempts to the faulted routes, per second over the last 15 minutes.
#[derive(Debug, Default)]
struct Meter {
    seconds: Vec<u32>,
    first: u64,
    /// Rate when the fault began, attempts per second over the 10 s before.
    at_onset: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Cold {
    last: Time,
    left: u32,
}

const WINDOW_S: u64 = 900;
const RATE: u64 = name("fault happens");
const KIND: u64 = name("fault kind");
const PART: u64 = name("fault part");

/// Replication `index` of `of`: where drawn phases lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replication {
    /// From 0.
    pub index: u32,
    /// At least 1.
    pub of: u32,
}

impl Active {
    /// Fixes the moments of a fault. A drawn phase is stratified: replication j of R lies in the j-th R-th of
    /// the period, at a place drawn from the seed.
    pub fn new(fault: &Fault, seed: u64, replication: Replication) -> Self {
        let salt = name(&fault.name);
        let start = match fault.start {
            Start::At(at) => at,
            Start::Phase { from, period } => {
                // Parts of one fault are named `fault/part` and share its phase.
                let whole = fault.name.split('/').next().unwrap_or_default();
                let u = unit(mix(mix(seed, name("fault phase")), name(whole)));
                let part = (f64::from(replication.index) + u) / f64::from(replication.of.max(1));
                from + period.times(part)
            }
        };
        Self {
            fault: fault.clone(),
            start,
            end: start + fault.lasts,
            salt,
            meter: Meter::default(),
            cold: BTreeMap::new(),
        }
    }

    /// Whether attempts must be told to it even before it begins.
    pub const fn watches(&self) -> bool {
        matches!(
            self.fault.effect,
            Effect::Acceleration { .. } | Effect::Overload { .. } | Effect::ColdStart { .. }
        )
    }

    /// Whether attempts in flight break when it begins.
    pub fn cuts(&self) -> bool {
        self.fault.in_flight == InFlight::Cut
    }

    /// How an attempt that is cut ends.
    pub const fn cut_with(&self) -> Failure {
        match self.fault.effect {
            Effect::Errors { error, .. } => error,
            _ => Failure::Unreachable,
        }
    }

    /// What it multiplies limits by now.
    pub fn limit_factor(&self, now: Time) -> f64 {
        match self.fault.effect {
            Effect::LimitCut { factor } => {
                1.0 + (factor - 1.0) * strength(self.fault.shape, self.start, self.end, now)
            }
            _ => 1.0,
        }
    }

    /// Adds what this fault does on average to an attempt that starts now. Refusals that depend on how fast
    /// traffic grows are left out: whoever asks has not sent it yet.
    pub fn weigh(&self, now: Time, odds: &mut Odds) {
        let strength = strength(self.fault.shape, self.start, self.end, now);
        match self.fault.effect {
            Effect::Errors { rate, .. } | Effect::Midstream { rate } => {
                odds.works *= 1.0 - (rate * strength).min(1.0);
            }
            Effect::Stall { rate, extra, cancelled } => {
                odds.stall_s += rate * strength * extra.as_secs_f64();
                odds.works *= 1.0 - (rate * strength * cancelled).min(1.0);
            }
            Effect::Slow { ttft, decode } => {
                odds.ttft *= 1.0 + (ttft - 1.0) * strength;
                odds.decode *= 1.0 + (decode - 1.0) * strength;
            }
            Effect::Overload { rate, .. } => odds.works *= 1.0 - (rate * strength).min(1.0),
            Effect::ColdStart { .. } | Effect::LimitCut { .. } | Effect::Acceleration { .. } => {}
        }
    }

    /// Adds what this fault does to an attempt at `route`, from a node in `region`, that starts now; `luck` is the
    /// attempt's own.
    pub fn levy(&mut self, now: Time, route: u32, region: u8, luck: u64, toll: &mut Toll) {
        if !self.fault.concerns(region) {
            return;
        }
        if self.watches() {
            self.meter.count(now);
        }
        let strength = strength(self.fault.shape, self.start, self.end, now);
        let warm = self.touch(now, route);
        if strength == 0.0 {
            return;
        }
        let own = mix(luck, self.salt);
        let happens = |rate: f64| unit(mix(own, RATE)) < rate * strength;
        match self.fault.effect {
            Effect::Errors { rate, error, after } => {
                if happens(rate) {
                    toll.failure.get_or_insert((error, after));
                }
            }
            Effect::Stall { rate, extra, cancelled } => {
                if happens(rate) {
                    toll.stall = toll.stall + extra;
                    toll.cancelled |= unit(mix(own, KIND)) < cancelled;
                }
            }
            Effect::Slow { ttft, decode } => {
                toll.ttft *= 1.0 + (ttft - 1.0) * strength;
                toll.decode *= 1.0 + (decode - 1.0) * strength;
            }
            Effect::LimitCut { factor } => toll.limit *= 1.0 + (factor - 1.0) * strength,
            Effect::Acceleration { above } => {
                let over = self.meter.over(now, above);
                if happens(over) {
                    toll.failure.get_or_insert((Failure::RateLimited(None), QUICK));
                }
            }
            Effect::Overload { rate, limited } => {
                let load = self.meter.load(now, self.start);
                if happens((rate * load).min(1.0)) {
                    let error = if unit(mix(own, KIND)) < limited {
                        Failure::RateLimited(None)
                    } else {
                        Failure::Status(529)
                    };
                    toll.failure.get_or_insert((error, QUICK));
                }
            }
            Effect::Midstream { rate } => {
                if happens(rate) {
                    let part = unit(mix(own, PART)).clamp(0.005, 0.995);
                    toll.breaks = Some(toll.breaks.map_or(part, |other| other.min(part)));
                }
            }
            Effect::ColdStart { mu, sigma, .. } => {
                if !warm {
                    let z = normal::quantile(unit(mix(own, PART)).max(1e-12));
                    toll.cold_s = Some(libm::exp(mu + sigma * z));
                }
            }
        }
    }

    /// For cold starts: notes the use of a route and says whether it is warm.
    fn touch(&mut self, now: Time, route: u32) -> bool {
        let Effect::ColdStart { requests, idle, .. } = self.fault.effect else { return true };
        let cold = self.cold.entry(route).or_insert(Cold { last: Time::ZERO, left: requests });
        if now.since(cold.last) >= idle {
            cold.left = requests;
        }
        cold.last = now;
        let warm = cold.left == 0;
        cold.left = cold.left.saturating_sub(1);
        warm
    }
}

/// How long a refusal without any work takes.
const QUICK: Span = Span::from_millis(80);

impl Meter {
    fn count(&mut self, now: Time) {
        let second = now.0 / 1_000_000_000;
        if self.seconds.is_empty() {
            self.seconds = vec![0; WINDOW_S as usize];
            self.first = second;
        }
        // Seconds that have left the window give way.
        while second >= self.first + WINDOW_S {
            self.seconds[(self.first % WINDOW_S) as usize] = 0;
            self.first += 1;
        }
        self.seconds[(second % WINDOW_S) as usize] += 1;
    }

    /// Attempts per second over `[now − from, now − to)` whole seconds, within what was seen.
    fn rate(&self, now: Time, from: u64, to: u64) -> f64 {
        let second = now.0 / 1_000_000_000;
        let first = second.saturating_sub(from).max(self.first);
        let end = second.saturating_sub(to).max(first);
        let sum: u64 = (first..end).map(|s| u64::from(self.seconds[(s % WINDOW_S) as usize])).sum();
        sum as f64 / (end - first).max(1) as f64
    }

    /// Share of attempts above `above` × the mean of the last 15 minutes.
    fn over(&self, now: Time, above: f64) -> f64 {
        let (mean, fresh) = (self.rate(now, WINDOW_S, 1), self.rate(now, 1, 0));
        if mean == 0.0 || fresh == 0.0 { 0.0 } else { (1.0 - above * mean / fresh).max(0.0) }
    }

    /// Load relative to that of the 10 s before the fault began.
    fn load(&mut self, now: Time, start: Time) -> f64 {
        if self.at_onset.is_none() {
            self.at_onset = Some(self.rate(start, 10, 0));
        }
        match self.at_onset {
            Some(before) if before > 0.0 => self.rate(now, 2, 0) / before,
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;

    fn fault(effect: Effect) -> Fault {
        Fault {
            name: "f".to_owned(),
            routes: vec![0],
            start: Start::At(Time::from_secs(10)),
            lasts: Span::from_secs(10),
            shape: Shape::Block,
            effect,
            in_flight: InFlight::Finish,
            seen_from: None,
        }
    }

    fn active(effect: Effect) -> Active {
        Active::new(&fault(effect), 1, Replication { index: 0, of: 1 })
    }

    fn levy(active: &mut Active, now: Time, luck: u64) -> Toll {
        let mut toll = Toll::NONE;
        active.levy(now, 0, 0, luck, &mut toll);
        toll
    }

    #[test]
    fn errors_hit_their_share_and_only_during_the_fault() {
        let error = Failure::Status(503);
        let mut burst = active(Effect::Errors { rate: 0.3, error, after: Span::from_millis(80) });
        let hits = |burst: &mut Active, secs| {
            (0..10_000).filter(|&l| levy(burst, Time::from_secs(secs), l).failure.is_some()).count()
        };
        assert_eq!((hits(&mut burst, 9), hits(&mut burst, 20)), (0, 0));
        let during = hits(&mut burst, 10);
        assert!((2_860..3_140).contains(&during), "{during}");
    }

    #[test]
    fn phases_are_stratified_over_replications() {
        let drawn = Fault {
            start: Start::Phase { from: Time::from_secs(90), period: Span::from_secs(60) },
            ..fault(Effect::LimitCut { factor: 0.5 })
        };
        for index in 0..30 {
            let active = Active::new(&drawn, 7, Replication { index, of: 30 });
            let offset = active.start.since(Time::from_secs(90)).as_secs_f64();
            let stratum = f64::from(index) * 2.0;
            assert!((stratum..stratum + 2.0).contains(&offset), "{index}: {offset}");
        }
    }

    #[test]
    fn a_cold_route_warms_up_after_its_first_requests() {
        let idle = Span::from_secs(300);
        let effect = Effect::ColdStart { mu: 0.64, sigma: 1.05, requests: 3, idle };
        let mut cold = Active::new(
            &Fault { start: Start::At(Time::ZERO), lasts: Span::from_secs(9999), ..fault(effect) },
            1,
            Replication { index: 0, of: 1 },
        );
        let seen: Vec<bool> = [1u64, 2, 3, 4, 5, 304, 604, 605]
            .iter()
            .map(|&s| levy(&mut cold, Time::from_secs(s), s).cold_s.is_some())
            .collect();
        assert_eq!(seen, [true, true, true, false, false, false, true, true]);
    }

    #[test]
    fn growth_beyond_the_mean_is_refused_in_proportion() {
        let mut limit = Active::new(
            &Fault {
                start: Start::At(Time::ZERO),
                lasts: Span::from_secs(9999),
                ..fault(Effect::Acceleration { above: 1.5 })
            },
            1,
            Replication { index: 0, of: 1 },
        );
        let mut refused = [0u32; 2];
        for second in 0..220u64 {
            // From second 200 on at three times the rate.
            let n = if second < 200 { 100 } else { 300 };
            for i in 0..n {
                let now = Time(second * 1_000_000_000 + i * 1_000_000);
                let hit = levy(&mut limit, now, mix(second, i)).failure.is_some();
                refused[usize::from(second >= 202)] += u32::from(hit);
            }
        }
        let share = f64::from(refused[1]) / (18.0 * 300.0);
        assert!(refused[0] < 200, "{refused:?}");
        // 1 − 1.5 × mean/3×rate, the mean creeping up: about 47 %.
        assert!((0.42..0.50).contains(&share), "{share}");
    }
}
