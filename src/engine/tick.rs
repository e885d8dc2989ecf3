//! What happens at a tick: counters into windows, windows into scores and states, those into probabilities.
//!
//! Everything here runs under the control lock, off the path of requests, in slot order.

use std::collections::BTreeMap;

use super::cell::{Board, Sample};
use super::health::{Health, Reason};
use super::identity::{Allowed, ModelKey, Past, ProviderKey, Route, RouteKey};
use super::latency::{Member, ModelLatency};
use super::params::Params;
use super::publish::Directions;
use super::sharing::Peers;
use super::sync::Ordering;
use super::time::Time;
use super::track::{Around, Track};
use super::window::Lengths;

/// So many retired routes are remembered.
const RETIRED: usize = 1_024;

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
    /// Routes ever added per model and provider.
    siblings: BTreeMap<(u32, u32), usize>,
    /// Routes taken out and not put back.
    retired: usize,
    pub(super) models: Vec<String>,
    pub(super) providers: Vec<String>,
    pub(super) allowed: Vec<Vec<RouteKey>>,
    latency: Vec<ModelLatency>,
    pub(super) peers: Peers,
    pub(super) directions: Directions,
    samples: Vec<Vec<Sample>>,
}

impl Control {
    pub(crate) fn new(params: Params, now: Time) -> Self {
        Self {
            lengths: lengths(&params),
            params,
            last_tick: now,
            tracks: Vec::new(),
            by_name: BTreeMap::new(),
            siblings: BTreeMap::new(),
            retired: 0,
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
            self.retired -= usize::from(!track.active);
            track.active = true;
            track.static_weight = route.weight_micro as f64 / 1e6;
            return RouteKey { slot, generation: track.generation };
        }
        let mut track = Track::new(&route, &self.params, &self.lengths);
        let provider = intern(&mut self.providers, route.provider);
        let model = intern(&mut self.models, route.model);
        self.latency.resize_with(self.models.len(), ModelLatency::default);
        let siblings = self.siblings.entry((model, provider)).or_default();
        (track.provider, track.model, track.half) = (provider, model, *siblings % 2);
        *siblings += 1;
        let slot = match self.reusable(board) {
            Some(slot) => {
                self.by_name.remove(&self.tracks[slot as usize].name);
                self.retired -= 1;
                track.generation = self.tracks[slot as usize].generation + 1;
                track.seen = board.totals(slot, Time::ZERO);
                let shared = board.shared.get(slot);
                track.latency.seen = shared.samples_written();
                shared.renew();
                board.gates.get(slot).renew(track.generation);
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

    /// The slot that was retired longest ago, unless an attempt is open on it. None is taken while fewer than
    /// 1,024 are retired: a rotated key finds its history again, and a thread that decides with an old
    /// snapshot would have to sleep through as many publications to meet the slot's next owner.
    fn reusable(&self, board: &Board) -> Option<u32> {
        if self.retired < RETIRED {
            return None;
        }
        let retired = self.tracks.iter().enumerate().filter(|(_, track)| !track.active);
        let (slot, _) = retired.min_by_key(|(slot, track)| (track.retired, *slot))?;
        board.totals(slot as u32, Time::ZERO).idle().then_some(slot as u32)
    }

    pub(crate) fn remove(&mut self, key: RouteKey, now: Time) {
        if let Some(track) = self.tracks.get_mut(key.slot as usize)
            && track.generation == key.generation
        {
            self.retired += usize::from(track.active);
            track.active = false;
            track.retired = now;
        }
    }

    pub(crate) fn set_params(&mut self, params: Params) {
        let lengths = lengths(&params);
        if lengths != self.lengths || params.interval.to_bits() != self.params.interval.to_bits() {
            for track in &mut self.tracks {
                track.restart(&lengths);
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
        let mut keys = routes.to_vec();
        keys.sort_unstable();
        keys.dedup();
        self.allowed.push(keys);
        Allowed((self.allowed.len() - 1) as u32)
    }

    /// Fills windows and latency models with a clean past.
    pub(crate) fn remember(&mut self, pasts: &[(RouteKey, Past)]) {
        self.samples.iter_mut().for_each(Vec::clear);
        self.samples.resize_with(self.tracks.len(), Vec::new);
        for (key, past) in pasts {
            let track = &mut self.tracks[key.slot as usize];
            track.fill(past, &self.params, &self.lengths);
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
        for (slot, track) in self.tracks.iter_mut().enumerate().filter(|(_, track)| track.active) {
            let (gate, shared) = (board.gates.get(slot as u32), board.shared.get(slot as u32));
            let (direction, healthy) = offered[self.directions.of(track)];
            let merged = self.peers.merge(track, shared, now, &self.params);
            let around = Around { now, params: &self.params, direction, healthy, merged };
            let from = track.health;
            if let Some(reason) = track.judge(gate, shared, &around) {
                let route = RouteKey { slot: slot as u32, generation: track.generation };
                changes.push(Change { at: now, route, from, to: track.health, reason });
            }
        }
        Some(changes)
    }

    /// Takes what was counted since the last tick, and the sampled answers.
    fn fold(&mut self, board: &Board, now: Time, buckets: u64) {
        self.samples.resize_with(self.tracks.len(), Vec::new);
        for (slot, track) in self.tracks.iter_mut().enumerate() {
            let totals = board.totals(slot as u32, now);
            track.silence.tick(&totals, &self.params, track.health);
            let done = track.fold(totals, buckets, &self.lengths);
            let shared = board.shared.get(slot as u32);
            shared.take(&mut track.latency.seen, &mut self.samples[slot]);
            // About 64 samples an interval are kept.
            let shift = (done / 64).checked_ilog2().map_or(0, |n| n + 1).min(31);
            shared.shift.store(shift, Ordering::Relaxed);
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
                .enumerate()
                .zip(&self.samples)
                .filter(|((_, track), _)| of_model(track))
                .map(|((slot, track), samples)| Member {
                    slot: slot as u32,
                    // Halves have labels of their own: they mean something else than a provider.
                    group: 3 * track.provider as usize + if single { 1 + track.half } else { 0 },
                    teaches: track.health == Health::Healthy,
                    state: &mut track.latency,
                    samples,
                })
                .collect();
            latency.tick(&mut members, &self.params);
        }
    }
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

fn intern(names: &mut Vec<String>, name: String) -> u32 {
    let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    at as u32
}
