//! OpenAI: continuous refill; max(max_tokens, prompt) is charged on arrival and nothing comes back.
//!
//! Source: OpenAI, rate-limit guide and help centre article 5955604, 2025; the arithmetic of the
//! wait is that of its own message ("Limit 10000, Used 8782, Requested 8172. Please try again in
//! 41.724s"): (used + requested − limit) · 60 / limit seconds. Refused requests count as requests;
//! that they never overfill the bucket is our choice.

use crate::engine::{Limits, Time};

use super::continuous::Level;
use super::{Charge, Denied, cut};

#[derive(Clone, Debug)]
pub(super) struct OpenAi {
    tpm: Option<u64>,
    rpm: Option<u64>,
    tokens: Level,
    requests: Level,
}

impl OpenAi {
    pub(super) fn new(tpm: Option<u64>, rpm: Option<u64>) -> Self {
        Self { tpm, rpm, tokens: Level::default(), requests: Level::default() }
    }

    #[inline]
    pub(super) fn admit(
        &mut self,
        now: Time,
        prompt: u64,
        max_tokens: u64,
        factor: f64,
    ) -> Result<Charge, Denied> {
        let asked = prompt.max(max_tokens);
        if let Some(rpm) = self.rpm {
            let rpm = cut(rpm, factor);
            self.requests.drain(now, rpm);
            if !self.requests.fits(1, rpm) {
                let retry_after = self.requests.wait(1, rpm);
                self.requests.add_up_to(1, rpm);
                return Err(Denied { retry_after });
            }
            self.requests.add(1);
        }
        if let Some(tpm) = self.tpm {
            let tpm = cut(tpm, factor);
            self.tokens.drain(now, tpm);
            if !self.tokens.fits(asked, tpm) {
                return Err(Denied { retry_after: self.tokens.wait(asked, tpm) });
            }
            self.tokens.add(asked);
        }
        Ok(Charge::default())
    }

    pub(super) fn limits(&self, now: Time, factor: f64) -> Limits {
        let (tpm, rpm) = (self.tpm.map(|l| cut(l, factor)), self.rpm.map(|l| cut(l, factor)));
        Limits {
            tokens_remaining: tpm.map(|limit| self.tokens.remaining(now, limit)),
            tokens_limit: tpm,
            requests_remaining: rpm.map(|limit| self.requests.remaining(now, limit)),
            requests_limit: rpm,
            reset: tpm.map(|limit| self.tokens.reset(now, limit)),
        }
    }
}
