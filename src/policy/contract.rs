//! The contract between a gateway node and a way to route.
//!
//! A policy *plans*: given a request and what happened to it so far, it says what to do next (send it to
//! a route, wait, or stop). The node only executes. Facts come back through the `on_…` methods, in time
//! order, exactly one [`Policy::on_end`] per attempt sent.

use crate::engine::Health;
use crate::engine::{Limits, Outcome, Span, Time};

/// Index of a provider in a [`Pool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub u16);

/// Index of a model name that clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub u16);

/// Index of a route in a [`Pool`]; never reused within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);

impl RouteId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a gateway's configuration says about one route.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteInfo {
    /// `provider:model/key`, with `@region` where a provider has several. Stable: luck hangs on it.
    pub name: String,
    /// Its provider.
    pub provider: ProviderId,
    /// The model it serves.
    pub model: ModelId,
    /// Name of its key, unique within the provider.
    pub key: String,
    /// Region, empty where the provider has one only.
    pub region: String,
    /// Name of the limit pool that it shares with others; its own key where nothing is shared.
    pub pool: String,
    /// Static weight, ≥ 0; 1 unless the scenario says otherwise.
    pub weight: f64,
    /// Configured token limit per minute, if the operator knows it.
    pub tpm: Option<u64>,
    /// Configured request limit per minute, if the operator knows it.
    pub rpm: Option<u64>,
    /// Price of a million prompt tokens, in nano-dollars.
    pub price_prompt: u64,
    /// Price of a million output tokens, in nano-dollars.
    pub price_output: u64,
}

impl RouteInfo {
    /// What an attempt with these tokens costs, in nano-dollars, rounded up.
    pub fn cost_nano_usd(&self, prompt_tokens: u32, output_tokens: u32) -> u64 {
        let prompt = u128::from(prompt_tokens) * u128::from(self.price_prompt);
        let output = u128::from(output_tokens) * u128::from(self.price_output);
        u64::try_from((prompt + output).div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// Everything a gateway can route to. Routes are in a fixed order: provider, model, region, key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// Provider names, in scenario order.
    pub providers: Vec<String>,
    /// Model names that clients ask for, in scenario order.
    pub models: Vec<String>,
    /// The routes.
    pub routes: Vec<RouteInfo>,
}

/// What a gateway knows of a request when it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// A number of its own, the same under every policy.
    pub id: u64,
    /// When it reached the gateway.
    pub arrived: Time,
    /// The model asked for.
    pub model: ModelId,
    /// Client class.
    pub class: u16,
    /// Prompt tokens (gateways count or estimate them).
    pub prompt_tokens: u32,
    /// The caller's cap on output tokens.
    pub max_tokens: u32,
    /// Whether the answer is streamed.
    pub streamed: bool,
    /// Session or user, for affinity and consistent hashing; unique per request where a class has none.
    pub session: u64,
    /// Topic of the prompt, for semantic routing.
    pub topic: u16,
}

/// An attempt of the same request that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Where it went.
    pub route: RouteId,
    /// How it ended.
    pub outcome: Outcome,
}

/// What to do with a request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send it.
    Send(Attempt),
    /// Ask again after this long (backoff).
    Wait(Span),
    /// Give up, answering with this status.
    Stop {
        /// The HTTP status that the client gets.
        status: u16,
    },
}

/// One attempt as planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Where to.
    pub route: RouteId,
    /// Longest wait for the first token, if any.
    pub ttft_timeout: Option<Span>,
    /// Longest wait for the whole answer, if any.
    pub total_timeout: Option<Span>,
    /// The policy's own word; it comes back with every fact about this attempt.
    pub tag: u64,
    /// Whether the route was taken to learn about it, not because it looked best. A policy that does not
    /// explore, or cannot tell, says `false`.
    pub explored: bool,
}

/// An attempt under way, as its facts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Where it went.
    pub route: RouteId,
    /// When it was sent.
    pub at: Time,
    /// The policy's own word from [`Attempt::tag`].
    pub tag: u64,
    /// Prompt tokens of the request.
    pub prompt_tokens: u32,
    /// Whether the answer is streamed.
    pub streamed: bool,
    /// Whether its first token was reported.
    pub heard: bool,
    /// 0 for the first attempt of a request.
    pub number: u16,
}

/// What a policy shows of a route, for series and dashboards. Fields a policy has no notion of stay at
/// their defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RouteView {
    /// Weight in the policy's own unit.
    pub weight: f64,
    /// Health.
    pub health: Health,
    /// Probability that the next first attempt for the route's model goes here.
    pub expected: f64,
    /// Parts of the score: error, latency, utilization, momentum; each before weighting, in [0, 1].
    pub parts: [f64; 4],
}

/// A change of a route's health, with the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Time,
    /// Which route.
    pub route: RouteId,
    /// State before.
    pub from: Health,
    /// State after.
    pub to: Health,
    /// Short cause, e.g. `error rate`.
    pub reason: &'static str,
}

/// A clean past, for a policy that starts in mid-life: `span` of traffic without faults.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteHistory {
    /// Which route.
    pub route: RouteId,
    /// Attempts per second that it served.
    pub rate: f64,
    /// Share of attempts that failed, in [0, 1].
    pub error_rate: f64,
    /// Typical answers: (latency, prompt tokens, output tokens).
    pub samples: Vec<(Span, u32, u32)>,
}

/// What a policy sees of the world; printed in every table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Its own outcomes, in-flight counts and response headers: what a real gateway sees.
    Client,
    /// Server-side quantities, this much delayed.
    Reports {
        /// Age of what it sees.
        delay: Span,
    },
    /// Hidden state of the world (the oracle only).
    Truth,
}

/// A way to route. One object per gateway process; it owns all its state.
pub trait Policy: Send {
    /// What to do next with `request`, whose ended attempts are `past`. `waits` counts the [`Step::Wait`]s since
    /// the last of them; `luck` is fresh for every call. Not called after [`Outcome::StreamBroken`] and
    /// [`Outcome::Cancelled`], which end the request.
    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step;

    /// A response began: its status class is fine and its headers said `limits`.
    fn on_headers(&mut self, _now: Time, _sent: &Sent, _limits: &Limits) {}

    /// The first token of a stream arrived. Called only if [`Policy::wants_first_token`].
    fn on_first_token(&mut self, _now: Time, _sent: &Sent) {}

    /// An attempt ended. Called exactly once per [`Step::Send`].
    fn on_end(&mut self, _now: Time, _sent: &Sent, _outcome: &Outcome) {}

    /// Whether first tokens are to be reported (each costs the simulator an event).
    fn wants_first_token(&self) -> bool {
        false
    }

    /// When [`Policy::on_wake`] is to be called next; `None` for never. Asked at the start and after each
    /// [`Policy::on_wake`].
    fn next_wake(&self) -> Option<Time> {
        None
    }

    /// Periodic work; changes of health go to `changed`.
    fn on_wake(&mut self, _now: Time, _changed: &mut dyn FnMut(Transition)) {}

    /// A clean past, told before the first request.
    fn remember(&mut self, _now: Time, _span: Span, _history: &[RouteHistory]) {}

    /// Fills `views`, which has one entry per route.
    fn show(&self, _views: &mut [RouteView]) {}

    /// What it sees.
    fn sees(&self) -> Sees {
        Sees::Client
    }
}
