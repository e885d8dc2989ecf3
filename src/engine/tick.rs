//! What happens at a tick: counters into windows, windows into scores and states, those into probabilities.
//!
//! Everything here runs under the control lock, off the path of requests, in slot order.

use std::collections::{BTreeMap, VecDeque};

use super::balancer::refusal;
use super::cell::{Board, Sample, Totals};
use super::health::{self, Backoff, Evidence, Health, Reason};
use super::hold::{Hold, HoldClass, Released, Verdict};
use super::identity::{Allowed, ModelKey, Past, ProviderKey, Route, RouteKey};
use super::latency::{Member, ModelLatency, RouteLatency};
use super::luck;
use super::params::Params;
use super::publish::Directions;
use super::score::{self, Parts};
use super::sharing::Peers;
use super::sync::Ordering;
use super::time::{Span, Time};
use super::window::{Lengths, Tally, WINDOWS, Windows};

/// A change of a route's health.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When.
    pub at: Time,
    /// Which route.
    pub route: RouteKey,
    /// Before.
    pub from: Health,
    /// After.
    pub to: Health,
    /// Why.
    pub reason: Reason,
}

/// Everything the engine knows, behind the control lock.
#[derive(Debug)]
pub(crate) struct Control {
    pub(super) params: Params,
    lengths: Lengths,
    last_tick: Time,
    pub(super) tracks: Vec<Track>,
    by_name: BTreeMap<String, u32>,
    models: Vec<String>,
    pub(super) providers: Vec<String>,
    pub(super) allowed: Vec<Vec<u32>>,
    latency: Vec<ModelLatency>,
    pub(super) peers: Peers,
    pub(super) directions: Directions,
    samples: Vec<Vec<Sample>>,
}

/// One route, as the tick follows it.
#[derive(Debug)]
pub(crate) struct Track {
    pub(super) name: String,
    pub(super) identity: u64,
    pub(super) account: u64,
    pub(super) generation: u32,
    pub(super) provider: u32,
    pub(super) model: u32,
    /// 0 or 1: which half of the keys it belongs to, where there is one provider only.
    half: usize,
    pub(super) static_weight: f64,
    pub(super) active: bool,
    seen: Totals,
    pub(super) windows: Windows,
    latency: RouteLatency,
    silence: Silence,
    pub(super) health: Health,
    since: Time,
    pub(super) weight: f64,
    pub(super) parts: Parts,
    backoff: Backoff,
    backoff_until: Time,
    limited_seen: u64,
    pub(super) hold: Option<Hold>,
    released: Option<Released>,
    promoted: Option<Time>,
    /// Of the last buckets of the state window: (outcomes, attempts begun, attempts expected).
    recent: VecDeque<(Tally, f64, f64)>,
    /// Attempts begun and tokens in the last interval.
    pub(super) opened: u64,
    tokens: u64,
    /// Probability within its direction, as last published.
    pub(super) within: f64,
}

/// Age of unanswered attempts, against its own slow baseline.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    baseline_ln: f64,
    ticks: u64,
    penalty: f64,
}

