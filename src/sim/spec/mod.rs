//! The world as plain data: what a scenario says, with every default filled in and every name resolved.
//!
//! Invariants (whoever builds a [`Spec`] keeps them; `World::new` asserts them): indices are in range, shares
//! and rates are finite and non-negative, at least one class and one route exist, every model that a class
//! asks for is served by some route, fault intervals are not empty.

mod provider;

use std::ops::Range;
use std::sync::Arc;

use crate::engine::{Span, Time};
use crate::policy::Pool;

use super::fault::{Fault, Incidents};
use super::fleet::Fleet;
use super::prefix::{BlockTree, Conversation};
use super::region::REGIONS_MAX;
use super::tenancy::{Cache, Tenancy};

pub use provider::{Caching, Capacity, Latency, Limit, LimitRules, Mix, Provider, Service};

/// One world.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Scenario name.
    pub name: String,
    /// Length of the run.
    pub horizon: Span,
    /// Length of the clean past that policies are told of.
    pub history: Span,
    /// Seconds since 1970-01-01 UTC of virtual time zero; minute windows and calendars hang on it.
    pub epoch: u64,
    /// Who asks.
    pub classes: Vec<Class>,
    /// Who answers, parallel to `pool.providers`.
    pub providers: Vec<Provider>,
    /// What gateways can route to.
    pub pool: Pool,
    /// For each route of the pool, where it lives; parallel to `pool.routes`.
    pub places: Vec<Place>,
    /// Limit buckets that routes draw on.
    pub limits: Vec<Limit>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Faults drawn from the seed on top of those.
    pub incidents: Option<Incidents>,
    /// What an operator does meanwhile.
    pub changes: Vec<Change>,
    /// What somebody does to the balancer meanwhile.
    pub commands: Vec<Command>,
    /// The gateway process.
    pub gateway: Gateway,
    /// Who may use what, if that is limited.
    pub tenancy: Option<Tenancy>,
}

/// Somebody does something to the balancer while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// When.
    pub at: Time,
    /// What.
    pub act: Act,
}

/// What is done to a balancer.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Parameters get other values.
    Set(Vec<(&'static str, f64)>),
    /// The held keys of these routes are released.
    Release(Vec<u32>),
}

/// An operator changes something.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// What an operator changes.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Routes leave the configuration, or are put (back) in.
    Routes {
        /// Which, ascending.
        routes: Vec<u32>,
        /// Whether they are in from then on.
        present: bool,
    },
    /// A new key takes the place of an old one: its routes are not there before.
    Key {
        /// Routes of the old key, ascending.
        old: Vec<u32>,
        /// Those of the new one.
        new: Vec<u32>,
    },
    /// Providers admit this multiple of what they admitted at the start.
    Quota {
        /// At which routes, ascending.
        routes: Vec<u32>,
        /// How much, > 0.
        factor: f64,
    },
    /// Limits of tenants, teams, customers or for everybody get other maxima: by their place among the readings of a
    /// [`Ledger`](crate::governance::Ledger), in requests, tokens or nano-dollars.
    Limits(Vec<(usize, u64)>),
    /// The gateway reads its configuration again: policies start anew and have forgotten everything.
    Reload,
}

impl Change {
    /// Whether it says that a route is, or is not, in the configuration from then on; `None` if it says nothing of it.
    pub fn puts(&self, route: u32) -> Option<bool> {
        match &self.what {
            What::Routes { routes, present } => routes.contains(&route).then_some(*present),
            What::Key { new, .. } if new.contains(&route) => Some(true),
            What::Key { old, .. } => old.contains(&route).then_some(false),
            What::Quota { .. } | What::Limits(_) | What::Reload => None,
        }
    }

    /// Whether an edge of the run counts as the beginning of something.
    pub(super) const fn begins(&self) -> bool {
        !matches!(self.what, What::Routes { present: false, .. })
    }
}

/// Where a route lives in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index into [`Spec::limits`], if the route is limited.
    pub limit: Option<u32>,
    /// How many further limits follow that one, each asked if those before it refuse: a destination of
    /// several regions. At most 3, and 0 without a limit.
    pub more: u8,
    /// Index into [`Provider::services`] of its provider: one service per model and region.
    pub service: u32,
}

