//! What prompts have in common (`conversation` of a class), and what providers make of it (`prompt_cache`).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::prefix::Conversation;
use crate::sim::spec::Caching;

use super::at::At;
use super::error::Problem;
use super::unit::{Count, Length, Number, Share};

/// Conversations of several turns, whose prompts grow: `prompt` is then what each turn adds, and `sessions` is how many
/// are open at once.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConversationFile {
    /// Mean number of turns, at least 1; geometric. Default 5 (our choice).
    turns: Option<Number>,
    /// Tokens of the system prompt that a conversation begins with. Default 0.
    system: Option<Count>,
    /// How many different system prompts there are. Default 1.
    systems: Option<Count>,
    /// Most prompt tokens; a turn that would need more begins a conversation of its own. Default 128_000 (GPT-4o).
    window: Option<Count>,
}

const TURNS: f64 = 5.0;
const TURNS_MAX: f64 = 1_000.0;
const WINDOW: u64 = 128_000;
/// More than any model of 2026 takes.
const TOKENS_MAX: u64 = 10_000_000;

impl ConversationFile {
    pub(crate) fn conversation(&self, at: &At) -> Result<Conversation, Problem> {
        let Self { turns, system, systems, window } = *self;
        let turns = turns.map_or(TURNS, |turns| turns.0);
        if !(1.0..=TURNS_MAX).contains(&turns) {
            let at = at.key("turns");
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {turns}"))
                .expected("expected a mean number of turns from 1 to 1_000, such as 6"));
        }
        let whole = |given: Option<Count>, key: &str, own: u64, low: u64| {
            let value = given.map_or(own, |count| count.0);
            if (low..=TOKENS_MAX).contains(&value) {
                return Ok(value as u32);
            }
            let at = at.key(key);
            Err(Problem::new(at.clone(), format!("`{at}` cannot be {value}"))
                .expected(format!("expected a whole number from {low} to 10_000_000")))
        };
        let system = whole(system, "system", 0, 0)?;
        let window = whole(window, "window", WINDOW, 1)?;
        if window <= system {
            let at = at.key("window");
            return Err(Problem::new(at.clone(), format!("`{at}` = {window} is full of `system`"))
                .expected("expected more tokens than the system prompt has"));
        }
        Ok(Conversation { turns, system, systems: whole(systems, "systems", 1, 1)?, window })
    }
}

/// A provider's prompt cache, key by key in place of the profile's. It has an effect where a class has conversations, or
/// a trace is replayed with its blocks. Keys in one `pool` are one account and share it.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CachingFile {
    /// Shortest beginning that is cached, in tokens.
    min: Option<Count>,
    /// How long it is kept after its last use.
    ttl: Option<Length>,
    /// Price of reading a token, as a share of a prompt token's: "10%".
    read: Option<Share>,
    /// Price of writing one, likewise: "125%".
    write: Option<Share>,
    /// Whether what is read counts against token limits.
    counts: Option<bool>,
    /// Most tokens kept for one account and model; 0 turns the cache off. Default 10M (our choice).
    capacity: Option<Count>,
}

/// What a provider without a known cache starts from, where the scenario describes one (our choice): as OpenAI's.
const PLAIN: Caching = Caching {
    min: 1_024,
    ttl: Span::from_secs(300),
    read: 500,
    write: 1_000,
    counts: true,
    capacity: 10_000_000,
};
const PRICE_MAX: f64 = 10.0;
/// 800 million tokens are 400 MB.
const CAPACITY_MAX: u64 = 800_000_000;

impl CachingFile {
    /// The profile's cache with these figures in it.
    pub(crate) fn over(&self, profile: Option<Caching>, at: &At) -> Result<Caching, Problem> {
        let Self { min, ttl, read, write, counts, capacity } = *self;
        let own = profile.unwrap_or(PLAIN);
        let price = |given: Option<Share>, key: &str, own: u32| match given {
            None => Ok(own),
            Some(Share(share)) if share <= PRICE_MAX => Ok((share * 1_000.0).round() as u32),
            Some(Share(share)) => {
                let at = at.key(key);
                Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", share * 100.0))
                    .expected("expected a share of the price up to \"1000%\", such as \"125%\""))
            }
        };
        let most = |given: Option<Count>, key: &str, own: u64, max: u64| {
            let value = given.map_or(own, |count| count.0);
            if value <= max {
                return Ok(value);
            }
            let at = at.key(key);
            Err(Problem::new(at.clone(), format!("`{at}` cannot be {value}"))
                .expected(format!("expected at most {max} tokens")))
        };
        Ok(Caching {
            min: most(min, "min", u64::from(own.min), TOKENS_MAX)? as u32,
            ttl: ttl.map_or(own.ttl, |length| length.0),
            read: price(read, "read", own.read)?,
            write: price(write, "write", own.write)?,
            counts: counts.unwrap_or(own.counts),
            capacity: most(capacity, "capacity", own.capacity, CAPACITY_MAX)?,
        })
    }
}
