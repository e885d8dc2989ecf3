//! One route as the tick follows it: its windows, score, state, backoff and hold.

use std::collections::VecDeque;

use super::cell::{Gate, Shared, Totals};
use super::health::{self, Backoff, Evidence, Health, Reason};
use super::hold::{Hold, Released};
use super::identity::{Past, Route};
use super::latency::RouteLatency;
use super::luck;
use super::params::Params;
use super::score::{self, Parts};
use super::sharing::Merged;
use super::silence::Silence;
use super::time::Time;
use super::window::{Lengths, Tally, Windows};

/// One route.
#[derive(Debug)]
pub(crate) struct Track {
    pub(super) name: String,
    pub(super) identity: u64,
    /// Hash of provider and key: what a whole-key refusal concerns.
    pub(super) account: u64,
    pub(super) generation: u32,
    pub(super) provider: u32,
    pub(super) model: u32,
    /// 0 or 1: which half of the keys it belongs to, where there is one provider only.
    pub(super) half: usize,
    pub(super) static_weight: f64,
    pub(super) active: bool,
    /// When it was last removed.
    pub(super) retired: Time,
    /// Totals of the last tick.
    pub(super) seen: Totals,
    pub(super) windows: Windows,
    pub(super) latency: RouteLatency,
    pub(super) silence: Silence,
    pub(super) health: Health,
    pub(super) since: Time,
    /// Why it entered its state; `None` before the first change.
    pub(super) why: Option<Reason>,
    pub(super) weight: f64,
    pub(super) parts: Parts,
    backoff: Backoff,
    backoff_until: Time,
    /// End of the exclusion by 429s that was last acted upon.
    limited_seen: Time,
    pub(super) hold: Option<Hold>,
    pub(super) released: Option<Released>,
    /// What peers said since the last tick: a hold begun then, at that rung; a release then.
    pub(super) heard_hold: Option<(Time, u32)>,
    pub(super) heard_release: Option<Time>,
    promoted: Option<Time>,
    /// The last buckets of the state window (since Recovering began, while Recovering).
    recent: VecDeque<Bucket>,
    /// Attempts begun and tokens in the last interval.
    pub(super) opened: u64,
    pub(super) tokens: u64,
    /// Probability within its direction, as last published.
    pub(super) within: f64,
}

/// What one interval brought a route.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    outcomes: Tally,
    /// Attempts begun.
    opened: f64,
    /// Attempts to be expected by its probability.
    expected: f64,
}

/// What a recomputation knows around a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) now: Time,
    pub(super) params: &'a Params,
    /// What the routes of its direction did together in the last interval.
    pub(super) direction: DirectionTotal,
    /// Routes of its direction that are not Failed.
    pub(super) healthy: usize,
    /// Its own windows and its peers'.
    pub(super) merged: Merged,
}

/// What a direction's routes did together in the last interval.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DirectionTotal {
    pub(super) routes: usize,
    pub(super) opened: u64,
    pub(super) tokens: u64,
}

impl DirectionTotal {
    pub(super) fn add(&mut self, track: &Track) {
        self.routes += 1;
        self.opened += track.opened;
        self.tokens += track.tokens;
    }
}

impl Track {
    pub(super) fn new(route: &Route, params: &Params, lengths: &Lengths) -> Self {
        let name = route.name();
        Self {
            identity: luck::name(&name),
            account: luck::mix(luck::name(&route.provider), luck::name(&route.key)),
            name,
            generation: 0,
            provider: 0,
            model: 0,
            half: 0,
            static_weight: route.weight_micro as f64 / 1e6,
            active: true,
            retired: Time::ZERO,
            seen: Totals::default(),
            windows: Windows::new(lengths),
            latency: RouteLatency::default(),
            silence: Silence::default(),
            health: Health::Healthy,
            since: Time::ZERO,
            why: None,
            weight: params.weight_max,
            parts: Parts::default(),
            backoff: Backoff::default(),
            backoff_until: Time::ZERO,
            limited_seen: Time::ZERO,
            hold: None,
            released: None,
            heard_hold: None,
            heard_release: None,
            promoted: None,
            recent: VecDeque::new(),
            opened: 0,
            tokens: 0,
            within: 0.0,
        }
    }

