//! A breaker that counts failures: a route with `max_fails` of them is out for `fail_timeout`, then one
//! request probes it.
//!
//! The rule of nginx's `max_fails` and `fail_timeout` (nginx, `ngx_http_upstream_round_robin.c` at 3f6f7824). The
//! count is a total, not a run of failures: an answer clears it only if the route was selected after the timeout
//! had passed.

use crate::engine::{Health, Span, Time};

/// When a [`MaxFails`] opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFailsRule {
    /// Failures that open it; 0 = it never opens.
    pub max_fails: u32,
    /// How long it stays open, and how long a selection counts as the only probe.
    pub fail_timeout: Span,
}

/// The breaker of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxFails {
    rule: MaxFailsRule,
    fails: u32,
    last_fail: Option<Time>,
    checked: Option<Time>,
    health: Health,
}

impl MaxFails {
    /// Closed, without a past.
    pub const fn new(rule: MaxFailsRule) -> Self {
        Self { rule, fails: 0, last_fail: None, checked: None, health: Health::Healthy }
    }

    /// Whether the route may be selected.
    pub fn lets(&self, now: Time) -> bool {
        !self.is_tripped() || self.is_past_timeout(now)
    }

    /// The route was selected. Past the timeout this is the probe, and starts a new one.
    pub fn on_select(&mut self, now: Time) {
        if self.is_past_timeout(now) {
            self.checked = Some(now);
            if self.is_tripped() {
                self.health = Health::Recovering;
            }
        }
    }

    /// An attempt failed. One that was sent before the breaker opened lengthens the outage too.
    pub fn on_failure(&mut self, now: Time) {
        self.fails = self.fails.saturating_add(1);
        self.last_fail = Some(now);
        self.checked = Some(now);
        if self.is_tripped() {
            self.health = Health::Failed;
        }
    }

    /// An attempt ended without a failure.
    pub fn on_success(&mut self) {
        if self.last_fail < self.checked {
            self.fails = 0;
            self.health = Health::Healthy;
        }
    }

    /// Failures counted.
    pub const fn fails(&self) -> u32 {
        self.fails
    }

    /// Failed while it is out, Recovering from the probe on.
    pub const fn health(&self) -> Health {
        self.health
    }

    const fn is_tripped(&self) -> bool {
        self.rule.max_fails > 0 && self.fails >= self.rule.max_fails
    }

    fn is_past_timeout(&self, now: Time) -> bool {
        self.checked.is_none_or(|checked| now.since(checked) > self.rule.fail_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(max_fails: u32) -> MaxFails {
        MaxFails::new(MaxFailsRule { max_fails, fail_timeout: Span::from_secs(10) })
    }

    fn ms(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    #[test]
    fn three_failures_open_it_and_one_probe_a_timeout_closes_it() {
        let mut breaker = breaker(3);
        breaker.on_failure(ms(100));
        breaker.on_failure(ms(300));
        breaker.on_success();
        assert_eq!(breaker.fails(), 2, "an answer in between takes nothing off");
        assert!(breaker.lets(ms(500)));
        breaker.on_failure(ms(700));
        assert_eq!((breaker.fails(), breaker.health()), (3, Health::Failed));
        assert!(!breaker.lets(ms(10_700)));
        assert!(breaker.lets(ms(10_701)));
        breaker.on_select(ms(10_701));
        assert_eq!(breaker.health(), Health::Recovering);
        assert!(!breaker.lets(ms(10_702)), "one probe at a time");
        breaker.on_failure(ms(12_000));
        assert_eq!((breaker.fails(), breaker.health()), (4, Health::Failed));
        assert!(!breaker.lets(ms(22_000)));
        assert!(breaker.lets(ms(22_001)));
        breaker.on_select(ms(22_001));
        breaker.on_success();
        assert_eq!((breaker.fails(), breaker.health()), (0, Health::Healthy));
        assert!(breaker.lets(ms(23_000)));
    }

    #[test]
    fn a_count_below_the_limit_is_cleared_by_an_answer_selected_after_the_timeout() {
        let mut breaker = breaker(3);
        breaker.on_failure(ms(100));
        breaker.on_failure(ms(300));
        breaker.on_success();
        assert_eq!(breaker.fails(), 2);
        breaker.on_select(ms(10_301));
        breaker.on_success();
        assert_eq!(breaker.fails(), 0);
    }

    #[test]
    fn a_late_failure_lengthens_the_outage() {
        let mut breaker = breaker(1);
        breaker.on_failure(ms(0));
        breaker.on_failure(ms(5_000));
        assert!(!breaker.lets(ms(15_000)));
        assert!(breaker.lets(ms(15_001)));
    }

    #[test]
    fn without_a_limit_it_never_opens() {
        let mut breaker = breaker(0);
        for n in 0..100 {
            breaker.on_failure(ms(n));
        }
        assert!(breaker.lets(ms(100)));
        assert_eq!(breaker.health(), Health::Healthy);
    }
}
