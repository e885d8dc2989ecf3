//! The contract between a gateway node and a way to route.
//!
//! A policy *plans*: given a request and what happened to it so far, it says what to do next (send it to
//! a route, wait, or stop). The node only executes. Facts come back through the `on_…` methods, in time
//! order, exactly one [`Policy::on_end`] per attempt sent.

use std::sync::Arc;

use crate::engine::{Engine, Explanation, Health, Limits, Outcome, Span, Time};

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

/// A list of routes that a request is confined to: 0 for all of them, n for the n-th of [`Pool::sets`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId(pub u32);

impl SetId {
    /// Every route.
    pub const ALL: Self = Self(0);

    /// As an index into [`Pool::sets`], unless it is every route.
    pub const fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
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
    /// What the operator says its model is good for, as an embedding, for semantic routing; empty where
    /// nothing is said (the catch-all).
    pub about: Vec<f64>,
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
    /// Lists of routes, each ascending, that requests may be confined to ([`Request::set`]): what a virtual key
    /// may use.
    pub sets: Arc<[Vec<RouteId>]>,
    /// The embedding of each topic that prompts have ([`Request::topic`] is its index).
    pub topics: Vec<Vec<f64>>,
    /// Mean requests per second that all classes offer, as far as the scenario says: what an operator sizes a
    /// gateway for.
    pub offered_rps: f64,
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
    /// The routes that it may go to, whatever the policy thinks of others. It may differ from one call to the
    /// next of the same request.
    pub set: SetId,
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

impl Attempt {
    /// To this route, for as long as it takes.
    pub const fn to(route: RouteId) -> Self {
        Self { route, ttft_timeout: None, total_timeout: None, tag: 0, explored: false }
    }
}

/// An attempt under way, as its facts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// [`Request::id`] of its request.
    pub request: u64,
    /// When that request reached the gateway.
    pub arrived: Time,
    /// The model asked for.
    pub model: ModelId,
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
    /// 0 for the first attempt of a request (counted anew when a client's SDK asks again).
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
    /// Server-side quantities: [`Policy::on_reports`] is called every so often.
    Reports {
        /// How often; zero = before every [`Policy::next`].
        every: Span,
        /// Age of what it is told.
        delay: Span,
    },
    /// Hidden state of the world (the oracle only): [`Policy::on_truth`] is called before every
    /// [`Policy::next`].
    Truth,
}

/// What nodes of one gateway tell each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Nothing.
    #[default]
    Nothing,
    /// Rate limits within a region, held keys everywhere.
    LimitsInRegion,
    /// Everything everywhere: windows too, so that weights follow.
    Everything,
}

/// What a server says of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Attempts being served.
    pub in_flight: u32,
    /// Attempts that ended since the start, those that were done.
    pub done: u64,
    /// Attempts that ended since the start, the others.
    pub failed: u64,
    /// Sum of the time that those done took, in seconds.
    pub busy_s: f64,
    /// How full it is, ≥ 0: its limit's use in the current window or its busy slots, whichever is more; 0
    /// where it has neither.
    pub utilization: f64,
    /// Tokens that its limit would still admit now; infinite where there is none.
    pub tokens_left: f64,
    /// Requests that its limit would still admit now; infinite where there is none.
    pub requests_left: f64,
}

/// What the world knows of one route: means, not the luck of attempts to come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    /// Probability that an attempt that starts now is answered, limits apart, in [0, 1].
    pub works: f64,
    /// Tokens that its limit would still admit now; infinite where there is none. Routes of one pool say the
    /// same.
    pub tokens_left: f64,
    /// Requests that its limit would still admit now; infinite where there is none.
    pub requests_left: f64,
    /// Free places of its service, queue included; infinite where it has no bound.
    pub places_left: f64,
    /// Mean time to first token of an empty prompt, in seconds, waiting for a place included.
    pub ttft_s: f64,
    /// Mean added per prompt token, in seconds.
    pub prompt_s: f64,
    /// Mean time per output token, in seconds.
    pub decode_s: f64,
}

