//! The object that a gateway node holds: admit, reserve, settle, release.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use crate::engine::Time;

use super::compile::{Key, Lists, Path};
use super::counts::Counts;
use super::denial::{Denial, Reason};
use super::hold::{Hold, Holds, Open};
use super::limit::Kind;
use super::meter::{Meter, Reading, Term};
use super::money::NanoUsd;
use super::sharing::Peer;

/// Counts of every limit of a plan, and what is under way.
///
/// Keys, configurations and models are their indices in the plan; a configuration is counted within its key.
/// Times come from one clock; a time before the latest one seen counts as that.
///
/// # Invariants
/// * `used` of every meter is the sum of what was charged in its window, and `reserved` of what is open in it.
/// * A hold is charged once, at every level that its path has.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) counts: Counts,
    pub(super) terms: Arc<[Term]>,
    pub(super) lists: Arc<Lists>,
    pub(super) keys: Arc<[Key]>,
    pub(super) models: u32,
    pub(super) reserving: bool,
    /// Nanoseconds from 1970 to time zero.
    pub(super) epoch: u64,
    /// The latest moment seen, in nanoseconds since 1970.
    pub(super) latest: u64,
    pub(super) holds: Holds,
    pub(super) peers: Vec<Option<Peer>>,
}

/// The most that an attempt may use. Only [`Charging::Reserved`](super::Charging::Reserved) looks at it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Tokens, prompt and output.
    pub tokens: u64,
    /// Money.
    pub cost: NanoUsd,
}

/// What an attempt used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens, prompt and output.
    pub tokens: u64,
    /// Money.
    pub cost: NanoUsd,
    /// Whether it counts as a request: it succeeded. Tokens and money count either way.
    pub succeeded: bool,
}

/// Provider configurations of a key that may serve a request now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Eligible(pub u64);

impl Eligible {
    /// The first `configs` of a key.
    pub const fn all(configs: usize) -> Self {
        Self(if configs >= 64 { u64::MAX } else { (1 << configs) - 1 })
    }

    /// Whether this one is among them.
    pub const fn has(self, config: usize) -> bool {
        config < 64 && self.0 >> config & 1 == 1
    }

    /// The same without one.
    #[must_use]
    pub const fn without(self, config: usize) -> Self {
        Self(self.0 & !(1 << config))
    }
}

/// What limits still let through.
#[derive(Clone, Copy, Debug)]
struct Room {
    requests: u64,
    tokens: u64,
    cost: u64,
    /// Some limit is used beyond its maximum: it refuses even nothing.
    exceeded: bool,
}

impl Room {
    const UNLIMITED: Self =
        Self { requests: u64::MAX, tokens: u64::MAX, cost: u64::MAX, exceeded: false };

    /// As [`Meter::refuses`] says of each limit alone.
    #[inline]
    const fn takes(&self, need: &Need, reserving: bool) -> bool {
        let (tokens, cost) = if reserving { (need.tokens, need.cost.0) } else { (1, 1) };
        !self.exceeded && self.requests > 0 && self.tokens >= tokens && self.cost >= cost
    }
}

impl Need {
    const fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Requests => 1,
            Kind::Tokens => self.tokens,
            Kind::Budget => self.cost.0,
        }
    }
}

impl Ledger {
    /// Which configurations of `key` may serve a request for `model` now. A configuration whose limits are
    /// used up drops out, the others stay. `need` says the most that the request may use at a configuration.
    ///
    /// # Errors
    /// [`Denial`] if none is left: the first check that fails in the documented order, for the first
    /// configuration that allows the model.
    #[inline]
    pub fn admit(
        &mut self,
        now: Time,
        key: u32,
        model: u16,
        need: impl Fn(usize) -> Need,
    ) -> Result<Eligible, Denial> {
        let at = self.at(now);
        let Some(&Key { first, configs, active, expires }) = self.keys.get(key as usize) else {
            return Err(Denial { reason: Reason::UnknownKey, whose: None, until: None });
        };
        if !active || at >= expires {
            let reason = if active { Reason::ExpiredKey } else { Reason::InactiveKey };
            return Err(Denial::of_key(reason, key));
        }
        let mut eligible = 0;
        let mut shared = None;
        for config in 0..configs as usize {
            let path = self.lists.paths
                [(first as usize + config) * self.models as usize + usize::from(model)];
            if !path.allowed {
                continue;
            }
            let need = need(config);
            // What all configurations share is looked at once.
            let room = match shared {
                Some(room) => room,
                None => *shared.insert(self.room(path.shared())),
            };
            if room.takes(&need, self.reserving) && self.fits(path.own(), &need) {
                eligible |= 1 << config;
            }
        }
        if eligible == 0 {
            return Err(self.denial(key, model, need));
        }
        Ok(Eligible(eligible))
    }