impl Place {
    /// Every limit that the route draws on, in the order in which they are asked.
    pub fn limits(&self) -> Range<u32> {
        self.limit.map_or(0..0, |first| first..first + 1 + u32::from(self.more))
    }
}

/// One kind of client.
#[derive(Clone, Debug)]
pub struct Class {
    /// Name.
    pub name: String,
    /// When requests come.
    pub arrivals: Arrivals,
    /// Model mix: (index into `pool.models`, share); shares sum to 1. Ignored where a trace names models.
    pub models: Vec<(u16, f64)>,
    /// Prompt tokens.
    pub prompt: Tokens,
    /// Output tokens that the model would write if not capped.
    pub output: Tokens,
    /// The cap that the client sends.
    pub max_tokens: u32,
    /// Share of requests that stream, in [0, 1].
    pub streamed: f64,
    /// What the client expects and does.
    pub client: Client,
    /// Number of sessions that requests are spread over (uniformly); 0 = each request is its own.
    pub sessions: u32,
    /// Topics of prompts as (topic, share); empty = topic 0.
    pub topics: Vec<(u16, f64)>,
    /// Answers that the gateway has stored, if it does.
    pub cache: Option<Cache>,
    /// How its requests hang together, if they do. Then `prompt` is what each turn adds, and `sessions` (not 0 unless
    /// in closed loop) are open conversations.
    pub conversation: Option<Conversation>,
}

/// When requests come.
#[derive(Clone, Debug)]
pub enum Arrivals {
    /// Open loop: a renewal process of unit mean, run through the rate curve.
    Open {
        /// Shape of the gaps.
        gaps: Gaps,
        /// Requests per second over time.
        rate: Rate,
    },
    /// Closed loop: so many clients, each waiting for its answer and then thinking.
    Closed {
        /// How many.
        clients: u32,
        /// Mean of the exponential think time.
        think: Span,
    },
    /// Requests from a trace file; tokens (and models, where the file has them) come with it.
    Trace(Replay),
}

/// Shape of the gaps between arrivals, at mean 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gaps {
    /// Exponential: a Poisson process.
    Poisson,
    /// Gamma with this coefficient of variation (> 0).
    Gamma {
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Weibull with this coefficient of variation (> 0).
    Weibull {
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Poisson bursts: exponential on and off periods with these means; the rate is met on average.
    OnOff {
        /// Mean length of a burst.
        on: Span,
        /// Mean length of a pause.
        off: Span,
    },
    /// Evenly spaced.
    Even,
}

/// Requests per second over time: straight lines between knots, constant before the first and after the
/// last. Two knots at one time make a step. At least one knot; times ascend.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate(pub Vec<(Span, f64)>);

/// A trace to replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Opens the trace from its first row, as often as it is asked to.
    pub rows: Rows,
    /// Facts of the file that scaling needs, from a first pass over it.
    pub facts: TraceFacts,
    /// Target mean rate in requests per second, and how it is reached; `None` replays as it is.
    pub scale: Option<(f64, Scaling)>,
    /// Only rows whose stamp lies in [from, to) after the first row; `None` = to the end.
    pub part: (Span, Option<Span>),
    /// Spread quantised stamps evenly over this long (Mooncake: 3 s).
    pub spread: Span,
    /// What prompts have in common, if that is replayed too.
    pub blocks: Option<Arc<BlockTree>>,
}

/// How a trace is brought to another rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// Each row becomes several at its own place: bursts stay bursts.
    InPlace,
    /// Shifted copies of the trace on top of each other: bursts are smoothed.
    Superpose,
    /// Time runs faster: everything is closer together, minutes and limits no longer match.
    Compress,
}

impl Scaling {
    /// Its word in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InPlace => "in-place",
            Self::Superpose => "superpose",
            Self::Compress => "compress",
        }
    }
}

/// One row of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Time after the first row.
    pub at: Span,
    /// Prompt tokens.
    pub prompt: u32,
    /// Output tokens.
    pub output: u32,
    /// The last block of its prompt in [`Replay::blocks`]; 0 for none.
    pub leaf: u32,
}

/// A trace as a stream that can be opened again and again; rows come in order of time.
#[derive(Clone)]
pub struct Rows(pub Arc<dyn Fn() -> Box<dyn Iterator<Item = Row> + Send> + Send + Sync>);

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rows")
    }
}