impl Control {
    pub(crate) fn new(params: Params, now: Time) -> Self {
        Self {
            lengths: lengths(&params),
            params,
            last_tick: now,
            tracks: Vec::new(),
            by_name: BTreeMap::new(),
            models: Vec::new(),
            providers: Vec::new(),
            allowed: Vec::new(),
            latency: Vec::new(),
            peers: Peers::default(),
            directions: Directions::default(),
            samples: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, board: &Board, route: Route) -> RouteKey {
        let name = route.name();
        if let Some(&slot) = self.by_name.get(&name) {
            let track = &mut self.tracks[slot as usize];
            track.active = true;
            track.static_weight = route.weight_micro as f64 / 1e6;
            return RouteKey { slot, generation: track.generation };
        }
        let provider = intern(&mut self.providers, &route.provider);
        let model = intern(&mut self.models, &route.model);
        self.latency.resize_with(self.models.len(), ModelLatency::default);
        let siblings = self.tracks.iter().filter(|t| t.model == model && t.provider == provider);
        let mut track = Track::new(&route, &self.params, &self.lengths);
        (track.provider, track.model, track.half) = (provider, model, siblings.count() % 2);
        let slot = match self.reusable(board) {
            Some(slot) => {
                self.by_name.remove(&self.tracks[slot as usize].name);
                track.generation = self.tracks[slot as usize].generation + 1;
                track.seen = board.totals(slot, Time::ZERO);
                track.latency.seen = u64::MAX;
                let gate = board.gates.get(slot);
                gate.generation.store(track.generation, Ordering::Relaxed);
                gate.excluded_until.store(0, Ordering::Relaxed);
                self.tracks[slot as usize] = track;
                slot
            }
            None => {
                let slot = u32::try_from(self.tracks.len()).expect("fewer than 2^32 routes");
                board.grow_to(slot);
                self.tracks.push(track);
                slot
            }
        };
        self.by_name.insert(name, slot);
        RouteKey { slot, generation: self.tracks[slot as usize].generation }
    }

    /// A slot whose route is long gone: kept while fewer than 1,024 routes are retired, so that a rotated key
    /// finds its history again, and never taken while an attempt is open on it.
    fn reusable(&self, board: &Board) -> Option<u32> {
        let retired = || self.tracks.iter().enumerate().filter(|(_, track)| !track.active);
        if retired().count() < 1_024 {
            return None;
        }
        retired()
            .map(|(slot, _)| slot as u32)
            .find(|&slot| board.totals(slot, Time::ZERO).silent == 0)
    }

    pub(crate) fn remove(&mut self, key: RouteKey) {
        if let Some(track) = self.tracks.get_mut(key.slot as usize)
            && track.generation == key.generation
        {
            track.active = false;
        }
    }

    pub(crate) fn set_params(&mut self, params: Params) {
        let lengths = lengths(&params);
        if lengths != self.lengths || params.interval.to_bits() != self.params.interval.to_bits() {
            for track in &mut self.tracks {
                let past = track.windows.all();
                track.windows = Windows::new(&lengths);
                track.windows.add_past(past);
                track.recent.clear();
            }
            self.lengths = lengths;
        }
        self.params = params;
    }

    pub(crate) fn model(&self, name: &str) -> Option<ModelKey> {
        self.models.iter().position(|model| model == name).map(|i| ModelKey(i as u32))
    }

    pub(crate) fn provider(&self, name: &str) -> Option<ProviderKey> {
        self.providers.iter().position(|p| p == name).map(|i| ProviderKey(i as u32))
    }

    pub(super) fn model_count(&self) -> usize {
        self.models.len()
    }

    pub(crate) fn allow(&mut self, routes: &[RouteKey]) -> Allowed {
        let mut slots: Vec<u32> = routes.iter().map(|key| key.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        self.allowed.push(slots);
        Allowed((self.allowed.len() - 1) as u32)
    }

    /// Fills windows and latency models with a clean past.
    pub(crate) fn remember(&mut self, now: Time, pasts: &[(RouteKey, Past)]) {
        self.samples.iter_mut().for_each(Vec::clear);
        self.samples.resize_with(self.tracks.len(), Vec::new);
        for (key, past) in pasts {
            let track = &mut self.tracks[key.slot as usize];
            track.fill(now, past, &self.params, &self.lengths);
            self.samples[key.slot as usize].extend(past.samples.iter().map(
                |&(latency, prompt, output)| Sample {
                    latency_s: latency.as_secs_f64(),
                    prompt,
                    output,
                },
            ));
        }
        for _ in 0..12 {
            self.learn();
        }
        for track in &mut self.tracks {
            track.latency.penalty = 0.0;
        }
    }

    /// One recomputation; `None` if it is too early for one.
    pub(crate) fn tick(&mut self, board: &Board, now: Time) -> Option<Vec<Change>> {
        let interval = self.params.interval_span();
        let passed = now.since(self.last_tick);
        // A tick up to a tenth early counts as on time.
        if passed.0 < interval.0 - interval.0 / 10 {
            return None;
        }
        let buckets = ((passed.0 + interval.0 / 2) / interval.0).max(1);
        self.last_tick = now;
        self.peers.forget(now, interval);
        self.fold(board, now, buckets);
        self.learn();
        let mut changes = Vec::new();
        let offered = self.directions.attempts(&self.tracks);
        for slot in 0..self.tracks.len() {
            if self.tracks[slot].active {
                let direction = self.directions.of(&self.tracks[slot]);
                let (total, healthy) = offered[direction];
                self.judge(board, slot, now, &total, healthy, &mut changes);
            }
        }
        Some(changes)
    }

    /// Takes what was counted since the last tick, and the sampled answers.
    fn fold(&mut self, board: &Board, now: Time, buckets: u64) {
        self.samples.resize_with(self.tracks.len(), Vec::new);
        for (slot, track) in self.tracks.iter_mut().enumerate() {
            let totals = board.totals(slot as u32, now);
            let bucket = Tally {
                attempts: totals.done + totals.errors - track.seen.done - track.seen.errors,
                errors: totals.errors - track.seen.errors,
            };
            for _ in 1..buckets.min(u64::from(u16::MAX)) {
                track.windows.push(&self.lengths, Tally::default());
            }
            track.windows.push(&self.lengths, bucket);
            track.opened = totals.opened - track.seen.opened;
            track.tokens = totals.tokens - track.seen.tokens;
            let done = totals.done - track.seen.done;
            track.seen = totals;
            track.recent.push_back((bucket, track.opened as f64, 0.0));
            while track.recent.len() > usize::from(self.lengths[0]) {
                track.recent.pop_front();
            }
            let shared = board.shared.get(slot as u32);
            if track.latency.seen == u64::MAX {
                track.latency.seen = 0;
                shared.take(&mut track.latency.seen, &mut self.samples[slot]);
                self.samples[slot].clear();
            }
            shared.take(&mut track.latency.seen, &mut self.samples[slot]);
            // About 64 samples an interval are kept.
            let shift = (done / 64).checked_ilog2().map_or(0, |n| n + 1).min(31);
            shared.shift.store(shift, Ordering::Relaxed);
            track.silence.tick(&totals, &self.params, track.health);
        }
    }

    /// Runs the latency models, one per model name, in slot order.
    fn learn(&mut self) {
        for (model, latency) in self.latency.iter_mut().enumerate() {
            let of_model = |track: &Track| track.active && track.model as usize == model;
            let mut providers: Vec<u32> =
                self.tracks.iter().filter(|t| of_model(t)).map(|t| t.provider).collect();
            providers.sort_unstable();
            providers.dedup();
            let single = providers.len() < 2;
            let mut members: Vec<Member<'_>> = self
                .tracks
                .iter_mut()
                .zip(&self.samples)
                .filter(|(track, _)| of_model(track))
                .map(|(track, samples)| Member {
                    group: if single {
                        track.half
                    } else {
                        providers.binary_search(&track.provider).expect("collected above")
                    },
                    teaches: track.health == Health::Healthy,
                    state: &mut track.latency,
                    samples,
                })
                .collect();
            latency.tick(&mut members, &self.params);
        }
    }

    /// Scores one route and moves its state.
    fn judge(
        &mut self,
        board: &Board,
        slot: usize,
        now: Time,
        direction: &DirectionTotal,
        healthy: usize,
        changes: &mut Vec<Change>,
    ) {
        let params = &self.params;
        let sums = self.peers.add_to(&self.tracks[slot], *self.tracks[slot].windows.sums(), params);
        let track = &mut self.tracks[slot];
        let shared = board.shared.get(slot as u32);
        let gate = board.gates.get(slot as u32);
        let before = track.health;
        let observed = gate.excluded_until();
        let fair = params.state_expected != 0.0;
        let probability = if fair { 1.0 / direction.routes.max(1) as f64 } else { track.within };
        if let Some(last) = track.recent.back_mut() {
            last.2 = probability * direction.opened as f64;
        }
        track.rescore(shared_last_error(shared, now), &sums, direction, healthy, now, params);
        let word = shared.refusal.swap(0, Ordering::Relaxed);
        let mut reason = track.hold_step(refusal(word), shared, now, params);
        let limited_at = shared.last_limited.load(Ordering::Relaxed);
        let limited = limited_at > track.limited_seen;
        track.limited_seen = limited_at;
        if limited && track.hold.is_none() && track.health == Health::Failed {
            track.backoff_until = track.backoff_until.max(observed);
        }
        if reason.is_none() && track.hold.is_none() {
            let evidence = track.evidence(limited, now);
            if let Some((next, why)) = health::next(track.health, &evidence, params) {
                track.enter(next, why, observed, now, params);
                reason = Some(why);
            }
        }
        if reason.is_some() || track.health == Health::Failed {
            // An exclusion that came meanwhile is kept: the next tick sees it.
            let until = if track.hold.is_some() { Time::NEVER } else { track.until() };
            let _ = gate.excluded_until.compare_exchange(
                observed.0,
                until.0,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        if let (Some(reason), true) = (reason, track.health != before) {
            let route = RouteKey { slot: slot as u32, generation: track.generation };
            changes.push(Change { at: now, route, from: before, to: track.health, reason });
        }
    }
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

fn shared_last_error(shared: &super::cell::Shared, now: Time) -> Option<Span> {
    let at = shared.last_error.load(Ordering::Relaxed);
    (at > 0).then(|| now.since(Time(at)))
}

impl Track {
    fn new(route: &Route, params: &Params, lengths: &Lengths) -> Self {
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
            seen: Totals::default(),
            windows: Windows::new(lengths),
            latency: RouteLatency::default(),
            silence: Silence::default(),
            health: Health::Healthy,
            since: Time::ZERO,
            weight: params.weight_max,
            parts: Parts::default(),
            backoff: Backoff::default(),
            backoff_until: Time::ZERO,
            limited_seen: 0,
            hold: None,
            released: None,
            promoted: None,
            recent: VecDeque::new(),
            opened: 0,
            tokens: 0,
            within: 0.0,
        }
    }

    fn fill(&mut self, _now: Time, past: &Past, params: &Params, lengths: &Lengths) {
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

    /// Until when it is excluded; in the past if it is not.
    pub(super) fn until(&self) -> Time {
        match (self.health, &self.hold) {
            (_, Some(hold)) => hold.due,
            (Health::Failed, None) => self.backoff_until,
            _ => Time::ZERO,
        }
    }

    /// Renews the score's parts and the weight.
    fn rescore(
        &mut self,
        since_error: Option<Span>,
        sums: &[Tally; WINDOWS],
        direction: &DirectionTotal,
        healthy: usize,
        now: Time,
        params: &Params,
    ) {
        let blend = score::blended_error(sums, self.windows.all(), params);
        let share = if params.utilization_by == 0.0 {
            ratio(self.opened, direction.opened)
        } else {
            ratio(self.tokens, direction.tokens)
        };
        let fresh = self.promoted.is_some_and(|at| !health::lasted(at, now, params.momentum_tail));
        let bonus = self.health == Health::Recovering || fresh;
        self.parts = Parts {
            error: score::error_penalty(blend, since_error, params),
            latency: self.latency.penalty.max(self.silence.penalty),
            utilization: score::utilization_penalty(share, healthy, params),
            momentum: if bonus { score::momentum(sums[1], params) } else { 0.0 },
        };
        if self.health == Health::Recovering && params.recovering_progress != 0.0 {
            self.parts.error = 1.0 - self.progress(params);
        }
        let weight = self.parts.weight(params);
        match self.health {
            Health::Failed => {}
            Health::Recovering => {
                self.weight = weight.min(self.weight * params.recovering_ramp);
            }
            Health::Healthy | Health::Degraded => self.weight = weight,
        }
    }

    /// How far a Recovering route is towards its promotion, in [0, 1].
    fn progress(&self, params: &Params) -> f64 {
        let actual: f64 = self.recent.iter().map(|(_, actual, _)| actual).sum();
        let expected: f64 = self.recent.iter().map(|(.., expected)| expected).sum();
        let need = (params.state_promote_share * expected).max(params.state_promote_min);
        if need > 0.0 { (actual / need).min(1.0) } else { 1.0 }
    }

    fn evidence(&self, limited: bool, now: Time) -> Evidence {
        let recent = self.recent.iter().fold(Tally::default(), |sum, (tally, ..)| sum.plus(*tally));
        Evidence {
            recent,
            latency: self.parts.latency,
            limited,
            backoff_over: now >= self.backoff_until,
            actual: self.recent.iter().map(|(_, actual, _)| actual).sum(),
            expected: self.recent.iter().map(|(.., expected)| expected).sum(),
        }
    }

    /// Enters a state and does what entering it means.
    fn enter(&mut self, next: Health, why: Reason, excluded: Time, now: Time, params: &Params) {
        match next {
            Health::Failed => {
                let stable = self.health != Health::Recovering
                    && health::lasted(self.since, now, params.backoff_reset);
                if stable {
                    self.backoff.reset();
                }
                self.weight = (self.weight / 2.0).max(params.weight_min);
                self.backoff_until = if why == Reason::RateLimited {
                    excluded.max(now)
                } else {
                    now + self.backoff.next(self.identity, params)
                };
            }
            // What went wrong before the exclusion is not held against the way back.
            Health::Recovering => self.recent.clear(),
            Health::Healthy if self.health == Health::Recovering => self.promoted = Some(now),
            Health::Healthy | Health::Degraded => {}
        }
        self.health = next;
        self.since = now;
    }

    /// Begins, continues or ends a hold. Returns the reason if the state changed.
    fn hold_step(
        &mut self,
        refused: Option<(HoldClass, Option<Span>)>,
        shared: &super::cell::Shared,
        now: Time,
        params: &Params,
    ) -> Option<Reason> {
        let Some(hold) = self.hold else {
            let (class, hint) = refused?;
            self.hold = Some(Hold::begin(class, now, hint, self.released, self.identity, params));
            shared.check.store(1, Ordering::Relaxed);
            self.enter(Health::Failed, Reason::Held, Time::NEVER, now, params);
            return Some(Reason::Held);
        };
        let word = shared.check.load(Ordering::Relaxed);
        if word >> 63 == 0 {
            // A check that never reports frees its place.
            let timeout = Span::from_secs_f64(params.hold_check_timeout);
            if word > 1 && now.since(Time(word)) > timeout {
                shared.check.store(1, Ordering::Relaxed);
            }
            return None;
        }
        let verdict = match word & 0xff {
            0 => Verdict::Served,
            code => HoldClass::from_code(code).map_or(Verdict::Nothing, Verdict::Refused),
        };
        self.hold = hold.checked(verdict, now, self.identity, params);
        if self.hold.is_some() {
            shared.check.store(1, Ordering::Relaxed);
            return None;
        }
        shared.check.store(0, Ordering::Relaxed);
        self.released = Some(hold.released(now));
        self.enter(Health::Recovering, Reason::Released, now, now, params);
        Some(Reason::Released)
    }
}

impl Silence {
    /// Compares the mean age of unanswered attempts with its baseline, which moves slowly and not at all
    /// while the route is suspect.
    fn tick(&mut self, totals: &Totals, params: &Params, health: Health) {
        let age = totals.silent_age.as_secs_f64();
        let few = (totals.silent as f64) < params.silence_min_open;
        if params.silence_enabled == 0.0 || few || age <= 0.0 {
            self.penalty = 0.0;
            return;
        }
        let ln_age = libm::log(age);
        let margin = libm::log(params.silence_margin);
        let exceed = ln_age - self.baseline_ln - margin;
        self.penalty = if self.ticks > 0 && exceed > 0.0 {
            1.0 - libm::exp(-params.latency_k * exceed / margin)
        } else {
            0.0
        };
        if health == Health::Healthy && self.penalty == 0.0 {
            self.ticks += 1;
            let slow = 1.0 - libm::exp(-params.interval / params.latency_baseline);
            let rate = slow.max(1.0 / self.ticks as f64);
            self.baseline_ln += rate * (ln_age - self.baseline_ln);
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn lengths(params: &Params) -> Lengths {
    [
        params.state_window,
        params.momentum_window,
        params.error_window_short,
        params.error_window_long,
    ]
    .map(|window| (window / params.interval).round().max(1.0) as u16)
}

fn intern(names: &mut Vec<String>, name: &str) -> u32 {
    let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    at as u32
}
