//! What nodes tell each other. A report is plain data; how it travels is the host's business.
//!
//! Ages and remaining spans are sent, never moments: the hearer adds them to the moment of sending on its own
//! clock. Only what a node learnt itself is told, so nothing comes back as an echo: windows without the peers',
//! rate limits without backoffs, and holds with the age they had where they began, so that a release, being
//! younger, ends the hold everywhere.

use std::collections::BTreeMap;

use super::cell::{Board, Shared};
use super::hold::{HoldClass, refusal, refusal_word};
use super::params::Params;
use super::sync::Ordering;
use super::tick::Control;
use super::time::{Span, Time};
use super::track::Track;
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
    /// For how long rate limits still exclude it.
    pub limited_for: Option<Span>,
    /// Its hold, if it is held.
    pub held: Option<HoldReport>,
    /// How long ago its last hold ended.
    pub released: Option<Span>,
}

/// One node's hold of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldReport {
    /// Why.
    pub class: HoldClass,
    /// How long ago it began.
    pub age: Span,
    /// Checks that failed since.
    pub rung: u32,
}

/// A route's own counts and its peers'.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merged {
    pub(super) sums: [Tally; WINDOWS],
    pub(super) all: Tally,
    pub(super) since_error: Option<Span>,
    /// The peers' part of the state window.
    pub(super) peers_recent: Tally,
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

    /// A route's counts, with its peers' added if windows are shared.
    pub(super) fn merge(
        &self,
        track: &Track,
        shared: &Shared,
        now: Time,
        params: &Params,
    ) -> Merged {
        let mut merged = Merged {
            sums: *track.windows.sums(),
            all: track.windows.all(),
            since_error: since(shared, now),
            peers_recent: Tally::default(),
        };
        if params.share_mode == FULL {
            for (sent_at, routes) in self.heard.values() {
                if let Some(theirs) = find(routes, track.identity) {
                    for (sum, tally) in merged.sums.iter_mut().zip(theirs.sums) {
                        *sum = sum.plus(tally);
                    }
                    merged.all = merged.all.plus(theirs.all);
                    merged.peers_recent = merged.peers_recent.plus(theirs.sums[0]);
                    let age = theirs.since_error.map(|age| now.since(*sent_at) + age);
                    merged.since_error = earlier(merged.since_error, age);
                }
            }
        }
        merged
    }
}

fn find(routes: &[RouteReport], identity: u64) -> Option<&RouteReport> {
    let at = routes.binary_search_by_key(&identity, |route| route.identity).ok()?;
    Some(&routes[at])
}

fn since(shared: &Shared, now: Time) -> Option<Span> {
    let at = shared.last_error.load(Ordering::Relaxed);
    (at > 0).then(|| now.since(Time(at)))
}

/// A route's hold: as the tick has it, or what the next tick will make of a refusal. One that was heard of is
/// as old as it was said to be, or it would come back as an echo, younger than a release.
fn held(track: &Track, refused: u32, shared: &Shared, now: Time) -> Option<HoldReport> {
    if let Some(hold) = track.hold {
        return Some(HoldReport { class: hold.class, age: now.since(hold.since), rung: hold.rung });
    }
    let (class, _) = refusal(refused)?;
    let (age, rung) = match track.heard_hold {
        Some((at, rung)) => (now.since(at), rung),
        None => (since(shared, now).unwrap_or_default(), 0),
    };
    Some(HoldReport { class, age, rung })
}

/// The shorter of two ages, where there is any.
pub(super) fn earlier(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    a.into_iter().chain(b).min()
}

impl Control {
    pub(crate) fn report(&self, board: &Board, now: Time) -> Report {
        let mut routes: Vec<RouteReport> = (self.tracks.iter().enumerate())
            .filter(|(_, track)| track.active)
            .map(|(slot, track)| {
                let shared = board.shared.get(slot as u32);
                let left = shared.limited_until().since(now);
                RouteReport {
                    identity: track.identity,
                    sums: *track.windows.sums(),
                    all: track.windows.all(),
                    since_error: since(shared, now),
                    limited_for: (left > Span::ZERO).then_some(left),
                    held: held(track, board.gates.get(slot as u32).held(), shared, now),
                    released: track.released.map(|released| now.since(released.at)),
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
        for (slot, track) in self.tracks.iter_mut().enumerate().filter(|(_, track)| track.active) {
            let Some(theirs) = find(&report.routes, track.identity) else { continue };
            let gate = board.gates.get(slot as u32);
            if let Some(left) = theirs.limited_for {
                gate.exclude(sent_at + left);
            }
            let begun = theirs.held.map(|held| (sent_at.back(held.age), held));
            let ended = theirs.released.map(|age| sent_at.back(age));
            match (&mut track.hold, begun) {
                (Some(hold), Some((at, held))) if hold.class == held.class => {
                    (hold.since, hold.rung) = (hold.since.max(at), hold.rung.max(held.rung));
                }
                (Some(hold), None) if ended.is_some_and(|at| at > hold.since) => {
                    track.heard_release = ended;
                }
                (None, Some((at, held)))
                    if track
                        .released
                        .is_none_or(|released| at > released.at || planted!(ResurrectedHold))
                        && gate.hold(refusal_word(held.class, None)) =>
                {
                    track.heard_hold = Some((at, held.rung));
                }
                _ => {}
            }
        }
    }
}
