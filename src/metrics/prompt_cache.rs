//! What providers' prompt caches did for the answered attempts of measured requests.

use super::tape::Tape;
use super::value::Value;

/// An answered attempt.
#[derive(Clone, Copy, Debug)]
pub struct Prompted {
    /// Prompt tokens.
    pub prompt: u32,
    /// Of those, read from the account's cache.
    pub cached: u32,
    /// Of those, written to it.
    pub written: u32,
    /// What it cost, in nano-dollars.
    pub cost: u64,
    /// What it would have cost without a cache, in nano-dollars.
    pub plain: u64,
}

/// Sums over answered attempts of measured requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptTape {
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Of those, read from a cache.
    pub cached_tokens: u64,
    /// Of those, written to a cache.
    pub written_tokens: u64,
    /// What they cost, in nano-dollars.
    pub cost_nano_usd: u64,
    /// What they would have cost without caches, in nano-dollars.
    pub plain_nano_usd: u64,
}

impl PromptTape {
    /// Adds an attempt.
    pub fn add(&mut self, of: &Prompted) {
        self.prompt_tokens += u64::from(of.prompt);
        self.cached_tokens += u64::from(of.cached);
        self.written_tokens += u64::from(of.written);
        self.cost_nano_usd += of.cost;
        self.plain_nano_usd += of.plain;
    }
}

const NONE: Value = Value::Undefined { reason: "nobody says what prompts have in common" };

/// Prompt tokens read from a cache over prompt tokens.
pub fn hits(tape: &Tape) -> Value {
    let Some(prompts) = &tape.prompts else { return NONE };
    Value::ratio(prompts.cached_tokens, prompts.prompt_tokens, "no attempt was answered")
}

/// What caches saved, in US dollars. Negative where writing cost more than reading saved.
pub fn saved(tape: &Tape) -> Value {
    let Some(prompts) = &tape.prompts else { return NONE };
    Value::Known((prompts.plain_nano_usd as f64 - prompts.cost_nano_usd as f64) / 1e9)
}
