//! Azure OpenAI: tokens in a fixed minute, requests over 1 s or 10 s; nothing comes back.
//!
//! Source: Microsoft, Azure OpenAI quota how-to, 31 July 2025. An estimate (prompt + max_tokens) is
//! added to a counter on arrival; once the counter has reached the limit every further request is
//! refused until it is reset, so the request that reaches it still passes. Requests are expected to
//! come evenly: a limit of 600 a minute lets 10 pass in a period of 1 s. Hints are in milliseconds.
//! Our choices: the minute is that of the wall clock, refused requests add nothing.

use crate::engine::{Limits, Span, Time};

use super::window::{MINUTE, Window};
use super::{Charge, Denied, cut};

#[derive(Clone, Debug)]
pub(super) struct Azure {
    tpm: Option<u64>,
    rpm: Option<u64>,
    tokens: Window,
    requests: Window,
}

impl Azure {
    pub(super) fn new(tpm: Option<u64>, rpm: Option<u64>, rpm_window: Span, epoch: u64) -> Self {
        let tokens = Window::new(epoch, Span(MINUTE));
        Self { tpm, rpm, tokens, requests: Window::new(epoch, rpm_window) }
    }

    #[inline]
    pub(super) fn admit(
        &mut self,
        now: Time,
        prompt: u64,
        max_tokens: u64,
        factor: f64,
    ) -> Result<Charge, Denied> {
        if let Some(tpm) = self.tpm {
            self.tokens.turn(now);
            if self.tokens.used >= cut(tpm, factor) && !planted!(LimitReached) {
                return Err(denied(self.tokens.end(now)));
            }
        }
        if let Some(rpm) = self.rpm {
            self.requests.turn(now);
            if self.requests.used >= self.requests.part(now, cut(rpm, factor)) {
                return Err(denied(self.requests.end(now)));
            }
            self.requests.used += 1;
        }
        self.tokens.used += prompt + max_tokens;
        Ok(Charge::default())
    }

    pub(super) fn limits(&self, now: Time, factor: f64) -> Limits {
        let tpm = self.tpm.map(|limit| cut(limit, factor));
        let requests_remaining = self.rpm.map(|limit| {
            let part = self.requests.part(now, cut(limit, factor));
            part.saturating_sub(self.requests.used_at(now))
        });
        Limits {
            tokens_remaining: tpm.map(|limit| limit.saturating_sub(self.tokens.used_at(now))),
            tokens_limit: tpm,
            requests_remaining,
            requests_limit: None,
            reset: None,
        }
    }
}

/// Rounded up to the millisecond, as `retry-after-ms` is.
fn denied(end: Span) -> Denied {
    Denied { retry_after: Some(Span::from_millis(end.0.div_ceil(1_000_000))) }
}
