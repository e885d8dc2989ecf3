//! Session affinity: the route that served a session is asked first the next time.
//!
//! Source: Bifrost, session affinity, September 2026. A binding lasts an hour and is refreshed by every request that it
//! serves; it is written on success only, and moves to the route that served when the bound one did not; it is dropped
//! when it was followed and failed, and where the balancer does not want the route (its key is held, it has failed). It
//! never adds a route that a request may not use. Our choices: a session is known by its number, its client class, its
//! model and what it is confined to (there: header `x-bf-session-id`, virtual key and user); at most so many bindings
//! are kept, the oldest leaving first, 100 bytes each.

use std::collections::{BTreeMap, VecDeque};

use crate::engine::luck::mix;
use crate::engine::{Span, Time};
use crate::policy::{Request, RouteId};

/// Bindings of sessions to routes.
#[derive(Debug)]
pub struct Affinity {
    ttl: Span,
    most: usize,
    bindings: BTreeMap<u64, Binding>,
    /// Sessions in the order in which they may end, each once.
    ends: VecDeque<(Time, u64)>,
    /// Attempts under way: session and route, by request.
    sent: BTreeMap<u64, (u64, RouteId)>,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    route: RouteId,
    until: Time,
}

impl Affinity {
    /// No session is bound. A binding lasts `ttl` after its last use; at most `most` are kept.
    pub fn new(ttl: Span, most: usize) -> Self {
        let (bindings, ends, sent) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Self { ttl, most, bindings, ends, sent }
    }

    /// The route that the session of a request is bound to.
    pub fn bound(&self, now: Time, request: &Request) -> Option<RouteId> {
        let binding = self.bindings.get(&session(request))?;
        (now < binding.until).then_some(binding.route)
    }

    /// Drops the binding of a request's session.
    pub fn drop(&mut self, request: &Request) {
        if let Some(binding) = self.bindings.get_mut(&session(request)) {
            binding.until = Time::ZERO;
        }
    }

    /// An attempt of a request was sent.
    pub fn sent(&mut self, request: &Request, route: RouteId) {
        self.sent.insert(request.id, (session(request), route));
    }

    /// The attempt of a request that was under way has ended.
    pub fn ended(&mut self, now: Time, request: u64, is_done: bool) {
        let Some((session, route)) = self.sent.remove(&request) else { return };
        if is_done {
            let until = now + self.ttl;
            if self.bindings.insert(session, Binding { route, until }).is_none() {
                self.ends.push_back((until, session));
            }
            return self.forget(now);
        }
        if let Some(binding) = self.bindings.get_mut(&session)
            && binding.route == route
        {
            binding.until = Time::ZERO;
        }
    }

    /// Lets go of bindings that have ended, and of the oldest beyond the most. Each stands in the queue once; those that
    /// were dropped wait there for their turn.
    fn forget(&mut self, now: Time) {
        while let Some(&(at, session)) = self.ends.front()
            && (at <= now || self.bindings.len() > self.most)
        {
            self.ends.pop_front();
            let until = self.bindings.get(&session).map_or(Time::ZERO, |binding| binding.until);
            // It was used since, unless this is about room.
            if until > now && self.bindings.len() <= self.most {
                self.ends.push_back((until, session));
            } else {
                self.bindings.remove(&session);
            }
        }
    }
}

fn session(request: &Request) -> u64 {
    let scope = u64::from(request.class) << 48 | u64::from(request.model.0) << 32;
    mix(request.session, scope | u64::from(request.set.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::request;

    const HOUR: Span = Span::from_secs(3_600);

    fn s(seconds: u64) -> Time {
        Time::from_secs(seconds)
    }

    fn of(session: u64) -> Request {
        Request { id: session, session, ..request(0) }
    }

    fn served(affinity: &mut Affinity, now: Time, request: &Request, route: u32, is_done: bool) {
        affinity.sent(request, RouteId(route));
        affinity.ended(now, request.id, is_done);
    }

    #[test]
    fn a_session_is_bound_by_success_for_an_hour_after_its_last_request() {
        let mut affinity = Affinity::new(HOUR, 10);
        served(&mut affinity, s(0), &of(1), 3, false);
        assert_eq!(affinity.bound(s(1), &of(1)), None);
        served(&mut affinity, s(10), &of(1), 4, true);
        assert_eq!(affinity.bound(s(3_609), &of(1)), Some(RouteId(4)));
        assert_eq!(affinity.bound(s(3_610), &of(1)), None);
        served(&mut affinity, s(3_000), &of(1), 4, true);
        served(&mut affinity, s(5_000), &of(2), 5, true);
        assert_eq!(affinity.bound(s(6_000), &of(1)), Some(RouteId(4)));
        let other = Request { class: 1, ..of(1) };
        assert_eq!(affinity.bound(s(6_000), &other), None, "another class's session");
    }

    #[test]
    fn a_binding_goes_when_it_was_followed_and_failed_and_moves_to_who_served() {
        let mut affinity = Affinity::new(HOUR, 10);
        served(&mut affinity, s(0), &of(1), 3, true);
        served(&mut affinity, s(1), &of(1), 4, false);
        assert_eq!(affinity.bound(s(2), &of(1)), Some(RouteId(3)), "another route failed");
        served(&mut affinity, s(3), &of(1), 3, false);
        assert_eq!(affinity.bound(s(4), &of(1)), None);
        served(&mut affinity, s(5), &of(1), 7, true);
        assert_eq!(affinity.bound(s(6), &of(1)), Some(RouteId(7)));
    }

    #[test]
    fn no_more_bindings_are_kept_than_there_may_be() {
        let mut affinity = Affinity::new(HOUR, 10);
        for n in 0..1_000 {
            served(&mut affinity, s(n), &of(n), 1, true);
            // One that is used again and again, and one that goes and comes.
            served(&mut affinity, s(n), &of(5_000), 1, true);
            served(&mut affinity, s(n), &of(6_000), 1, n % 2 == 0);
            assert!(affinity.bindings.len() <= 10);
            assert_eq!(affinity.ends.len(), affinity.bindings.len());
        }
        assert!(affinity.sent.is_empty());
    }
}
