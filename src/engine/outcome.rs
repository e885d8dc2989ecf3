//! How an attempt ended, as a gateway sees it.

use super::time::Span;

/// What a refusal says about the key: something lasting, as opposed to a bad moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The key itself is not accepted (401).
    Credential,
    /// The account has no quota or credit left (402, `insufficient_quota`).
    Quota,
    /// The key may not use this model (403).
    ModelAccess,
    /// The model is retired (404, 410).
    ModelGone,
    /// The region is blocked for this account (403).
    RegionBlocked,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer.
    Done {
        /// Prompt tokens as the provider counted them.
        prompt_tokens: u32,
        /// Output tokens as the provider counted them.
        output_tokens: u32,
    },
    /// 429: over a limit, or the pool is short. `retry_after` is the provider's hint, if it gave one.
    RateLimited {
        /// The provider's hint.
        retry_after: Option<Span>,
    },
    /// 5xx, 529, or a provider's own 408.
    ServerError {
        /// The HTTP status.
        status: u16,
    },
    /// No connection, or it broke before the answer began.
    Unreachable,
    /// The gateway gave up waiting.
    Timeout,
    /// The stream broke after output had begun; clients have seen part of it, so it is never retried.
    StreamBroken {
        /// Prompt tokens charged.
        prompt_tokens: u32,
        /// Output tokens that had arrived.
        output_tokens: u32,
    },
    /// A refusal that says something lasting about the key.
    KeyRefused {
        /// What it says.
        class: Refusal,
    },
    /// The request itself was wrong (400, 404 of a path, 413, 422): says nothing about the route.
    CallerFault {
        /// The HTTP status.
        status: u16,
    },
    /// The client went away, or the host dropped the attempt.
    Cancelled,
}

impl Outcome {
    /// The HTTP status that a client or a log would show; 0 where there was no answer at all.
    pub const fn status(self) -> u16 {
        match self {
            Self::Done { .. } | Self::StreamBroken { .. } => 200,
            Self::RateLimited { .. } => 429,
            Self::ServerError { status } | Self::CallerFault { status } => status,
            Self::Unreachable => 0,
            Self::Timeout => 408,
            Self::KeyRefused { class } => match class {
                Refusal::Credential => 401,
                Refusal::Quota => 402,
                Refusal::ModelAccess | Refusal::RegionBlocked => 403,
                Refusal::ModelGone => 404,
            },
            Self::Cancelled => 499,
        }
    }

    /// Whether the attempt gave its whole answer.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

/// What a provider's headers say about one limit: `remaining` of `limit` until `reset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Tokens left in the window, if said.
    pub tokens_remaining: Option<u64>,
    /// Tokens per window, if said.
    pub tokens_limit: Option<u64>,
    /// Requests left in the window, if said.
    pub requests_remaining: Option<u64>,
    /// Requests per window, if said.
    pub requests_limit: Option<u64>,
    /// When the window is full again, if said.
    pub reset: Option<Span>,
}
