//! Cooldowns: which deployments are out, and until when.
//!
//! A record says when and for how long; beside it stands the moment at which the cache drops it, set by the
//! first record and not moved by later ones. Whoever reads finds a deployment cooling while both lie ahead.
//! So a later, shorter record ends a cooldown early and a later, longer one does nothing. One correction is
//! made on reading: where the cache would keep a record for more than 5 s beyond its own end, it is put back
//! with what remains, at most 60 s. There is no half-open state: full traffic returns at the end.
//!
//! With Redis, workers also read the records of others: on a miss in memory, and at most once a second.
//!
//! Source: LiteLLM 1.106.2, `router_utils/cooldown_cache.py`, `caching/dual_cache.py`.

use crate::engine::{Span, Time};
use crate::policy::RouteId;

/// How far the cache's end may lie beyond the record's before a reader corrects it.
const SLACK: Span = Span::from_secs(5);
/// The longest that a corrected record is kept before it is looked at again.
const CORRECTED: Span = Span::from_secs(60);

/// The cooldowns that one worker knows.
#[derive(Clone, Debug)]
pub struct Cooldowns {
    records: Vec<Record>,
    /// 1 + the record of each route, 0 = none.
    at: Vec<u16>,
    size: usize,
    /// When it last read what others know.
    read: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    route: RouteId,
    since: Time,
    lasts: Span,
    /// When the cache drops it.
    expires: Time,
}

impl Record {
    fn end(&self) -> Time {
        self.since + self.lasts
    }
}

impl Cooldowns {
    /// None yet; at most `size` at once.
    pub fn new(routes: usize, size: usize) -> Self {
        let size = size.clamp(1, usize::from(u16::MAX));
        Self {
            records: Vec::with_capacity(size.min(routes)),
            at: vec![0; routes],
            size,
            read: None,
        }
    }

    /// Whether a route is out. Reading corrects what the cache holds.
    pub fn cooling(&mut self, route: RouteId, now: Time) -> bool {
        let Some(at) = self.find(route) else { return false };
        let record = &mut self.records[at];
        if now > record.expires {
            return false;
        }
        let remaining = record.end().since(now);
        if remaining == Span::ZERO {
            self.remove(at);
            return false;
        }
        if record.expires > now + remaining + SLACK {
            record.expires = now + remaining.min(CORRECTED);
        }
        true
    }

    /// Takes a route out for `lasts`; if it is out already, only the record is new.
    pub fn add(&mut self, route: RouteId, now: Time, lasts: Span) {
        self.make_room(now);
        let record = Record { route, since: now, lasts, expires: now + lasts };
        match self.find(route) {
            Some(at) => {
                let expires = self.records[at].expires;
                self.records[at] = Record { expires, ..record };
            }
            None => {
                self.records.push(record);
                self.at[route.index()] = self.records.len() as u16;
            }
        }
    }

    /// When a route comes back as far as is known now; `None` if no record is left.
    pub fn until(&self, route: RouteId) -> Option<Time> {
        let record = self.records[self.find(route)?];
        Some(record.end().min(record.expires))
    }

    /// Takes over what other workers have written, unless it did so less than `every` ago. Routes that were
    /// not out here go to `new`.
    pub fn read(&mut self, board: &Board, now: Time, every: Span, new: &mut Vec<RouteId>) {
        if self.read.is_some_and(|read| now.since(read) < every) {
            return;
        }
        self.read = Some(now);
        for &(route, until) in &board.live {
            if until > now && !self.cooling(route, now) {
                self.add(route, now, until.since(now));
                new.push(route);
            }
        }
    }

    fn find(&self, route: RouteId) -> Option<usize> {
        usize::from(self.at[route.index()]).checked_sub(1)
    }

    fn make_room(&mut self, now: Time) {
        let mut at = 0;
        while at < self.records.len() {
            if self.records[at].expires <= now {
                self.remove(at);
            } else {
                at += 1;
            }
        }
        while self.records.len() >= self.size {
            let order = |at: &usize| (self.records[*at].expires, self.records[*at].route);
            let Some(first) = (0..self.records.len()).min_by_key(order) else { return };
            self.remove(first);
        }
    }

