//! Rate limits as each vendor documents them: who is refused, what is charged, what the headers
//! say.
//!
//! One [`Bucket`] is one limit of the scenario (a key's, or one that several keys share). Token and
//! request arithmetic is in whole numbers, so that a figure quoted by a vendor comes out to the
//! last digit.

mod anthropic;
mod azure;
mod bedrock;
mod continuous;
mod openai;
mod vertex;
mod window;

use crate::engine::{Limits, Span, Time};

use super::spec::{Limit, LimitRules};

use anthropic::Anthropic;
use azure::Azure;
use bedrock::Bedrock;
use openai::OpenAi;
use vertex::Vertex;

/// A limit at work.
#[derive(Clone, Debug)]
pub struct Bucket(Rules);

#[derive(Clone, Debug)]
enum Rules {
    OpenAi(OpenAi),
    Azure(Azure),
    Anthropic(Anthropic),
    Bedrock(Bedrock),
    Vertex(Vertex),
}

/// What an admitted attempt was charged; give it back to [`Bucket::settle`] when the attempt has
/// ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// Tokens held until the end.
    reserved: u32,
    /// The window that they were held in, counted from time zero.
    window: u32,
}

impl Charge {
    /// Nothing.
    pub(super) const NONE: Self = Self { reserved: 0, window: 0 };

    /// Token counts are 32 bits each, so a sum of two fits but for absurd ones, which saturate.
    fn new(reserved: u64, window: u64) -> Self {
        Self { reserved: u32::try_from(reserved).unwrap_or(u32::MAX), window: window as u32 }
    }

    fn reserved(self) -> u64 {
        u64::from(self.reserved)
    }
}

/// What a limit would still admit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Tokens, as the limit counts them; infinite where they are not limited.
    pub tokens: f64,
    /// Requests; infinite where they are not limited.
    pub requests: f64,
    /// How much of the limit is in use, in [0, 1].
    pub used: f64,
    /// Probability that the next request is admitted, where that is a matter of chance; else 1.
    pub admits: f64,
}

impl Room {
    /// No limit.
    pub const UNLIMITED: Self =
        Self { tokens: f64::INFINITY, requests: f64::INFINITY, used: 0.0, admits: 1.0 };

    fn of(limits: &Limits, tpm: Option<u64>) -> Self {
        let left = |left: Option<u64>| left.map_or(f64::INFINITY, |left| left as f64);
        let tokens = left(limits.tokens_remaining);
        let used = tpm.map_or(0.0, |tpm| 1.0 - (tokens / tpm.max(1) as f64).min(1.0));
        Self { tokens, requests: left(limits.requests_remaining), used, admits: 1.0 }
    }
}

/// A refusal (429).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The vendor's hint, if it gives one.
    pub retry_after: Option<Span>,
}

impl Bucket {
    /// A fresh bucket; `epoch` is virtual time zero in seconds since 1970, which fixed windows
    /// align to; `seed` is the run's, for what other customers do.
    pub fn new(limit: &Limit, epoch: u64, seed: u64) -> Self {
        let (tpm, rpm) = (limit.tpm, limit.rpm);
        Self(match limit.rules {
            LimitRules::OpenAi => Rules::OpenAi(OpenAi::new(tpm, rpm)),
            LimitRules::Azure { rpm_window } => {
                Rules::Azure(Azure::new(tpm, rpm, rpm_window, epoch))
            }
            LimitRules::Anthropic { output_tpm, reserve } => {
                Rules::Anthropic(Anthropic::new(tpm, rpm, output_tpm, reserve))
            }
            LimitRules::Bedrock { burndown } => {
                Rules::Bedrock(Bedrock::new(tpm, rpm, burndown, epoch))
            }
            LimitRules::Vertex { pool_load } => {
                Rules::Vertex(Vertex::new(&limit.name, tpm, pool_load, epoch, seed))
            }
        })
    }

    /// Asks for admission. `factor` in (0, 1] multiplies the limits (a limit-cut fault; 1 = none);
    /// `luck` decides where the rule is a probability.
    ///
    /// # Errors [`Denied`], which is a 429.
    #[inline]
    pub fn admit(
        &mut self,
        now: Time,
        prompt: u32,
        max_tokens: u32,
        factor: f64,
        luck: u64,
    ) -> Result<Charge, Denied> {
        let (prompt, max_tokens) = (u64::from(prompt), u64::from(max_tokens));
        match &mut self.0 {
            Rules::OpenAi(rules) => rules.admit(now, prompt, max_tokens, factor),
            Rules::Azure(rules) => rules.admit(now, prompt, max_tokens, factor),
            Rules::Anthropic(rules) => rules.admit(now, prompt, max_tokens, factor),
            Rules::Bedrock(rules) => rules.admit(now, prompt, max_tokens, factor),
            Rules::Vertex(rules) => rules.admit(now, prompt, factor, luck),
        }
    }

    /// An admitted attempt has ended after reading `prompt` and writing `output` tokens (0 and 0
    /// where it never began). Call it once per charge.
    #[inline]
    pub fn settle(&mut self, now: Time, charge: Charge, prompt: u32, output: u32) {
        let (prompt, output) = (u64::from(prompt), u64::from(output));
        match &mut self.0 {
            // Neither refunds anything.
            Rules::OpenAi(_) | Rules::Azure(_) => {}
            Rules::Anthropic(rules) => rules.settle(now, charge, output),
            Rules::Bedrock(rules) => rules.settle(now, charge, prompt, output),
            Rules::Vertex(rules) => rules.settle(output),
        }
    }

    /// Tokens per minute that an admitted attempt uses up in the end, as the limit counts them (those of the
    /// input limit where input and output are counted apart).
    #[inline]
    pub fn cost(&self, prompt: u32, max_tokens: u32, output: u32) -> u64 {
        let (prompt, max_tokens) = (u64::from(prompt), u64::from(max_tokens));
        match &self.0 {
            Rules::OpenAi(_) => prompt.max(max_tokens),
            Rules::Azure(_) => prompt + max_tokens,
            Rules::Anthropic(_) => prompt,
            Rules::Bedrock(rules) => rules.cost(prompt, u64::from(output)),
            Rules::Vertex(_) => prompt + u64::from(output),
        }
    }

    /// What the headers of a response say.
    pub fn limits(&self, now: Time, factor: f64) -> Limits {
        match &self.0 {
            Rules::OpenAi(rules) => rules.limits(now, factor),
            Rules::Azure(rules) => rules.limits(now, factor),
            Rules::Anthropic(rules) => rules.limits(now, factor),
            // Neither documents any header.
            Rules::Bedrock(_) | Rules::Vertex(_) => Limits::default(),
        }
    }
}

impl Bucket {
    /// What it would still admit; `factor` as for [`Bucket::admit`].
    pub fn room(&self, now: Time, factor: f64) -> Room {
        match &self.0 {
            Rules::OpenAi(_) | Rules::Azure(_) | Rules::Anthropic(_) => {
                let limits = self.limits(now, factor);
                Room::of(&limits, limits.tokens_limit)
            }
            Rules::Bedrock(rules) => {
                let (limits, tpm) = rules.left(now, factor);
                Room::of(&limits, tpm)
            }
            Rules::Vertex(rules) => rules.room(now, factor),
        }
    }
}

/// A limit under a factor; at least 1, so that a cut never divides by zero.
#[inline]
fn cut(limit: u64, factor: f64) -> u64 {
    if factor == 1.0 { limit } else { ((limit as f64 * factor + 0.5) as u64).max(1) }
}

#[cfg(test)]
mod tests;