    /// Fills the windows with a past.
    pub(super) fn fill(&mut self, past: &Past, params: &Params, lengths: &Lengths) {
        let per_bucket = past.rate * params.interval;
        let buckets = (past.span.as_secs_f64() / params.interval).floor() as u64;
        let ring = u64::from(lengths.iter().copied().max().unwrap_or(1)).min(buckets);
        let tally = |n: f64| Tally {
            attempts: (per_bucket * n).round() as u64,
            errors: (per_bucket * n * past.error_rate).round() as u64,
        };
        self.windows.add_past(tally((buckets - ring) as f64));
        // Whole errors are carried over, so that a rate below one a bucket is not lost.
        let mut before = Tally::default();
        for i in 1..=ring {
            let after = tally(i as f64);
            let bucket = Tally {
                attempts: after.attempts - before.attempts,
                errors: after.errors - before.errors,
            };
            self.windows.push(lengths, bucket);
            before = after;
        }
    }

    /// Windows of other lengths: they start empty, the whole past stays.
    pub(super) fn restart(&mut self, lengths: &Lengths) {
        let past = self.windows.all();
        self.windows = Windows::new(lengths);
        self.windows.add_past(past);
        self.recent.clear();
    }

    /// Takes what was counted since the last tick, `buckets` intervals ago; returns how many were done.
    pub(super) fn fold(&mut self, totals: Totals, buckets: u64, lengths: &Lengths) -> u64 {
        let outcomes = Tally {
            attempts: totals.done + totals.errors - self.seen.done - self.seen.errors,
            errors: totals.errors - self.seen.errors,
        };
        let longest = lengths.iter().copied().max().unwrap_or(1);
        for _ in 1..buckets.min(u64::from(longest)) {
            self.windows.push(lengths, Tally::default());
            self.recent.push_back(Bucket::default());
        }
        self.windows.push(lengths, outcomes);
        self.opened = totals.opened_since(&self.seen);
        self.tokens = totals.tokens - self.seen.tokens;
        let done = totals.done - self.seen.done;
        self.seen = totals;
        self.recent.push_back(Bucket { outcomes, opened: self.opened as f64, expected: 0.0 });
        while self.recent.len() > usize::from(lengths[0]) {
            self.recent.pop_front();
        }
        done
    }

    /// Scores the route and moves its state; returns why, if it moved.
    pub(super) fn judge(
        &mut self,
        gate: &Gate,
        shared: &Shared,
        around: &Around<'_>,
    ) -> Option<Reason> {
        let (now, params) = (around.now, around.params);
        let fair = params.state_expected != 0.0;
        let routes = around.direction.routes.max(1) as f64;
        let probability = if fair { 1.0 / routes } else { self.within };
        if let Some(last) = self.recent.back_mut() {
            last.expected = probability * around.direction.opened as f64;
        }
        self.rescore(around);
        if let Some(reason) = self.hold_step(gate, shared, now, params) {
            return Some(reason);
        }
        let limited_until = shared.limited_until();
        let limited = limited_until > self.limited_seen;
        self.limited_seen = limited_until;
        if self.hold.is_some() {
            return None;
        }
        if limited && self.health == Health::Failed {
            self.backoff_until = self.backoff_until.max(limited_until);
        }
        let evidence = self.evidence(limited, around);
        let moved = health::next(self.health, &evidence, params);
        if let Some((next, why)) = moved {
            self.enter(next, why, limited_until, now, params);
        }
        if self.health == Health::Failed {
            gate.exclude(self.backoff_until);
        }
        moved.map(|(_, why)| why)
    }

