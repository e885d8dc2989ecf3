//! Levels that fade: one number per target, decaying with time since it last changed.
//!
//! Source of the formulas: Kong/kong at 22246ef2 (2026-07-01), `latency.lua`.

use crate::engine::Time;
use crate::policy::part::least;
use crate::policy::{RouteId, RouteView};

use super::target::{Gate, Target};

/// One level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// As it was when it last changed.
    pub value: f64,
    /// When that was.
    pub last: Time,
}

impl Level {
    /// What is left of it. Nothing fades if `tau_s` is infinite.
    pub fn faded(&self, now: Time, tau_s: f64) -> f64 {
        self.value * kept(self.last, now, tau_s)
    }

    /// Moves towards `sample`, by more the longer ago the last one was.
    pub fn average(&mut self, now: Time, tau_s: f64, sample: f64) {
        let kept = kept(self.last, now, tau_s);
        *self = Self { value: self.value * kept + sample * (1.0 - kept), last: now };
    }

    /// Adds to what is left of it.
    pub fn add(&mut self, now: Time, tau_s: f64, amount: f64) {
        *self = Self { value: self.faded(now, tau_s) + amount, last: now };
    }
}

fn kept(last: Time, now: Time, tau_s: f64) -> f64 {
    libm::exp(-now.since(last).as_secs_f64() / tau_s)
}

/// The levels of the targets that are configured, in configuration order.
#[derive(Debug)]
pub struct Levels {
    /// The time constant, in seconds.
    pub tau_s: f64,
    /// The levels.
    pub of: Vec<(Target, Level)>,
}

impl Levels {
    /// All zero.
    pub fn new(targets: &[Target], tau_s: f64, now: Time) -> Self {
        let zero = Level { value: 0.0, last: now };
        Self { tau_s, of: targets.iter().map(|&target| (target, zero)).collect() }
    }

    /// The target with the least faded level per weight among those that may be taken; the first of several.
    pub fn least(&self, gate: &Gate<'_>) -> Option<RouteId> {
        let open = self.of.iter().filter(|(target, _)| gate.lets(target.route));
        least(open.map(|(target, level)| (target.route, self.per_weight(target, level, gate.now))))
    }

    /// The level of a target, if it is configured.
    pub fn get_mut(&mut self, route: RouteId) -> Option<&mut Level> {
        let at = self.find(route).ok()?;
        Some(&mut self.of[at].1)
    }

    /// A target that comes is given the mean of the levels as they were stored, its own counted as 0.
    pub fn join_at_mean(&mut self, now: Time, target: Target) {
        let sum: f64 = self.of.iter().map(|(_, level)| level.value).sum();
        let value = sum / (self.of.len() + 1) as f64;
        self.insert(target, Level { value, last: now });
    }

    /// A target that comes is given its weight's part of what the others have now.
    pub fn join_at_par(&mut self, now: Time, target: Target) {
        let levels = self.of.iter().map(|(target, level)| self.per_weight(target, level, now));
        let mean = levels.sum::<f64>() / self.of.len().max(1) as f64;
        self.insert(target, Level { value: mean * f64::from(target.weight), last: now });
    }

    /// A target goes; its level is forgotten.
    pub fn leave(&mut self, route: RouteId) {
        self.of.retain(|(target, _)| target.route != route);
    }

    /// The next pick is certain.
    pub fn show(&self, gate: &Gate<'_>, scale: f64, views: &mut [RouteView]) {
        if let Some(route) = self.least(gate) {
            views[route.index()].expected += scale;
        }
    }

    fn per_weight(&self, target: &Target, level: &Level, now: Time) -> f64 {
        level.faded(now, self.tau_s) / f64::from(target.weight)
    }

    fn insert(&mut self, target: Target, level: Level) {
        if let Err(at) = self.find(target.route) {
            self.of.insert(at, (target, level));
        }
    }

    fn find(&self, route: RouteId) -> Result<usize, usize> {
        self.of.binary_search_by_key(&route, |(target, _)| target.route)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::targets;
    use super::*;

    const TAU: f64 = 10.0;

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-6, "{one} {other}");
    }

    #[test]
    fn averages_weigh_a_sample_by_the_time_since_the_last() {
        let mut level = Level { value: 0.0, last: Time::from_secs(100) };
        level.average(Time::from_secs(100), TAU, 2.0);
        near(level.value, 0.0);
        level.average(Time::from_secs(101), TAU, 2.0);
        near(level.value, 0.190_325);
        level.average(Time::from_secs(111), TAU, 2.0);
        near(level.value, 1.334_258);
        near(level.faded(Time::from_secs(121), TAU), 1.334_258 * libm::exp(-1.0));
    }

    #[test]
    fn sums_fade_or_do_not() {
        let mut level = Level { value: 8.0, last: Time::ZERO };
        level.add(Time::from_secs(10), TAU, 1.0);
        near(level.value, 8.0 * libm::exp(-1.0) + 1.0);
        level.add(Time::from_secs(99), f64::INFINITY, 1.0);
        near(level.value, 8.0 * libm::exp(-1.0) + 2.0);
    }

    #[test]
    fn newcomers_start_at_the_mean_or_at_par() {
        let now = Time::from_secs(120);
        let mut levels = Levels::new(&targets(&[100, 100, 50]), TAU, Time::ZERO);
        *levels.get_mut(RouteId(0)).unwrap() = Level { value: 1.334_258, last: now };
        levels.leave(RouteId(1));
        assert!(levels.get_mut(RouteId(1)).is_none());
        levels.join_at_mean(now, targets(&[100, 100])[1]);
        near(levels.get_mut(RouteId(1)).unwrap().value, 0.444_753);
        levels.leave(RouteId(1));
        levels.get_mut(RouteId(2)).unwrap().value = 5.0;
        levels.get_mut(RouteId(2)).unwrap().last = now;
        levels.join_at_par(now, Target { route: RouteId(1), weight: 200 });
        near(levels.get_mut(RouteId(1)).unwrap().value, (0.013_342_58 + 0.1) / 2.0 * 200.0);
    }
}
