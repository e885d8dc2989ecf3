//! Who is who: routes as the host names them, and the handles that stand for them.

use super::time::{Span, Time};

/// A route as its host describes it: provider, model and key, with a region and a limit pool where there are
/// any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) key: String,
    pub(crate) region: String,
    pub(crate) pool: String,
    pub(crate) weight_micro: u64,
}

impl Route {
    /// A route.
    pub fn new(
        provider: impl Into<String>,
        model: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            key: key.into(),
            region: String::new(),
            pool: String::new(),
            weight_micro: 1_000_000,
        }
    }

    /// In this region.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sharing its limits with the other routes of this pool.
    #[must_use]
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.pool = pool.into();
        self
    }

    /// With this static weight (used while adaptive route selection is switched off); default 1.
    #[must_use]
    pub fn weight(mut self, weight: f64) -> Self {
        self.weight_micro = (weight.max(0.0) * 1e6) as u64;
        self
    }

    /// `provider:model/key`, with `@region` where there is one: the identity that history hangs on.
    pub fn name(&self) -> String {
        let region = if self.region.is_empty() { "" } else { "@" };
        format!("{}:{}/{}{region}{}", self.provider, self.model, self.key, self.region)
    }
}

/// Stands for a route in an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl RouteKey {
    /// The key as one word: its slot in the low half, its generation in the high half. Slots are given from 0
    /// upwards in the order in which routes are added.
    pub const fn to_word(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The key from [`RouteKey::to_word`].
    pub const fn from_word(word: u64) -> Self {
        Self { slot: word as u32, generation: (word >> 32) as u32 }
    }
}

/// Stands for a model name in an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelKey(pub(crate) u32);

/// Stands for a provider in an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderKey(pub(crate) u32);

/// Stands for a compiled list of routes, such as a virtual key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allowed(pub(crate) u32);

/// What a request needs.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// The model asked for.
    pub model: ModelKey,
    /// Prompt tokens, as far as the host knows them.
    pub prompt_tokens: u32,
    /// The caller's cap on output tokens.
    pub max_tokens: u32,
    /// Only this provider (pinned by the caller, a rule or the fallback under way).
    pub provider: Option<ProviderKey>,
    /// Only these routes.
    pub allowed: Option<Allowed>,
    /// Routes that this request has tried already.
    pub tried: &'a [RouteKey],
}

/// An attempt under way. Copy it, keep it, and hand it back with what happened; dropping it unreported leaves
/// the attempt in flight for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) slot: u32,
    /// Generation shifted left by 3, then three flags: explores, checks a held key, first token heard.
    pub(crate) word: u32,
    pub(crate) at: Time,
}

impl Ticket {
    pub(crate) const EXPLORES: u32 = 4;
    pub(crate) const CHECK: u32 = 2;
    pub(crate) const HEARD: u32 = 1;
    /// Bits below the generation.
    pub(crate) const FLAGS: u32 = 3;

    /// The route that was chosen.
    pub const fn route(self) -> RouteKey {
        RouteKey { slot: self.slot, generation: self.word >> Self::FLAGS }
    }

    /// When.
    pub const fn at(self) -> Time {
        self.at
    }

    /// Whether two tickets are of one attempt, whether or not its first token has been heard.
    pub const fn is_same_attempt(self, other: Self) -> bool {
        let heard = (self.word ^ other.word) & !Self::HEARD == 0;
        heard && self.slot == other.slot && self.at.0 == other.at.0
    }

    /// Whether this attempt checks a held key.
    pub const fn is_check(self) -> bool {
        self.word & Self::CHECK != 0
    }

    /// Whether the route was drawn to learn about it, not because its weight earned the draw: it lies outside
    /// the band of the best, or most of its probability is the floor and the recovery budget.
    pub const fn explores(self) -> bool {
        self.word & Self::EXPLORES != 0
    }

    /// The ticket as two words, for hosts that keep it in a tagged slot.
    pub const fn to_words(self) -> (u64, Time) {
        ((self.slot as u64) << 32 | self.word as u64, self.at)
    }

    /// The ticket from [`Ticket::to_words`].
    pub const fn from_words(word: u64, at: Time) -> Self {
        Self { slot: (word >> 32) as u32, word: word as u32, at }
    }
}

/// No route can take the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoute {
    /// When the first of the candidates may be used again; `None` if there are no candidates at all, or all
    /// were tried.
    pub retry_at: Option<Time>,
}

impl std::fmt::Display for NoRoute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.retry_at {
            Some(at) => write!(f, "every route is excluded until {at}"),
            None => write!(f, "no route is left for this request"),
        }
    }
}

impl std::error::Error for NoRoute {}

/// A clean past of one route, for an engine that starts in mid-life.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Length of the past.
    pub span: Span,
    /// Attempts per second.
    pub rate: f64,
    /// Share of them that failed, in [0, 1].
    pub error_rate: f64,
    /// Typical answers: latency, prompt tokens, output tokens.
    pub samples: Vec<(Span, u32, u32)>,
}
