//! `[workload]`: what clients ask, and when. The defaults are a chat workload: Azure's public trace
//! of conversations of 2023.

use schemars::JsonSchema;
use serde::Deserialize;

use super::arrivals::ArrivalsFile;
use super::client::ClientFile;
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