    /// Renews the score's parts and the weight.
    fn rescore(&mut self, around: &Around<'_>) {
        let (now, params, merged) = (around.now, around.params, &around.merged);
        let blend = score::blended_error(&merged.sums, merged.all, params);
        let share = if params.utilization_by == 0.0 {
            ratio(self.opened, around.direction.opened)
        } else {
            ratio(self.tokens, around.direction.tokens)
        };
        let fresh = self.promoted.is_some_and(|at| !health::lasted(at, now, params.momentum_tail));
        let bonus = self.health == Health::Recovering || fresh;
        self.parts = Parts {
            error: score::error_penalty(blend, merged.since_error, params),
            latency: self.latency.penalty.max(self.silence.penalty()),
            utilization: score::utilization_penalty(share, around.healthy, params),
            momentum: if bonus { score::momentum(merged.sums[1], params) } else { 0.0 },
        };
        if self.health == Health::Recovering && params.recovering_progress != 0.0 {
            self.parts.error = 1.0 - self.progress(params);
        }
        match self.health {
            Health::Failed => {}
            Health::Recovering => self.ramp(params),
            Health::Healthy | Health::Degraded => self.weight = self.parts.weight(params),
        }
    }

    /// A Recovering route's weight: what its score says, but at most so many times what it was.
    fn ramp(&mut self, params: &Params) {
        self.weight = self.parts.weight(params).min(self.weight * params.recovering_ramp);
    }

    /// How far a Recovering route is towards its promotion, in [0, 1].
    fn progress(&self, params: &Params) -> f64 {
        let (actual, expected) = self.traffic();
        let need = (params.state_promote_share * expected).max(params.state_promote_min);
        if need > 0.0 { (actual / need).min(1.0) } else { 1.0 }
    }

    /// Attempts and errors that its state goes by.
    pub(super) fn recent(&self) -> Tally {
        self.recent.iter().fold(Tally::default(), |sum, bucket| sum.plus(bucket.outcomes))
    }

    /// Attempts begun over the state window, and how many were to be expected.
    pub(super) fn traffic(&self) -> (f64, f64) {
        let sum = |of: fn(&Bucket) -> f64| self.recent.iter().map(of).sum();
        (sum(|bucket| bucket.opened), sum(|bucket| bucket.expected))
    }

    fn evidence(&self, limited: bool, around: &Around<'_>) -> Evidence {
        let own = self.recent();
        // What peers saw before this route came back is not held against it.
        let peers = if self.health == Health::Recovering {
            Tally::default()
        } else {
            around.merged.peers_recent
        };
        let (actual, expected) = self.traffic();
        Evidence {
            recent: own.plus(peers),
            latency: self.parts.latency,
            limited,
            backoff_over: around.now >= self.backoff_until,
            actual,
            expected,
        }
    }

    /// Enters a state and does what entering it means.
    pub(super) fn enter(
        &mut self,
        next: Health,
        why: Reason,
        limited_until: Time,
        now: Time,
        params: &Params,
    ) {
        if self.health == Health::Healthy && health::lasted(self.since, now, params.backoff_reset) {
            self.backoff.reset();
        }
        match next {
            Health::Failed => {
                self.weight = (self.weight / 2.0).max(params.weight_min);
                match why {
                    Reason::RateLimited => self.backoff_until = limited_until,
                    // A hold ends by its check, not by the ladder of failures.
                    Reason::Held => {}
                    _ => self.backoff_until = now + self.backoff.next(self.identity, params),
                }
            }
            Health::Recovering => {
                // What went wrong before the exclusion is not held against the way back.
                self.recent.clear();
                self.ramp(params);
            }
            Health::Healthy if self.health == Health::Recovering => {
                self.promoted = Some(now);
                self.weight = self.parts.weight(params);
            }
            Health::Healthy | Health::Degraded => {}
        }
        self.health = next;
        self.since = now;
        self.why = Some(why);
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
