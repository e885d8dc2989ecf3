//! Amazon Bedrock: prompt + max_tokens are reserved, settled at prompt + burndown × output; no
//! hint.
//!
//! Source: AWS, Bedrock user guide, runtime quotas and token burndown, 2026. Requests per minute
//! are no longer enforced since 27 May 2026; a scenario that sets them gets the older rule. Our
//! choices, where the guide is silent: the window is the fixed minute of the wall clock; a
//! reservation made in a minute that is over has gone with it, and only what an answer cost beyond
//! its reservation is charged to the new one; the reservation is not lowered while the answer is
//! under way.

use crate::engine::{Limits, Span, Time};

use super::window::{MINUTE, Window};
use super::{Charge, Denied, cut};

#[derive(Clone, Debug)]
pub(super) struct Bedrock {
    tpm: Option<u64>,
    rpm: Option<u64>,
    burndown: f64,
    tokens: Window,
    requests: Window,
}

impl Bedrock {
    pub(super) fn new(tpm: Option<u64>, rpm: Option<u64>, burndown: f64, epoch: u64) -> Self {
        let window = Window::new(epoch, Span(MINUTE));
        Self { tpm, rpm, burndown, tokens: window, requests: window }
    }

    #[inline]
    pub(super) fn admit(
        &mut self,
        now: Time,
        prompt: u64,
        max_tokens: u64,
        factor: f64,
    ) -> Result<Charge, Denied> {
        let reserved = prompt + max_tokens;
        self.tokens.turn(now);
        if self.tpm.is_some_and(|tpm| self.tokens.used + reserved > cut(tpm, factor)) {
            return Err(Denied { retry_after: None });
        }
        if let Some(rpm) = self.rpm {
            self.requests.turn(now);
            if self.requests.used >= cut(rpm, factor) {
                return Err(Denied { retry_after: None });
            }
            self.requests.used += 1;
        }
        self.tokens.used += reserved;
        Ok(Charge::new(reserved, self.tokens.number))
    }

    #[inline]
    pub(super) fn settle(&mut self, now: Time, charge: Charge, prompt: u64, output: u64) {
        let cost = self.cost(prompt, output);
        self.tokens.turn(now);
        if charge.window == self.tokens.number as u32 {
            self.tokens.used = self.tokens.used + cost - charge.reserved();
        } else {
            self.tokens.used += cost.saturating_sub(charge.reserved());
        }
    }

    /// What is left of the window, which no header says; and the limit itself.
    pub(super) fn left(&self, now: Time, factor: f64) -> (Limits, Option<u64>) {
        let tpm = self.tpm.map(|limit| cut(limit, factor));
        let rpm = self.rpm.map(|limit| cut(limit, factor));
        let limits = Limits {
            tokens_remaining: tpm.map(|limit| limit.saturating_sub(self.tokens.used_at(now))),
            requests_remaining: rpm.map(|limit| limit.saturating_sub(self.requests.used_at(now))),
            ..Limits::default()
        };
        (limits, tpm)
    }

    /// What an attempt with so much output comes to in the end.
    #[inline]
    pub(super) fn cost(&self, prompt: u64, output: u64) -> u64 {
        prompt + (output as f64 * self.burndown + 0.5) as u64
    }
}
