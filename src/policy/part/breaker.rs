//! A breaker that trips on a streak of failures or on a low success ratio, and comes back by one probe.
//!
//! Source: linkerd2-proxy, `http/breaker/unified.rs` and `success_rate.rs`, 2026. A 429 counts against the
//! ratio, ends a streak, and fails a probe. The ratio is exact: ten buckets span the window. Shut, the route
//! waits 1, 2, 4, … times the first wait; what ends meanwhile is not looked at. Then one request may go, and
//! the next answer, whichever attempt's it is, opens the route or shuts it again. A probe without an answer
//! within the longest wait has failed. Open again, it starts cold. Left out: gRPC codes.

use crate::engine::{Health, Span, Time, luck};

/// Buckets that span the window.
const BUCKETS: usize = 10;

/// What a breaker goes by.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Failures in a row that trip it; 0 = never.
    pub max_failures: u32,
    /// Success ratio below which it trips; 0 = never.
    pub success_rate: f64,
    /// Answers in the window before the ratio counts.
    pub min_requests: u32,
    /// Length of the window.
    pub window: Span,
    /// First wait, in seconds; doubled each time.
    pub first: f64,
    /// Longest wait, in seconds.
    pub longest: f64,
    /// A wait is longer by chance by up to this share, and never longer than the longest.
    pub jitter: f64,
    /// Whether hints of 429 and 503 make a wait longer.
    pub hints: bool,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Success,
    /// A 429.
    Limited,
    /// A 5xx, or no answer.
    Failure,
}

/// What happened to a breaker, with the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is shut.
    Shut(&'static str),
    /// One request may go.
    Probing,
    /// It is open.
    Opened,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Shut { until: Time },
    Probe { out: bool, until: Time },
}

/// The breaker of one route.
#[derive(Clone, Debug)]
pub struct Breaker {
    phase: Phase,
    streak: u32,
    ring: Ring,
    /// Waits since it was open.
    waits: u32,
    hint: Span,
}

impl Breaker {
    /// An open one.
    pub fn new(now: Time) -> Self {
        let ring = Ring { buckets: [[0; 2]; BUCKETS], current: 0, since: now };
        Self { phase: Phase::Open, streak: 0, ring, waits: 0, hint: Span::ZERO }
    }

    /// Whether a request may go.
    pub const fn admits(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Probe { out: false, .. })
    }

    /// Its state as health.
    pub const fn health(&self) -> Health {
        match self.phase {
            Phase::Open => Health::Healthy,
            Phase::Shut { .. } => Health::Failed,
            Phase::Probe { .. } => Health::Recovering,
        }
    }

    /// When [`Breaker::due`] is to be called, if ever.
    pub const fn next(&self) -> Option<Time> {
        match self.phase {
            Phase::Open => None,
            Phase::Shut { until } | Phase::Probe { until, .. } => Some(until),
        }
    }

    /// A request goes.
    pub fn sent(&mut self) {
        if let Phase::Probe { out, .. } = &mut self.phase {
            *out = true;
        }
    }

    /// Its moment came: a wait is over, or a probe took too long. `at` is that moment.
    pub fn due(&mut self, rule: &Rule, at: Time, word: u64) -> Option<Change> {
        match self.phase {
            Phase::Shut { until } if until <= at => {
                let until = until + Span::from_secs_f64(rule.longest);
                self.phase = Phase::Probe { out: false, until };
                Some(Change::Probing)
            }
            Phase::Probe { out: true, until } if until <= at => {
                Some(self.shut(rule, until, "probe unanswered", word))
            }
            Phase::Probe { out: false, until } if until <= at => {
                // Nobody asked for it yet; it goes on waiting for one who does.
                let until = at + Span::from_secs_f64(rule.longest);
                self.phase = Phase::Probe { out: false, until };
                None
            }
            _ => None,
        }
    }

    /// An answer came, with a hint of how long to stay away.
    pub fn answered(
        &mut self,
        rule: &Rule,
        now: Time,
        verdict: Verdict,
        hint: Option<Span>,
        word: u64,
    ) -> Option<Change> {
        if rule.hints {
            self.hint = self.hint.max(hint.unwrap_or_default());
        }
        match self.phase {
            Phase::Shut { .. } => None,
            Phase::Probe { .. } if verdict == Verdict::Success => {
                *self = Self::new(now);
                Some(Change::Opened)
            }
            Phase::Probe { .. } => Some(self.shut(rule, now, "probe failed", word)),
            Phase::Open => {
                self.streak =
                    if verdict == Verdict::Failure { self.streak.saturating_add(1) } else { 0 };
                self.ring.record(rule.window, now, verdict == Verdict::Success);
                if rule.max_failures > 0 && self.streak >= rule.max_failures {
                    return Some(self.shut(rule, now, "failures in a row", word));
                }
                let [good, all] = self.ring.totals();
                let low = f64::from(good) < rule.success_rate * f64::from(all);
                (low && all >= rule.min_requests)
                    .then(|| self.shut(rule, now, "success ratio", word))
            }
        }
    }

    fn shut(&mut self, rule: &Rule, now: Time, reason: &'static str, word: u64) -> Change {
        let longest = Span::from_secs_f64(rule.longest);
        let base = Span::from_secs_f64(rule.first * f64::from(1u32 << self.waits.min(30)));
        let base = base.min(longest);
        let wait = base + base.times(rule.jitter * luck::unit(word));
        let floor = std::mem::take(&mut self.hint);
        self.phase = Phase::Shut { until: now + wait.max(floor).min(longest) };
        self.waits += 1;
        Change::Shut(reason)
    }
}

/// Successes and answers over a sliding window.
#[derive(Clone, Debug)]
struct Ring {
    buckets: [[u32; 2]; BUCKETS],
    current: usize,
    /// When the current bucket began.
    since: Time,
}

impl Ring {
    fn record(&mut self, window: Span, now: Time, success: bool) {
        let width = (window.0 / BUCKETS as u64).max(1);
        let steps = now.since(self.since).0 / width;
        for step in 1..=steps.min(BUCKETS as u64) {
            self.buckets[(self.current + step as usize) % BUCKETS] = [0; 2];
        }
        self.current = (self.current + (steps % BUCKETS as u64) as usize) % BUCKETS;
        self.since += Span(steps * width);
        let [good, all] = &mut self.buckets[self.current];
        *good += u32::from(success);
        *all += 1;
    }

    fn totals(&self) -> [u32; 2] {
        self.buckets.iter().fold([0; 2], |[good, all], bucket| [good + bucket[0], all + bucket[1]])
    }
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
