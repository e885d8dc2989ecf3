//! The four health states, the legal moves between them, and the backoff ladder.

use super::luck;
use super::params::Params;
use super::time::{Span, Time};
use super::window::Tally;

/// Health of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Full member.
    #[default]
    Healthy,
    /// Still used, with the lower weight that its score gives.
    Degraded,
    /// Not used until its backoff, or its hold, is over.
    Failed,
    /// Coming back: used again, its weight growing.
    Recovering,
}

impl Health {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Degraded, Self::Failed, Self::Recovering];

    /// Lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Recovering => "recovering",
        }
    }
}

/// Why a state changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The error rate over the state window.
    ErrorRate,
    /// The latency penalty.
    Latency,
    /// A 429.
    RateLimited,
    /// A lasting refusal of the key.
    Held,
    /// The backoff ran out.
    BackoffOver,
    /// A check of a held key was served.
    Released,
    /// Errors and latency are back below their thresholds.
    Clean,
    /// It served its share without errors.
    Recovered,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ErrorRate,
        Self::Latency,
        Self::RateLimited,
        Self::Held,
        Self::BackoffOver,
        Self::Released,
        Self::Clean,
        Self::Recovered,
    ];

    /// A short text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::Latency => "latency",
            Self::RateLimited => "rate limited",
            Self::Held => "key held",
            Self::BackoffOver => "backoff over",
            Self::Released => "hold released",
            Self::Clean => "clean again",
            Self::Recovered => "served its share",
        }
    }
}

/// What a recomputation knows of a route when it judges its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    /// Attempts and errors in the state window (since Recovering began, while Recovering).
    pub(crate) recent: Tally,
    /// Latency penalty.
    pub(crate) latency: f64,
    /// A 429 came since the last recomputation.
    pub(crate) limited: bool,
    /// Whether the exclusion is over.
    pub(crate) backoff_over: bool,
    /// Attempts begun over the state window, and how many were to be expected.
    pub(crate) actual: f64,
    pub(crate) expected: f64,
}

/// The next state, if it changes: the test for Failed first, then Degraded, then promotion.
pub(crate) fn next(
    health: Health,
    evidence: &Evidence,
    params: &Params,
) -> Option<(Health, Reason)> {
    use Health::{Degraded, Failed, Healthy, Recovering};
    let enough = evidence.recent.attempts as f64 >= params.state_min_attempts
        && evidence.recent.errors as f64 >= params.state_min_errors;
    let rate = if enough { evidence.recent.rate().unwrap_or(0.0) } else { 0.0 };
    let slow = evidence.latency > params.state_latency;
    if health == Failed {
        return evidence.backoff_over.then_some((Recovering, Reason::BackoffOver));
    }
    if evidence.limited {
        return Some((Failed, Reason::RateLimited));
    }
    if rate > params.state_failed {
        return Some((Failed, Reason::ErrorRate));
    }
    match health {
        Healthy if rate > params.state_degraded => Some((Degraded, Reason::ErrorRate)),
        Healthy if slow => Some((Degraded, Reason::Latency)),
        Degraded if rate < params.state_promote_error && !slow => Some((Healthy, Reason::Clean)),
        Recovering if promoted(evidence, params) => Some((Healthy, Reason::Recovered)),
        _ => None,
    }
}

/// Whether a Recovering route has served enough, well enough.
fn promoted(evidence: &Evidence, params: &Params) -> bool {
    let rate = evidence.recent.rate().unwrap_or(1.0);
    rate < params.state_promote_error
        && evidence.actual >= params.state_promote_min
        && evidence.actual >= params.state_promote_share * evidence.expected
}

/// Exclusions that double with each failure while Recovering.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Backoff {
    /// How often it grew since it was last reset.
    rung: u32,
    /// How often it was used: varies the jitter.
    uses: u64,
}

impl Backoff {
    /// The next exclusion of the route whose identity hashes to `identity`. The jitter is drawn from the
    /// identity and the count, so that routes spread out and a run repeats.
    pub(crate) fn next(&mut self, identity: u64, params: &Params) -> Span {
        let full =
            grown(params.backoff_first, params.backoff_factor, self.rung, params.backoff_cap);
        self.rung = self.rung.saturating_add(1);
        self.uses += 1;
        jittered(full, params.backoff_jitter, luck::mix(identity, self.uses))
    }

    pub(crate) const fn reset(&mut self) {
        self.rung = 0;
    }
}