    /// Counts an attempt at a configuration before it is sent: the request, and what it may use if that is to
    /// be reserved. All or nothing.
    ///
    /// # Errors
    /// [`Denial`] if a limit has been reached since the request was admitted; nothing is counted then.
    ///
    /// # Panics
    /// If there is no such key, configuration or model.
    #[inline]
    pub fn reserve(
        &mut self,
        now: Time,
        key: u32,
        config: usize,
        model: u16,
        need: &Need,
    ) -> Result<Hold, Denial> {
        let at = self.at(now);
        let first = self.keys[key as usize].first as usize;
        let index = (first + config) * self.models as usize + usize::from(model);
        let path = self.lists.paths[index];
        if !path.allowed || !self.fits(path.shared(), need) || !self.fits(path.own(), need) {
            return Err(self.denial_at(key, &path, need));
        }
        let reserving = self.reserving;
        self.each(&path, |meter| match meter.kind() {
            Kind::Requests => meter.used += 1,
            kind if reserving => meter.reserved = meter.reserved.saturating_add(need.of(kind)),
            _ => {}
        });
        let (tokens, cost) = if reserving { (need.tokens, need.cost.0) } else { (0, 0) };
        Ok(self.holds.open(Open { at, tokens, cost, path: index as u32, ..Open::default() }))
    }

    /// Charges what a stream has used so far, in all: what was charged before is not charged again. Does
    /// nothing where everything has been reserved, or the hold is closed.
    pub fn progress(&mut self, now: Time, hold: Hold, so_far: &Spent) {
        self.at(now);
        let Some(open) = self.holds.get_mut(hold).filter(|_| !self.reserving) else {
            return;
        };
        let tokens = so_far.tokens.saturating_sub(open.tokens_charged);
        let cost = so_far.cost.0.saturating_sub(open.cost_charged);
        open.tokens_charged += tokens;
        open.cost_charged += cost;
        let path = self.lists.paths[open.path as usize];
        self.each(&path, |meter| match meter.kind() {
            Kind::Requests => {}
            Kind::Tokens => meter.used = meter.used.saturating_add(tokens),
            Kind::Budget => meter.used = meter.used.saturating_add(cost),
        });
    }

    /// Charges what an attempt used, at every level, and closes its hold. Gives false, and charges nothing, if
    /// the hold was closed before.
    ///
    /// What is paid after is charged to the window in which it is known; what was reserved, to the window in
    /// which it was reserved, also when that is over by now.
    #[inline]
    pub fn settle(&mut self, now: Time, hold: Hold, spent: &Spent) -> bool {
        self.at(now);
        let Some(open) = self.holds.close(hold) else {
            return false;
        };
        let path = self.lists.paths[open.path as usize];
        let reserving = self.reserving;
        let tokens = spent.tokens.saturating_sub(open.tokens_charged);
        let times = if planted!(DoubleCharge) && !spent.succeeded { 2 } else { 1 };
        let cost = spent.cost.0.saturating_sub(open.cost_charged) * times;
        self.each_since(open.at, &path, |meter, is_its_window| {
            let (reserved, used) = match meter.kind() {
                Kind::Requests => {
                    meter.used -= u64::from(is_its_window && !spent.succeeded);
                    return;
                }
                Kind::Tokens => (open.tokens, tokens),
                Kind::Budget => (open.cost, cost),
            };
            if !reserving {
                meter.used = meter.used.saturating_add(used);
            } else if is_its_window {
                meter.reserved -= reserved;
                meter.used = meter.used.saturating_add(used);
            }
        });
        true
    }

