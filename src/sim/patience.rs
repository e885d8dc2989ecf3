//! When an attempt ends, of all that might end it: the answer, timeouts, the client's patience.

use crate::engine::{Span, Time};
use crate::policy::Attempt;

use super::attempt::Draft;
use super::fault::{Failure, Toll};
use super::flight::{Ending, Flight, NONE, STREAMED};
use super::script::Take;
use super::service::FOR_EVER;

/// When whoever waits stops waiting.
pub(super) struct Patience {
    now: Time,
    streamed: bool,
    ttft: Span,
    total: Span,
    gives_up: Span,
}

impl Patience {
    #[inline]
    pub(super) fn new(
        now: Time,
        flight: &Flight,
        attempt: &Attempt,
        gives_up: Option<Span>,
    ) -> Self {
        Self {
            now,
            streamed: flight.flags & STREAMED != 0,
            ttft: attempt.ttft_timeout.unwrap_or(FOR_EVER),
            total: attempt.total_timeout.unwrap_or(FOR_EVER),
            gives_up: gives_up.map_or(FOR_EVER, |span| (flight.arrived + span).since(now)),
        }
    }

    /// An attempt as a script has it.
    #[cold]
    pub(super) fn played(&self, take: Take) -> Draft {
        match take {
            Take::Answered { first, whole } => {
                let decode = Span(whole.0.saturating_sub(first.0));
                self.answered(first, decode, &Toll::NONE, Draft::started())
            }
            Take::Failed { failure, after } => self.failed(failure, after),
        }
    }

    /// An attempt that fails after `after` without an answer, unless somebody stops waiting before.
    pub(super) fn failed(&self, failure: Failure, after: Span) -> Draft {
        let mut draft = Draft { refused: true, ..Draft::started() };
        let (after, ending) = match failure {
            Failure::Status(status) => (after, Ending::of_status(status)),
            Failure::RateLimited(hint) => {
                draft.first_us = hint_ms(hint);
                (after, Ending::RateLimited)
            }
            Failure::Refused(class) => (after, Ending::Refused(class)),
            Failure::Hang => (FOR_EVER, Ending::Unreachable),
            Failure::Unreachable => (after, Ending::Unreachable),
        };
        let (end, ending) = self.cut_short(after, after, ending);
        draft.end = end;
        draft.ending = ending;
        if ending != Ending::RateLimited {
            draft.first_us = NONE;
        }
        draft
    }

    /// An attempt whose first token comes after `first` and its last `decode` later.
    #[inline]
    pub(super) fn answered(
        &self,
        first: Span,
        decode: Span,
        toll: &Toll,
        mut draft: Draft,
    ) -> Draft {
        let mut ending = Ending::Done;
        let mut whole = first + decode;
        if toll.cancelled {
            // The client leaves when the stall ends, just before its answer begins.
            (whole, ending) = (first, Ending::Cancelled);
        } else if let (Some(part), true) = (toll.breaks, self.streamed) {
            whole = first + decode.times(part);
            ending = Ending::Broken((part * 255.0) as u8);
        }
        let byte = if self.streamed { first } else { whole };
        let (end, ending) = self.cut_short(byte, whole, ending);
        draft.end = end;
        draft.ending = ending;
        // Micros saturate at 71 minutes, just below "none".
        // A client that leaves with the stall has heard nothing; one that hangs up later may have.
        let heard = end.is_none_or(|end| self.now + first <= end) && !toll.cancelled;
        draft.first_us = if heard {
            u32::try_from(first.0 / 1_000).unwrap_or(NONE - 1).min(NONE - 1)
        } else {
            NONE
        };
        draft
    }

    /// The earliest of the end as planned, the timeouts and the client's patience; the first byte comes at
    /// `byte`. At one moment, the answer wins.
    #[inline]
    fn cut_short(&self, byte: Span, whole: Span, planned: Ending) -> (Option<Time>, Ending) {
        let mut end = whole;
        let mut ending = planned;
        if byte > self.ttft && self.ttft < end {
            (end, ending) = (self.ttft, Ending::Timeout);
        }
        if self.total < end {
            end = self.total;
            let begun = self.streamed && byte <= self.total;
            ending = if begun { broken(byte, whole, end, planned) } else { Ending::Timeout };
        }
        if self.gives_up < end {
            (end, ending) = (self.gives_up, Ending::Cancelled);
        }
        ((end < FOR_EVER).then(|| self.now + end), ending)
    }
}

/// The hint of a 429 as a flight keeps it: in milliseconds, rounded up.
pub(super) fn hint_ms(hint: Option<Span>) -> u32 {
    let millis = |hint: Span| u32::try_from(hint.0.div_ceil(1_000_000)).unwrap_or(NONE - 1);
    hint.map_or(NONE, |hint| millis(hint).min(NONE - 1))
}

/// A stream cut at `end`, between its first byte and the end that was planned.
fn broken(byte: Span, whole: Span, end: Span, planned: Ending) -> Ending {
    let (done, all) = (end.0 - byte.0, (whole.0 - byte.0).max(1));
    let output = if let Ending::Broken(part) = planned { f64::from(part) } else { 255.0 };
    Ending::Broken((done as f64 / all as f64 * output) as u8)
}
