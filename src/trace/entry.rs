//! One request as a log has it: what every reader yields, whatever its file looks like.

use crate::engine::Span;

/// One request of a log. What a log does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Line in the file, from 1; of a Parquet file its row.
    pub line: u64,
    /// Nanoseconds since 1970, or since an origin of the format's own.
    pub at: u64,
    /// Minutes that its stamp's zone is east of UTC; `None` where the stamp has no zone.
    pub zone: Option<i16>,
    /// Who asked.
    pub tenant: String,
    /// The model asked for.
    pub model: String,
    /// Who answered: a deployment, an endpoint or a provider, as fine as the log has it.
    pub deployment: String,
    /// Prompt tokens.
    pub prompt: Option<u32>,
    /// Output tokens.
    pub output: Option<u32>,
    /// The cap that the client sent.
    pub max_tokens: Option<u32>,
    /// Prompt tokens that came from the provider's cache.
    pub cached: Option<u32>,
    /// Time to first token.
    pub ttft: Option<Span>,
    /// Time to the end of the answer.
    pub duration: Option<Span>,
    /// How it ended.
    pub status: Status,
    /// Whether the gateway answered from a cache of its own, so that nobody was asked.
    pub from_cache: bool,
    /// Its price in nano-dollars.
    pub cost: Option<u64>,
    /// Names of the blocks of its prompt, first to last; only where a source is asked for them.
    pub blocks: Vec<u64>,
    /// A fingerprint of everything read of it, for finding copies.
    pub print: u64,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// The log does not say.
    #[default]
    Unknown,
    /// With an answer.
    Fine,
    /// With this HTTP status of 400 or more.
    Http(u16),
    /// Without an answer; the log does not say why.
    Failed,
}

impl Status {
    /// Whether it ended without an answer.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Http(_) | Self::Failed)
    }

    /// Whether it was refused by a limit.
    pub const fn is_limited(self) -> bool {
        matches!(self, Self::Http(429))
    }
}

impl Entry {
    /// Prompt and output tokens together.
    pub fn tokens(&self) -> u64 {
        u64::from(self.prompt.unwrap_or(0)) + u64::from(self.output.unwrap_or(0))
    }

    /// Output tokens a second after the first token, where the log says enough.
    pub fn decode_rate(&self) -> Option<f64> {
        let (ttft, duration, output) = (self.ttft?, self.duration?, self.output?);
        let seconds = Span(duration.0.checked_sub(ttft.0)?).as_secs_f64();
        (output > 1 && seconds > 1e-3).then(|| f64::from(output) / seconds)
    }
}
