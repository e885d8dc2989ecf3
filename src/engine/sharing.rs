//! What nodes tell each other. A report is plain data; how it travels is the host's business.
//!
//! Ages and remaining spans are sent, never moments, so that clocks need not agree.

use std::collections::BTreeMap;

use super::balancer::refusal;
use super::cell::Board;
use super::hold::HoldClass;
use super::params::Params;
use super::sync::Ordering;
use super::tick::{Control, Track};
use super::time::{Span, Time};
use super::window::{Tally, WINDOWS};

/// One node's view of its routes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Ascending by identity.
    pub routes: Vec<RouteReport>,
}

/// One node's view of one route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteReport {
    /// Hash of the route's name.
    pub identity: u64,
    /// Sums over the state, momentum, short and long window.
    pub sums: [Tally; WINDOWS],
    /// The whole past.
    pub all: Tally,
    /// How long ago it last erred.
    pub since_error: Option<Span>,
    /// For how long it is still excluded by a rate limit.
    pub limited_for: Option<Span>,
    /// Why it is held, if it is.
    pub held: Option<HoldClass>,
}

/// What the peers said last.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    heard: BTreeMap<u64, (Time, Vec<RouteReport>)>,
}

const FULL: f64 = 2.0;

impl Peers {
    /// Drops peers that have been silent for three intervals.
    pub(super) fn forget(&mut self, now: Time, interval: Span) {
        let limit = Span(interval.0.saturating_mul(3));
        self.heard.retain(|_, (at, _)| now.since(*at) <= limit);
    }

    /// A route's windows with its peers' added, if windows are shared.
    pub(super) fn add_to(
        &self,
        track: &Track,
        mut sums: [Tally; WINDOWS],
        params: &Params,
    ) -> [Tally; WINDOWS] {
        if params.share_mode == FULL {
            for (_, routes) in self.heard.values() {
                if let Ok(at) = routes.binary_search_by_key(&track.identity, |r| r.identity) {
                    for (sum, theirs) in sums.iter_mut().zip(routes[at].sums) {
                        *sum = sum.plus(theirs);
                    }
                }
            }
        }
        sums
    }
}

impl Control {
    pub(crate) fn report(&self, board: &Board, now: Time) -> Report {
        let mut routes: Vec<RouteReport> = (self.tracks.iter().enumerate())
            .filter(|(_, track)| track.active)
            .map(|(slot, track)| {
                let shared = board.shared.get(slot as u32);
                let last = shared.last_error.load(Ordering::Relaxed);
                let until = board.gates.get(slot as u32).excluded_until();
                let limited = until > now && until != Time::NEVER;
                RouteReport {
                    identity: track.identity,
                    sums: *track.windows.sums(),
                    all: track.windows.all(),
                    since_error: (last > 0).then(|| now.since(Time(last))),
                    limited_for: limited.then(|| until.since(now)),
                    held: track.hold.map(|hold| hold.class),
                }
            })
            .collect();
        routes.sort_unstable_by_key(|route| route.identity);
        Report { routes }
    }

    pub(crate) fn hear(&mut self, board: &Board, peer: u64, sent_at: Time, report: &Report) {
        if self.peers.heard.get(&peer).is_some_and(|(at, _)| *at >= sent_at) {
            return;
        }
        self.peers.heard.insert(peer, (sent_at, report.routes.clone()));
        if self.params.share_mode == 0.0 {
            return;
        }
        for (slot, track) in self.tracks.iter().enumerate().filter(|(_, track)| track.active) {
            let routes = &report.routes;
            let Ok(at) = routes.binary_search_by_key(&track.identity, |r| r.identity) else {
                continue;
            };
            let (theirs, slot) = (&routes[at], slot as u32);
            if let Some(left) = theirs.limited_for {
                board.gates.get(slot).exclude(sent_at + left);
            }
            if let (Some(class), None) = (theirs.held, &track.hold) {
                let word = super::balancer::refusal_word(sent_at, class, None);
                debug_assert!(refusal(word).is_some());
                board.shared.get(slot).refusal.store(word, Ordering::Relaxed);
                board.gates.get(slot).exclude(Time::NEVER);
            }
        }
    }
}
