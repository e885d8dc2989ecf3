//! `[workload]`: what clients ask, and when. The defaults are a chat workload: Azure's public trace
//! of conversations of 2023.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::tenancy::Cache;

use super::arrivals::ArrivalsFile;
use super::at::At;
use super::caching::ConversationFile;
use super::client::ClientFile;
use super::error::Problem;
use super::ordered::Ordered;
use super::rate::RateFile;
use super::tokens::{OutputFile, TokensFile};
use super::unit::{Count, Length, Number, Share};

/// What clients ask, and when.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkloadFile {
    /// How requests are spaced. Default { kind = "poisson" }.
    pub(crate) arrivals: Option<ArrivalsFile>,
    /// How `rps` changes over time. Default: not at all.
    pub(crate) rate: Option<RateFile>,
    /// A closed loop instead of arrivals: clients that wait for their answer and then think.
    pub(crate) closed: Option<ClosedFile>,
    /// Models asked for, with their weights. Default { chat = 1 }.
    pub(crate) models: Option<Ordered<Number>>,
    /// Prompt tokens. Default { median = 1_020, p90 = 2_734 }.
    pub(crate) prompt: Option<TokensFile>,
    /// Output tokens. Default { median = 129, p90 = 424 }.
    pub(crate) output: Option<OutputFile>,
    /// Share of requests that stream. Default "100%".
    pub(crate) stream: Option<Share>,
    /// What the client expects and does by itself.
    pub(crate) client: Option<ClientFile>,
    /// Sessions that requests are spread over; 0 (the default) makes each request its own.
    pub(crate) sessions: Option<Count>,
    /// Weights of prompt topics 0, 1, 2, …; default: all prompts have topic 0.
    pub(crate) topics: Option<Vec<Number>>,
    /// Conversations whose prompts grow from turn to turn; needs `sessions`. Default: prompts have nothing in common.
    pub(crate) conversation: Option<ConversationFile>,
    /// Answers that the gateway has stored (exact or semantic matches). Default: none.
    pub(crate) cache: Option<CacheFile>,
}

/// Answers that the gateway has stored: they cost nothing and ask no provider.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheFile {
    /// Share of requests that are answered from it.
    pub(crate) hits: Share,
    /// How long such an answer takes. Default "20ms": a look-up of an embedding (our choice).
    pub(crate) latency: Option<Length>,
}

const STORED_LATENCY: Span = Span::from_millis(20);

impl CacheFile {
    pub(crate) fn cache(&self, at: &At) -> Result<Cache, Problem> {
        let Self { hits: Share(hits), latency } = *self;
        if hits > 1.0 {
            let at = at.key("hits");
            return Err(Problem::new(at.clone(), format!("`{at}` cannot be {}%", hits * 100.0))
                .expected("expected a share up to \"100%\""));
        }
        Ok(Cache { hits, latency: latency.map_or(STORED_LATENCY, |length| length.0) })
    }
}

/// A closed loop.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClosedFile {
    /// How many clients, 1 to 10,000,000.
    pub(crate) clients: Count,
    /// Mean of the exponential think time. Default "1s".
    pub(crate) think: Option<Length>,
}