    /// Charges what an attempt used that was reserved in another ledger at `since`: nothing is checked here. For a host
    /// that keeps the sum of several nodes' counts.
    ///
    /// # Panics
    /// If there is no such key, configuration or model.
    pub fn charge(
        &mut self,
        now: Time,
        since: Time,
        key: u32,
        config: usize,
        model: u16,
        spent: &Spent,
    ) {
        self.at(now);
        let since = self.epoch.saturating_add(since.0);
        let path = self.path(key, config, model);
        let reserving = self.reserving;
        self.each_since(since, &path, |meter, is_its_window| {
            let counts = is_its_window || !reserving && meter.kind() != Kind::Requests;
            let used = match meter.kind() {
                Kind::Requests => u64::from(spent.succeeded),
                Kind::Tokens => spent.tokens,
                Kind::Budget => spent.cost.0,
            };
            meter.used = meter.used.saturating_add(if counts { used } else { 0 });
        });
    }

    /// Takes an attempt back that used nothing. Gives false if its hold was closed before.
    pub fn release(&mut self, now: Time, hold: Hold) -> bool {
        self.settle(now, hold, &Spent::default())
    }

    /// Brings what is known of an attempt near, for a host that knows which ones end soon: memory is slow to answer, and
    /// answers many questions at once.
    #[inline]
    pub fn fetch(&self, hold: Hold) {
        black_box(self.holds.get(hold).map(|open| open.at));
    }

