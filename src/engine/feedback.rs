//! What hosts tell the engine of an attempt: headers, first token, end. From any thread, atomics only.

use super::balancer::Engine;
use super::cell::Counters;
use super::hold::{HoldClass, Verdict, refusal_word};
use super::identity::Ticket;
use super::outcome::{Limits, Outcome};
use super::params::Params;
use super::sync::{AtomicU64, Ordering};
use super::time::{Span, Time};

/// The few parameters that reporting threads need, changed in place.
#[derive(Debug)]
pub(super) struct Live {
    limited_floor: AtomicU64,
    limited_default: AtomicU64,
    holds: AtomicU64,
    headroom_floor_ppm: AtomicU64,
    headroom_pause: AtomicU64,
}

impl Engine {
    /// A response's headers came: what is left of the key's limits. Tell it of successes too.
    pub fn headers(&self, ticket: Ticket, now: Time, limits: &Limits) {
        let floor = self.live.headroom_floor_ppm.load(Ordering::Relaxed);
        if floor == 0 || self.cell(ticket).is_none() {
            return;
        }
        let short = |remaining: Option<u64>, limit: Option<u64>| match (remaining, limit) {
            (Some(remaining), Some(limit)) => {
                u128::from(remaining) * 1_000_000 < u128::from(limit) * u128::from(floor)
            }
            _ => false,
        };
        if short(limits.tokens_remaining, limits.tokens_limit)
            || short(limits.requests_remaining, limits.requests_limit)
        {
            let pause = Span(self.live.headroom_pause.load(Ordering::Relaxed));
            let pause = limits.reset.map_or(pause, |reset| reset.min(pause));
            self.board.gates.get(ticket.slot).exclude(now + pause);
        }
    }

    /// The first token of a stream arrived: the attempt is no longer silent. It marks the ticket; hand that
    /// one, not an older copy, to [`end`](Self::end).
    pub fn first_token(&self, ticket: &mut Ticket, _now: Time) {
        if let Some(counters) = self.cell(*ticket)
            && ticket.word & Ticket::HEARD == 0
        {
            counters.hear(ticket.at);
            ticket.word |= Ticket::HEARD;
        }
    }

    /// The attempt ended.
    pub fn end(&self, ticket: Ticket, now: Time, outcome: Outcome) {
        let Some(counters) = self.cell(ticket) else { return };
        if ticket.word & Ticket::HEARD == 0 {
            counters.hear(ticket.at);
        }
        let shared = self.board.shared.get(ticket.slot);
        match outcome {
            Outcome::Done { prompt_tokens, output_tokens } => {
                let tokens = u64::from(prompt_tokens) + u64::from(output_tokens);
                let nth = counters.done(tokens);
                let every = (1u64 << shared.shift.load(Ordering::Relaxed)) - 1;
                if nth & every == 0 {
                    shared.keep(now.since(ticket.at), prompt_tokens, output_tokens);
                }
            }
            Outcome::RateLimited { retry_after } => {
                self.error(counters, ticket.slot, now);
                if self.live.holds.load(Ordering::Relaxed) & 2 != 0 {
                    self.refused(ticket, HoldClass::Limited, retry_after);
                } else {
                    self.limited(ticket, now, retry_after);
                }
            }
            Outcome::KeyRefused { class } => {
                self.error(counters, ticket.slot, now);
                if self.live.holds.load(Ordering::Relaxed) & 1 != 0 {
                    self.refused(ticket, HoldClass::Refused(class), None);
                }
            }
            Outcome::ServerError { .. }
            | Outcome::Unreachable
            | Outcome::Timeout
            | Outcome::StreamBroken { .. } => self.error(counters, ticket.slot, now),
            Outcome::CallerFault { .. } | Outcome::Cancelled => counters.void(),
        }
        if ticket.is_check() {
            let verdict = match outcome {
                Outcome::Done { .. } => Verdict::Served,
                Outcome::RateLimited { retry_after } => {
                    Verdict::Refused(HoldClass::Limited, retry_after)
                }
                Outcome::KeyRefused { class } => Verdict::Refused(HoldClass::Refused(class), None),
                _ => Verdict::Nothing,
            };
            shared.check.end(ticket.at, verdict);
        }
    }

    fn error(&self, counters: &Counters, slot: u32, now: Time) {
        counters.error();
        self.board.shared.get(slot).last_error.fetch_max(now.0.max(1), Ordering::Relaxed);
    }

    /// A 429 takes the route out at once: for the hint (at least the floor), or the default.
    fn limited(&self, ticket: Ticket, now: Time, hint: Option<Span>) {
        let floor = Span(self.live.limited_floor.load(Ordering::Relaxed));
        let default = Span(self.live.limited_default.load(Ordering::Relaxed));
        let wait = hint.map_or(default, |hint| hint.max(floor));
        self.board.gates.get(ticket.slot).exclude(now + wait);
        let shared = self.board.shared.get(ticket.slot);
        shared.limited_until.fetch_max((now + wait).0, Ordering::Relaxed);
    }

    /// A lasting refusal takes the route out at once, and with it every model of the key where it concerns
    /// the whole key. The tick turns it into a hold.
    fn refused(&self, ticket: Ticket, class: HoldClass, hint: Option<Span>) {
        let word = refusal_word(class, hint);
        let first = self.board.gates.get(ticket.slot).hold(word);
        if !class.whole_key() || !(first || ticket.is_check()) {
            return;
        }
        let snapshot = self.snapshot.load();
        let account = snapshot.rows.get(ticket.slot as usize).map(|row| row.account);
        for (slot, row) in snapshot.rows.iter().enumerate() {
            if row.active && Some(row.account) == account {
                self.board.gates.get(slot as u32).hold(word);
            }
        }
    }
}

impl Live {
    pub(super) fn new(params: &Params) -> Self {
        let live = Self {
            limited_floor: AtomicU64::new(0),
            limited_default: AtomicU64::new(0),
            holds: AtomicU64::new(0),
            headroom_floor_ppm: AtomicU64::new(0),
            headroom_pause: AtomicU64::new(0),
        };
        live.set(params);
        live
    }

    pub(super) fn set(&self, params: &Params) {
        let secs = |s: f64| Span::from_secs_f64(s).0;
        self.limited_floor.store(secs(params.backoff_limited_floor), Ordering::Relaxed);
        self.limited_default.store(secs(params.backoff_limited_default), Ordering::Relaxed);
        let holds = params.hold_enabled as u64 * (1 + 2 * params.hold_limited as u64);
        self.holds.store(holds, Ordering::Relaxed);
        self.headroom_floor_ppm.store((params.headroom_floor * 1e6) as u64, Ordering::Relaxed);
        self.headroom_pause.store(secs(params.headroom_pause), Ordering::Relaxed);
    }
}