/// What a first pass over a trace found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceFacts {
    /// Rows.
    pub rows: u64,
    /// From the first stamp to the last.
    pub span: Span,
    /// Mean prompt tokens.
    pub prompt_mean: f64,
    /// Mean output tokens.
    pub output_mean: f64,
}

/// A distribution of token counts. Draws are whole numbers ≥ 1.
#[derive(Clone, Debug, PartialEq)]
pub enum Tokens {
    /// Always this many.
    Constant(u32),
    /// Lognormal with this median and standard deviation of the logarithm.
    Lognormal {
        /// Median.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Straight lines (in the logarithm) between (probability, tokens) points, from probability 0 to 1.
    Quantiles(Vec<(f64, f64)>),
}

/// What a client expects, and what it does by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Client {
    /// A request is good if it is done within `deadline + per_output_token × output tokens` of its arrival.
    pub deadline: Span,
    /// See `deadline`.
    pub per_output_token: Span,
    /// The client hangs up this long after it asked; `None` waits for ever.
    pub gives_up: Option<Span>,
    /// How often the client's SDK asks again after a failure (429, 408, 5xx, no answer).
    pub sdk_retries: u32,
    /// First wait of the SDK; doubled each time, at most 8 s, less up to a quarter by chance.
    pub sdk_backoff: Span,
}

/// The gateway: what each of its processes is like, and its nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// Added to every attempt: the gateway's own work.
    pub overhead: Span,
    /// Attempts that may be in flight at once from one process; a request beyond that is shed with a 503, which
    /// the client's SDK may answer by asking again. Retries that the policy plans are not shed.
    pub max_in_flight: u32,
    /// Its nodes.
    pub fleet: Fleet,
}

impl Spec {
    /// Whether anybody says what prompts have in common.
    pub fn has_prefixes(&self) -> bool {
        self.classes.iter().any(|class| class.conversation.is_some() || class.blocks().is_some())
    }

    /// The longest time that any client may have to wait for an answer that still counts.
    pub fn longest_deadline(&self) -> Span {
        let deadline = |class: &Class| class.client.allows(class.max_tokens);
        self.classes.iter().map(deadline).max().unwrap_or_default()
    }

    /// Checks the invariants that the module's documentation lists.
    ///
    /// # Panics
    /// If one is broken, naming it.
    pub fn assert_sound(&self) {
        assert!(!self.classes.is_empty() && !self.pool.routes.is_empty(), "nobody asks or answers");
        assert_eq!(self.places.len(), self.pool.routes.len(), "each route has a place");
        assert_eq!(self.providers.len(), self.pool.providers.len(), "each provider has a name");
        for (route, place) in self.pool.routes.iter().zip(&self.places) {
            let provider = &self.providers[usize::from(route.provider.0)];
            assert!((place.service as usize) < provider.services.len(), "{}: service", route.name);
            let limits = self.limits.len();
            assert!(place.limits().end as usize <= limits, "{}: limit", route.name);
            let more = usize::from(place.more);
            assert!(more < REGIONS_MAX, "{}: limits", route.name);
            assert!(more == 0 || place.limit.is_some(), "{}: limits after none", route.name);
        }
        for class in &self.classes {
            for (model, _) in &class.models {
                let served = self.pool.routes.iter().any(|route| route.model.0 == *model);
                assert!(served, "no route serves model {model} of class {}", class.name);
            }
        }
        for fault in &self.faults {
            assert!(fault.lasts > Span::ZERO && !fault.routes.is_empty(), "{}", fault.name);
            let last = fault.routes.last().is_some_and(|r| (*r as usize) < self.places.len());
            assert!(last && fault.routes.is_sorted(), "{}: routes", fault.name);
        }
    }
}

impl Class {
    /// The blocks of its log, if they are replayed.
    pub fn blocks(&self) -> Option<&BlockTree> {
        match &self.arrivals {
            Arrivals::Trace(replay) => replay.blocks.as_deref(),
            Arrivals::Open { .. } | Arrivals::Closed { .. } => None,
        }
    }
}

impl Client {
    /// How long an answer of so many tokens may take.
    pub fn allows(&self, output_tokens: u32) -> Span {
        Span(self.deadline.0 + self.per_output_token.0 * u64::from(output_tokens))
    }
}