    /// What is under way: after a restart, what its host has to settle or release.
    pub fn open(&self) -> impl Iterator<Item = Hold> + '_ {
        self.holds.all()
    }

    /// Every limit as it stands at `now`, in the order of the plan: customers, teams, keys, providers, models,
    /// then provider configurations.
    pub fn readings(&mut self, now: Time) -> impl Iterator<Item = Reading> + '_ {
        self.at(now);
        let counts = &self.counts;
        self.terms.iter().enumerate().map(move |(limit, term)| {
            counts.meters[limit].reading(term, counts.remote[limit], counts.over[limit])
        })
    }

    /// Changes the maximum of a limit, by its place in [`Ledger::readings`]; what was used stays.
    ///
    /// # Panics
    /// If there is no such limit.
    pub fn set_max(&mut self, limit: usize, max: u64) {
        self.counts.meters[limit].max = max;
    }

    /// Switches a virtual key on or off.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn set_active(&mut self, key: u32, active: bool) {
        Arc::make_mut(&mut self.keys)[key as usize].active = active;
    }

    /// Whether one configuration of `key` may serve a request for `model` now.
    ///
    /// # Errors
    /// [`Denial`]: the first check that fails in the documented order.
    ///
    /// # Panics
    /// If there is no such key, configuration or model.
    pub fn admit_at(
        &mut self,
        now: Time,
        key: u32,
        config: usize,
        model: u16,
        need: &Need,
    ) -> Result<(), Denial> {
        self.at(now);
        let path = self.path(key, config, model);
        if !path.allowed || !self.fits(path.shared(), need) || !self.fits(path.own(), need) {
            return Err(self.denial_at(key, &path, need));
        }
        Ok(())
    }

    /// How much is used, in percent, of the fullest limit of a kind that a request may meet: at one
    /// configuration, or at any that allows the model. 0 where there is none.
    ///
    /// # Panics
    /// If there is no such key, configuration or model.
    pub fn percent(
        &mut self,
        now: Time,
        key: u32,
        config: Option<usize>,
        model: u16,
        kind: Kind,
    ) -> f64 {
        self.at(now);
        let configs = match config {
            Some(config) => config..config + 1,
            None => 0..self.keys[key as usize].configs as usize,
        };
        let mut fullest = 0.0_f64;
        for config in configs {
            let path = self.path(key, config, model);
            if !path.allowed {
                continue;
            }
            for limit in self.limits(&path) {
                let meter = &self.counts.meters[limit];
                if meter.kind() == kind {
                    let used = self.counts.used(limit);
                    fullest = fullest.max(100.0 * used as f64 / meter.max.max(1) as f64);
                }
            }
        }
        fullest
    }

    #[inline]
    fn path(&self, key: u32, config: usize, model: u16) -> Path {
        let first = self.keys[key as usize].first as usize;
        self.lists.paths[(first + config) * self.models as usize + usize::from(model)]
    }

    /// The moment, in nanoseconds since 1970, never before one that was seen; all windows hold it.
    #[inline]
    pub(super) fn at(&mut self, now: Time) -> u64 {
        self.latest = self.latest.max(self.epoch.saturating_add(now.0));
        if self.counts.is_due(self.latest) {
            self.counts.turn(self.latest, &self.lists.limits);
        }
        self.latest
    }

    #[inline]
    fn fits(&self, list: Range<usize>, need: &Need) -> bool {
        self.lists.meters[list].iter().all(|&limit| {
            let need = need.of(self.counts.meters[limit as usize].kind());
            !self.counts.refuses(limit as usize, need, self.reserving)
        })
    }

    /// What a list of meters still lets through.
    #[inline]
    fn room(&self, list: Range<usize>) -> Room {
        let mut room = Room::UNLIMITED;
        for &limit in &self.lists.meters[list] {
            let meter = &self.counts.meters[limit as usize];
            let least = match meter.kind() {
                Kind::Requests => &mut room.requests,
                Kind::Tokens => &mut room.tokens,
                Kind::Budget => &mut room.cost,
            };
            match meter.max.checked_sub(self.counts.used(limit as usize)) {
                Some(left) => *least = left.min(*least),
                None => room.exceeded = true,
            }
        }
        room
    }

    /// The limits of a path.
    fn limits(&self, path: &Path) -> impl Iterator<Item = usize> + use<'_> {
        let lists = &self.lists.meters;
        lists[path.own()].iter().chain(&lists[path.shared()]).map(|limit| *limit as usize)
    }

    /// Does something to every meter of a path.
    #[inline]
    fn each(&mut self, path: &Path, mut change: impl FnMut(&mut Meter)) {
        for list in [path.own(), path.shared()] {
            for &limit in &self.lists.meters[list] {
                change(&mut self.counts.meters[limit as usize]);
            }
        }
    }

    /// The same for what began at a moment that is past: says whether the meter's window is the one that held it.
    #[inline]
    fn each_since(&mut self, since: u64, path: &Path, mut change: impl FnMut(&mut Meter, bool)) {
        for list in [path.own(), path.shared()] {
            for &limit in &self.lists.meters[list] {
                let is_its_window = self.counts.held(limit as usize, since);
                change(&mut self.counts.meters[limit as usize], is_its_window);
            }
        }
    }

    #[cold]
    fn denial(&self, key: u32, model: u16, need: impl Fn(usize) -> Need) -> Denial {
        let Key { first, configs, .. } = self.keys[key as usize];
        let path = |config: usize| {
            self.lists.paths[(first as usize + config) * self.models as usize + usize::from(model)]
        };
        match (0..configs as usize).find(|&config| path(config).allowed) {
            Some(config) => {
                let path = path(config);
                self.denial_at(key, &path, &need(config))
            }
            None if configs == 0 => Denial::of_key(Reason::ProviderBlocked, key),
            None => Denial::of_key(Reason::ModelBlocked, key),
        }
    }

    /// The first check of a path that fails.
    #[cold]
    fn denial_at(&self, key: u32, path: &Path, need: &Need) -> Denial {
        let counts = &self.counts;
        let is_full = |limit: &usize| {
            counts.refuses(*limit, need.of(counts.meters[*limit].kind()), self.reserving)
        };
        match self.limits(path).filter(is_full).min_by_key(|&limit| self.terms[limit].rank) {
            Some(limit) => {
                let meter = &counts.meters[limit];
                let end = counts.clocks[meter.clock()].end;
                Denial {
                    reason: Reason::of(meter.kind()),
                    whose: Some(self.terms[limit].whose),
                    until: Some(Time(end.saturating_sub(self.epoch))),
                }
            }
            None => Denial::of_key(Reason::ModelBlocked, key),
        }
    }
}