    fn remove(&mut self, at: usize) {
        let gone = self.records.swap_remove(at);
        self.at[gone.route.index()] = 0;
        if let Some(moved) = self.records.get(at) {
            self.at[moved.route.index()] = at as u16 + 1;
        }
    }
}

/// What workers share through Redis: the latest record of each route.
#[derive(Clone, Debug, Default)]
pub struct Board {
    live: Vec<(RouteId, Time)>,
}

impl Board {
    /// A worker took a route out.
    pub fn write(&mut self, route: RouteId, now: Time, lasts: Span) {
        self.live.retain(|(other, until)| *other != route && *until > now);
        self.live.push((route, now + lasts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: RouteId = RouteId(0);

    fn ms(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    /// When the route is back, read every 100 ms.
    fn back(mut cooldowns: Cooldowns, from: u64) -> u64 {
        (from..).step_by(100).find(|at| !cooldowns.cooling(R, ms(*at))).unwrap()
    }

    #[test]
    fn a_later_record_never_extends_a_cooldown() {
        let mut cooldowns = Cooldowns::new(1, 200);
        cooldowns.add(R, ms(10_000), Span::from_secs(5));
        cooldowns.add(R, ms(12_000), Span::from_secs(20));
        assert_eq!(cooldowns.until(R), Some(ms(15_000)));
        assert_eq!(back(cooldowns, 12_000), 15_100, "its last moment is still out");
    }

    /// A 429 that asks for 20 s, then three failures without a hint: the last record decides.
    #[test]
    fn a_later_shorter_record_ends_it_early() {
        let mut cooldowns = Cooldowns::new(1, 200);
        cooldowns.add(R, ms(40_100), Span::from_secs(20));
        for at in [41_000, 41_500, 42_100] {
            cooldowns.add(R, ms(at), Span::from_secs(5));
            assert!(cooldowns.cooling(R, ms(at)));
        }
        // The first reader after the shorter record moves the cache's end to 46 s, where it stays.
        assert_eq!(back(cooldowns, 42_100), 46_100);
    }

    #[test]
    fn a_reader_corrects_only_what_is_more_than_five_seconds_off() {
        let off = |long| {
            let mut cooldowns = Cooldowns::new(1, 200);
            cooldowns.add(R, ms(0), Span::from_secs(long));
            cooldowns.add(R, ms(0), Span::from_secs(5));
            assert!(cooldowns.cooling(R, ms(0)));
            cooldowns.add(R, ms(1_000), Span::from_secs(60));
            cooldowns.until(R)
        };
        assert_eq!(off(10), Some(ms(10_000)), "5 s off is let be");
        assert_eq!(off(11), Some(ms(5_000)));
    }

    #[test]
    fn a_corrected_record_is_kept_for_a_minute_at_most() {
        let mut cooldowns = Cooldowns::new(1, 200);
        cooldowns.add(R, ms(0), Span::from_secs(1_000));
        cooldowns.add(R, ms(0), Span::from_secs(100));
        assert!(cooldowns.cooling(R, ms(0)));
        assert_eq!(cooldowns.until(R), Some(ms(60_000)));
    }

    #[test]
    fn workers_read_what_others_wrote_at_most_once_a_second() {
        let (mut board, mut new) = (Board::default(), Vec::new());
        let mut reader = Cooldowns::new(1, 200);
        let second = Span::from_secs(1);
        reader.read(&board, ms(0), second, &mut new);
        board.write(R, ms(100), Span::from_secs(5));
        reader.read(&board, ms(900), second, &mut new);
        assert!(new.is_empty() && !reader.cooling(R, ms(900)));
        reader.read(&board, ms(1_000), second, &mut new);
        assert_eq!((new.len(), reader.until(R)), (1, Some(ms(5_100))));
        reader.read(&board, ms(5_200), second, &mut new);
        assert!(new.len() == 1 && !reader.cooling(R, ms(5_200)), "what is over is not read");
    }

    #[test]
    fn a_full_cache_lets_back_what_would_be_back_first() {
        let mut cooldowns = Cooldowns::new(3, 2);
        for (route, lasts) in [(0, 9), (1, 5), (2, 7)] {
            cooldowns.add(RouteId(route), ms(0), Span::from_secs(lasts));
        }
        let out = [0, 1, 2].map(|r| cooldowns.cooling(RouteId(r), ms(10)));
        assert_eq!(out, [true, false, true]);
    }
}