/// `first × factor^rung`, at most `cap`.
pub(crate) fn grown(first: f64, factor: f64, rung: u32, cap: f64) -> f64 {
    let mut span = first;
    for _ in 0..rung.min(64) {
        span = (span * factor).min(cap);
    }
    span.min(cap)
}

/// `span_s` varied by up to `jitter` either way.
pub(crate) fn jittered(span_s: f64, jitter: f64, luck: u64) -> Span {
    Span::from_secs_f64(span_s * (1.0 + jitter * (2.0 * luck::unit(luck) - 1.0)))
}

/// How long a route has been what it is.
pub(crate) fn lasted(since: Time, now: Time, secs: f64) -> bool {
    now.since(since) >= Span::from_secs_f64(secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(attempts: u64, errors: u64) -> Evidence {
        Evidence {
            recent: Tally { attempts, errors },
            latency: 0.0,
            limited: false,
            backoff_over: false,
            actual: attempts as f64,
            expected: attempts as f64,
        }
    }

    fn after(health: Health, evidence: Evidence) -> Option<Health> {
        next(health, &evidence, &Params::default()).map(|(health, _)| health)
    }

    #[test]
    fn thresholds_are_strict_on_both_sides() {
        use Health::{Degraded, Failed, Healthy, Recovering};
        assert_eq!(after(Healthy, evidence(1000, 20)), None, "exactly 2 % stays Healthy");
        assert_eq!(after(Healthy, evidence(1000, 21)), Some(Degraded));
        assert_eq!(after(Healthy, evidence(1000, 50)), Some(Degraded), "exactly 5 % is not Failed");
        assert_eq!(after(Degraded, evidence(1000, 50)), None);
        assert_eq!(after(Healthy, evidence(1000, 51)), Some(Failed));
        assert_eq!(after(Degraded, evidence(1000, 20)), None, "exactly 2 % stays Degraded");
        assert_eq!(after(Degraded, evidence(1000, 19)), Some(Healthy));
        assert_eq!(after(Recovering, evidence(1000, 20)), None, "exactly 2 % is not promoted");
        assert_eq!(after(Recovering, evidence(1000, 19)), Some(Healthy));
        assert_eq!(after(Recovering, evidence(1000, 51)), Some(Failed));
    }

    #[test]
    fn promotion_takes_half_of_the_expected_traffic() {
        let share = |actual| Evidence { actual, expected: 100.0, ..evidence(100, 0) };
        assert_eq!(after(Health::Recovering, share(49.9)), None);
        assert_eq!(after(Health::Recovering, share(50.0)), Some(Health::Healthy));
        let few = Evidence { actual: 4.0, expected: 4.0, ..evidence(4, 0) };
        assert_eq!(after(Health::Recovering, few), None, "four attempts prove nothing");
    }

    #[test]
    fn few_samples_move_nothing_but_a_429_always_does() {
        assert_eq!(after(Health::Healthy, evidence(19, 19)), None);
        assert_eq!(after(Health::Healthy, evidence(20, 1)), None, "one error is no rate");
        let limited = Evidence { limited: true, ..evidence(0, 0) };
        assert_eq!(after(Health::Healthy, limited), Some(Health::Failed));
    }

    #[test]
    fn latency_degrades_and_holds_degraded() {
        let slow = Evidence { latency: 0.26, ..evidence(1000, 0) };
        assert_eq!(after(Health::Healthy, slow), Some(Health::Degraded));
        assert_eq!(after(Health::Degraded, slow), None);
        let edge = Evidence { latency: 0.25, ..evidence(1000, 0) };
        assert_eq!(after(Health::Healthy, edge), None, "exactly 25 % is not slow");
    }

    #[test]
    fn backoff_doubles_to_its_cap_and_starts_again() {
        let params = Params { backoff_jitter: 0.0, ..Params::default() };
        let mut backoff = Backoff::default();
        let spans: Vec<u64> = (0..7).map(|_| backoff.next(1, &params).as_millis() / 1000).collect();
        assert_eq!(spans, [5, 10, 20, 40, 80, 120, 120]);
        backoff.reset();
        assert_eq!(backoff.next(1, &params), Span::from_secs(5));
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        let params = Params::default();
        for identity in 0..1000 {
            let span = Backoff::default().next(identity, &params).as_secs_f64();
            assert!((4.5..=5.5).contains(&span), "{span}");
        }
    }
}
