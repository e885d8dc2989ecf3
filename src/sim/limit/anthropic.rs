//! Anthropic: three buckets with continuous refill: requests, prompt tokens, output tokens.
//!
//! Source: Anthropic, API rate limits page, 2025 and 2026 editions. In 2025 output was reserved by
//! max_tokens and corrected at the end; in 2026 only produced tokens count. Our choices: a bucket
//! holds one minute's limit; produced tokens are counted when the answer ends, so a burst that ends
//! together can overdraw the bucket, and then nothing passes until it has drained; refused requests
//! are not charged.

use crate::engine::{Limits, Span, Time};

use super::continuous::Level;
use super::{Charge, Denied, cut};

#[derive(Clone, Debug)]
pub(super) struct Anthropic {
    input_tpm: Option<u64>,
    output_tpm: u64,
    /// The output limit as the last request saw it.
    output_now: u64,
    rpm: Option<u64>,
    reserve: bool,
    requests: Level,
    input: Level,
    output: Level,
}

impl Anthropic {
    pub(super) fn new(
        input_tpm: Option<u64>,
        rpm: Option<u64>,
        output_tpm: u64,
        reserve: bool,
    ) -> Self {
        let (requests, input, output) = (Level::default(), Level::default(), Level::default());
        Self {
            input_tpm,
            output_tpm,
            output_now: output_tpm,
            rpm,
            reserve,
            requests,
            input,
            output,
        }
    }

    #[inline]
    pub(super) fn admit(
        &mut self,
        now: Time,
        prompt: u64,
        max_tokens: u64,
        factor: f64,
    ) -> Result<Charge, Denied> {
        // Counted as produced, a request needs only that the bucket is not overdrawn.
        let held = if self.reserve { max_tokens } else { 0 };
        let rpm = self.rpm.map_or(u64::MAX, |limit| cut(limit, factor));
        let input_tpm = self.input_tpm.map_or(u64::MAX, |limit| cut(limit, factor));
        self.output_now = cut(self.output_tpm, factor);
        for (level, amount, limit) in [
            (&mut self.requests, 1, rpm),
            (&mut self.input, prompt, input_tpm),
            (&mut self.output, held.max(1), self.output_now),
        ] {
            level.drain(now, limit);
            if !level.fits(amount, limit) {
                return Err(Denied { retry_after: level.wait(amount, limit).map(whole_seconds) });
            }
        }
        self.requests.add(1);
        self.input.add(prompt);
        self.output.add(held);
        Ok(Charge::new(held, 0))
    }

    #[inline]
    pub(super) fn settle(&mut self, now: Time, charge: Charge, output: u64) {
        self.output.drain(now, self.output_now);
        if output >= charge.reserved() {
            self.output.add(output - charge.reserved());
        } else {
            self.output.give_back(charge.reserved() - output);
        }
    }

    /// The token headers show the tighter of the two token buckets, remaining tokens to the
    /// thousand.
    pub(super) fn limits(&self, now: Time, factor: f64) -> Limits {
        let output_limit = cut(self.output_tpm, factor);
        let mut tokens = (&self.output, output_limit);
        if let Some(limit) = self.input_tpm.map(|limit| cut(limit, factor)) {
            let left = |level: &Level, limit: u64| {
                u128::from(level.remaining(now, limit)) * u128::from(u64::MAX) / u128::from(limit)
            };
            if left(&self.input, limit) <= left(&self.output, output_limit) {
                tokens = (&self.input, limit);
            }
        }
        let (level, limit) = tokens;
        let rpm = self.rpm.map(|limit| cut(limit, factor));
        Limits {
            tokens_remaining: Some(level.remaining(now, limit).saturating_add(500) / 1000 * 1000),
            tokens_limit: Some(limit),
            requests_remaining: rpm.map(|limit| self.requests.remaining(now, limit)),
            requests_limit: rpm,
            reset: Some(level.reset(now, limit)),
        }
    }
}

/// `retry-after` is a whole number of seconds; an earlier retry would fail.
fn whole_seconds(wait: Span) -> Span {
    Span::from_secs(wait.0.div_ceil(1_000_000_000))
}