/// How long the answer to a request may take to count as good.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deadline {
    /// Seconds from arrival, for an empty answer.
    pub base_s: f64,
    /// Seconds more per output token.
    pub per_token_s: f64,
}

/// A way to route. One object per gateway; it owns all its state.
///
/// [`Policy::choose`] is the rule proper. [`Policy::next`] is what the product ships around it: retries,
/// backoff, fallbacks, timeouts. Comparisons run both.
pub trait Policy: Send {
    /// The rule: where to send `request`, to none of `avoid`. What it gives is sent, so in-flight counts may be
    /// kept here. `None` if no route is left. `luck` is fresh for every call.
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt>;

    /// What to do next with `request`, whose ended attempts are `past`. `waits` counts the [`Step::Wait`]s since
    /// the last of them; `luck` is fresh for every call. Not called after [`Outcome::StreamBroken`] and
    /// [`Outcome::Cancelled`], which end the request. A rule that comes without a layer makes one attempt.
    fn next(
        &mut self,
        now: Time,
        request: &Request,
        past: &[Past],
        _waits: u32,
        luck: u64,
    ) -> Step {
        match past.last() {
            Some(last) => Step::Stop { status: last.outcome.status() },
            None => {
                self.choose(now, request, &[], luck).map_or(Step::Stop { status: 503 }, Step::Send)
            }
        }
    }

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

    /// Periodic work. Changes of health since the last call go to `changed`, each with its own moment.
    fn on_wake(&mut self, _now: Time, _changed: &mut dyn FnMut(Transition)) {}

    /// An operator takes a route out of the configuration, or puts it (back) in. All routes of the pool are
    /// present at the start. Facts of attempts under way still come.
    fn set_present(&mut self, now: Time, route: RouteId, present: bool);

    /// A clean past, told before the first request.
    fn remember(&mut self, _now: Time, _span: Span, _history: &[RouteHistory]) {}

    /// Fills `views`, which has one entry per route.
    fn show(&self, _views: &mut [RouteView]) {}

    /// An operator changes parameters while it runs, by name. Those that it does not have, or cannot change
    /// meanwhile, are passed over.
    fn retune(&mut self, _now: Time, _values: &[(&'static str, f64)]) {}

    /// An operator releases the held keys of these routes.
    fn release(&mut self, _now: Time, _routes: &[RouteId]) {}

    /// The engine inside, where there is one: for dashboards.
    fn engine(&self) -> Option<&Engine> {
        None
    }

    /// Begins or ends to note how decisions are made, and gives what was noted since it began: one entry per
    /// choice. Policies that cannot say give none.
    fn note(&mut self, _on: bool) -> Vec<Explanation> {
        Vec::new()
    }

    /// Whether it weighs providers itself, by what it measures. Then the weights of a tenant's configuration are
    /// left aside: they are what one starts from where nobody measures.
    fn ranks_providers(&self) -> bool {
        false
    }

    /// What it sees.
    fn sees(&self) -> Sees {
        Sees::Client
    }

    /// Why it cannot go on, for one that depends on something that may fail, such as another process. Whatever
    /// it answers from then on is void, and so is the run.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// What servers said, one entry per route, as it was at `as_of`. Only for [`Sees::Reports`].
    fn on_reports(&mut self, _now: Time, _as_of: Time, _reports: &[Report]) {}

    /// What it tells the other nodes of its gateway.
    fn shares(&self) -> Share {
        Share::Nothing
    }

    /// What it knows by itself, for the other nodes. Only for policies that share something.
    fn report(&self, _now: Time) -> crate::engine::Report {
        crate::engine::Report::default()
    }

    /// What node `peer` knew by itself at `sent_at`. Only for policies that share something.
    fn hear(&mut self, _now: Time, _peer: u64, _sent_at: Time, _report: &crate::engine::Report) {}

    /// How things stand, one entry per route, and the deadline of the request that is planned next. Only for
    /// [`Sees::Truth`].
    fn on_truth(&mut self, _now: Time, _truth: &[Truth], _deadline: Deadline) {}
}
