//! Counters as the router's in-memory cache keeps them: each lives a fixed time from its first count, and
//! later counts do not prolong it. Windows are therefore neither sliding nor calendar minutes.
//!
//! The cache holds a bounded number of keys. Every write first drops what has expired and then, if the cache
//! is full, what expires first, even where the key to be written is there already.
//!
//! Source: LiteLLM 1.106.2, `caching/in_memory_cache.py`.

use crate::engine::{Span, Time};
use crate::policy::RouteId;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Attempts, for the check before a call.
    Attempts,
    /// Answers.
    Successes,
    /// Failures.
    Fails,
    /// Attempts under way.
    Busy,
    /// Requests of a calendar minute.
    MinuteRequests,
    /// Tokens of a calendar minute.
    MinuteTokens,
}

const KINDS: usize = 6;

/// Names a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    kind: Kind,
    route: RouteId,
    /// The minute that it belongs to; 0 where it belongs to none.
    minute: u64,
}

impl Key {
    /// A counter that belongs to no minute.
    pub const fn new(kind: Kind, route: RouteId) -> Self {
        Self { kind, route, minute: 0 }
    }

    /// The counter of the minute in which `now` is.
    pub const fn of_minute(kind: Kind, route: RouteId, now: Time) -> Self {
        Self { kind, route, minute: minute(now) }
    }
}

/// The calendar minute of a moment; time zero begins one.
pub const fn minute(now: Time) -> u64 {
    now.0 / 60_000_000_000
}

/// A bounded set of counters.
#[derive(Clone, Debug)]
pub struct Counters {
    slots: Vec<Slot>,
    /// 1 + the slot of each kind and route, 0 = none.
    at: Vec<u16>,
    size: usize,
    /// Nothing expires before this.
    soonest: Time,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: Key,
    value: i64,
    expires: Time,
}

impl Counters {
    /// At most `size` counters over so many routes.
    pub fn new(routes: usize, size: usize) -> Self {
        let size = size.clamp(1, usize::from(u16::MAX));
        Self {
            slots: Vec::with_capacity(size.min(routes * KINDS)),
            at: vec![0; routes * KINDS],
            size,
            soonest: Time::NEVER,
        }
    }

    /// The value of a counter, if it lives.
    pub fn get(&self, key: Key, now: Time) -> Option<i64> {
        let slot = self.slots[self.find(key)?];
        (slot.key.minute == key.minute && now <= slot.expires).then_some(slot.value)
    }

    /// Adds to a counter, which lives for `ttl` if this is its first count. Gives the new value.
    pub fn add(&mut self, key: Key, more: i64, now: Time, ttl: Span) -> i64 {
        let value = self.get(key, now).unwrap_or(0) + more;
        self.set(key, value, now, ttl);
        value
    }

    /// Sets a counter, which lives for `ttl` unless it lives already.
    pub fn set(&mut self, key: Key, value: i64, now: Time, ttl: Span) {
        self.make_room(now);
        let expires = now + ttl;
        match self.find(key) {
            Some(at) if self.slots[at].key == key => self.slots[at].value = value,
            Some(at) => self.slots[at] = Slot { key, value, expires },
            None => {
                self.slots.push(Slot { key, value, expires });
                self.at[Self::index(key)] = self.slots.len() as u16;
            }
        }
        self.soonest = self.soonest.min(expires);
    }

    fn find(&self, key: Key) -> Option<usize> {
        usize::from(self.at[Self::index(key)]).checked_sub(1)
    }

    const fn index(key: Key) -> usize {
        key.route.index() * KINDS + key.kind as usize
    }

    fn make_room(&mut self, now: Time) {
        if self.soonest <= now {
            let mut at = 0;
            while at < self.slots.len() {
                if self.slots[at].expires <= now {
                    self.remove(at);
                } else {
                    at += 1;
                }
            }
            self.soonest = self.slots.iter().map(|slot| slot.expires).min().unwrap_or(Time::NEVER);
        }
        while self.slots.len() >= self.size {
            let order = |at: &usize| (self.slots[*at].expires, Self::index(self.slots[*at].key));
            let Some(first) = (0..self.slots.len()).min_by_key(order) else { return };
            self.remove(first);
        }
    }

    fn remove(&mut self, at: usize) {
        let gone = self.slots.swap_remove(at);
        self.at[Self::index(gone.key)] = 0;
        if let Some(moved) = self.slots.get(at) {
            self.at[Self::index(moved.key)] = at as u16 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::luck;
    use crate::policy::litellm::SIMPLE_SHUFFLE;
    use crate::policy::litellm::params::Config;

    const MINUTE: Span = Span::from_secs(60);

    fn fails(route: u32) -> Key {
        Key::new(Kind::Fails, RouteId(route))
    }

    #[test]
    fn a_window_runs_from_its_first_count_and_later_ones_do_not_prolong_it() {
        let mut counters = Counters::new(2, 200);
        for secs in [7, 40, 67] {
            counters.add(fails(1), 1, Time::from_secs(secs), MINUTE);
        }
        assert_eq!(counters.get(fails(1), Time::from_secs(127)), Some(3), "its last moment counts");
        assert_eq!(counters.get(fails(1), Time(127_000_000_001)), None);
        assert_eq!(counters.get(fails(0), Time::from_secs(8)), None);
        counters.add(fails(0), 1, Time::from_secs(200), MINUTE);
        assert_eq!(counters.add(fails(0), 1, Time::from_secs(259), MINUTE), 2);
        assert_eq!(counters.add(fails(0), 1, Time::from_secs(261), MINUTE), 1, "not prolonged");
    }

    #[test]
    fn a_counter_of_a_minute_begins_anew_with_the_next() {
        let mut counters = Counters::new(1, 200);
        let key = |now| Key::of_minute(Kind::MinuteTokens, RouteId(0), now);
        let (late, next) = (Time::from_secs(59), Time::from_secs(60));
        counters.add(key(late), 500, late, MINUTE);
        assert_eq!(counters.get(key(next), next), None);
        assert_eq!(counters.add(key(next), 7, next, MINUTE), 7);
    }

    /// 600 answers of 150 deployments within a minute, two counters each: the real cache of 200 keys still
    /// counted 189 of them in one such run.
    #[test]
    fn a_full_cache_forgets_what_expires_first() {
        let left = |size, seed| {
            let mut counters = Counters::new(150, size);
            let mut now = Time::ZERO;
            for i in 0..600 {
                now += Span::from_millis(50);
                let route = RouteId(luck::below(luck::mix(seed, i), 150));
                counters.add(Key::new(Kind::Attempts, route), 1, now, MINUTE);
                counters.add(Key::new(Kind::Successes, route), 1, now, MINUTE);
            }
            assert!(counters.slots.len() <= size);
            let counted = |r| counters.get(Key::new(Kind::Successes, RouteId(r)), now).unwrap_or(0);
            (0..150).map(counted).sum::<i64>()
        };
        let size = Config::of(&SIMPLE_SHUFFLE.settings()).keys;
        let mean = (0..20).map(|seed| left(size, seed)).sum::<i64>() / 20;
        assert!((170..=230).contains(&mean), "{mean}");
    }
}
