//! The lines of the protocol, as types. Times are nanoseconds of virtual time since the run began.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::{Health, Limits, Outcome, Refusal, Span, Time};
use crate::policy::{Past, Pool, Request, RouteHistory, Sent};

use super::{PROTOCOL, Rule};

/// What is asked; each waits for an answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Question {
    Hello(Hello),
    Decide(Decide),
    Tick { now: u64 },
}

/// What there is to route to.
#[derive(Debug, Serialize)]
pub(super) struct Hello {
    protocol: u32,
    /// In hexadecimal, as all words of 64 bits.
    seed: String,
    providers: Vec<String>,
    models: Vec<String>,
    offered_rps: f64,
    routes: Vec<Route>,
}

#[derive(Debug, Serialize)]
struct Route {
    route: u32,
    name: String,
    provider: u16,
    model: u16,
    key: String,
    region: String,
    pool: String,
    weight: f64,
    tpm: Option<u64>,
    rpm: Option<u64>,
    price_prompt: u64,
    price_output: u64,
}

/// A request that needs a decision.
#[derive(Debug, Serialize)]
pub(super) struct Decide {
    now: u64,
    /// Number that the attempt has if one is sent.
    attempt: u64,
    request: Asked,
    past: Vec<Ended>,
    waits: u32,
    avoid: Vec<u32>,
    rule_alone: bool,
    luck: f64,
}

#[derive(Debug, Serialize)]
struct Asked {
    id: String,
    arrived: u64,
    model: u16,
    class: u16,
    prompt_tokens: u32,
    max_tokens: u32,
    streamed: bool,
    session: String,
    topic: u16,
}

#[derive(Debug, Serialize)]
struct Ended {
    route: u32,
    #[serde(flatten)]
    outcome: Said,
}

/// What happened; needs no answer.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Fact {
    History { now: u64, span_ns: u64, routes: Vec<Remembered> },
    Present { now: u64, route: u32, present: bool },
    Headers(Headers),
    FirstToken { now: u64, attempt: u64, route: u32 },
    End(End),
}

#[derive(Debug, Serialize)]
pub(super) struct Remembered {
    route: u32,
    rate: f64,
    error_rate: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Headers {
    now: u64,
    attempt: u64,
    route: u32,
    tokens_remaining: Option<u64>,
    tokens_limit: Option<u64>,
    requests_remaining: Option<u64>,
    requests_limit: Option<u64>,
    reset_ns: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct End {
    now: u64,
    attempt: u64,
    route: u32,
    /// When it was sent.
    sent: u64,
    #[serde(flatten)]
    outcome: Said,
}

/// An outcome.
#[derive(Debug, Serialize)]
struct Said {
    outcome: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'static str>,
}

/// The answer to `hello`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Ready {
    Ready {
        protocol: u32,
        tick_ms: Option<u64>,
        #[serde(default)]
        first_tokens: bool,
    },
}

/// The answer to `decide`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Answer {
    Send {
        route: u32,
        ttft_timeout_ns: Option<u64>,
        total_timeout_ns: Option<u64>,
        #[serde(default)]
        explored: bool,
    },
    Wait {
        ns: u64,
    },
    Stop {
        status: u16,
    },
}

/// The answer to `tick`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Seen {
    Seen {
        #[serde(default)]
        routes: Vec<View>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    pub(super) route: u32,
    pub(super) weight: Option<f64>,
    pub(super) state: Option<State>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Healthy,
    Degraded,
    Failed,
    Recovering,
}

/// A value as a line.
pub(super) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("messages are plain data") + "\n"
}

/// Reads an answer, or says what it is instead and what was expected.
pub(super) fn read<T: DeserializeOwned>(
    line: &str,
    question: &str,
    example: &str,
) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| {
        let shown: String = line.trim_end().chars().take(SHOWN).collect();
        format!("it answered `{question}` with `{shown}` ({error}); expected such as `{example}`")
    })
}

/// Characters of a wrong answer that are shown.
const SHOWN: usize = 200;

fn hex(word: u64) -> String {
    format!("{word:016x}")
}

impl Question {
    pub(super) fn line(&self) -> String {
        line(self)
    }
}

impl Hello {
    pub(super) fn of(pool: &Pool, seed: u64) -> Self {
        let route = |(index, route): (usize, &crate::policy::RouteInfo)| Route {
            route: index as u32,
            name: route.name.clone(),
            provider: route.provider.0,
            model: route.model.0,
            key: route.key.clone(),
            region: route.region.clone(),
            pool: route.pool.clone(),
            weight: route.weight,
            tpm: route.tpm,
            rpm: route.rpm,
            price_prompt: route.price_prompt,
            price_output: route.price_output,
        };
        Self {
            protocol: PROTOCOL,
            seed: hex(seed),
            providers: pool.providers.clone(),
            models: pool.models.clone(),
            offered_rps: pool.offered_rps,
            routes: pool.routes.iter().enumerate().map(route).collect(),
        }
    }
}

impl Decide {
    pub(super) fn of(
        now: Time,
        request: &Request,
        past: &[Past],
        rule: &Rule<'_>,
        attempt: u64,
    ) -> Self {
        let ended = |past: &Past| Ended { route: past.route.0, outcome: Said::of(&past.outcome) };
        Self {
            now: now.0,
            attempt,
            request: Asked {
                id: hex(request.id),
                arrived: request.arrived.0,
                model: request.model.0,
                class: request.class,
                prompt_tokens: request.prompt_tokens,
                max_tokens: request.max_tokens,
                streamed: request.streamed,
                session: hex(request.session),
                topic: request.topic,
            },
            past: past.iter().map(ended).collect(),
            waits: rule.waits,
            avoid: rule.avoid.iter().map(|route| route.0).collect(),
            rule_alone: rule.is_alone,
            luck: rule.luck,
        }
    }
}

impl Fact {
    pub(super) fn headers(now: Time, sent: &Sent, limits: &Limits) -> Self {
        Self::Headers(Headers {
            now: now.0,
            attempt: sent.tag,
            route: sent.route.0,
            tokens_remaining: limits.tokens_remaining,
            tokens_limit: limits.tokens_limit,
            requests_remaining: limits.requests_remaining,
            requests_limit: limits.requests_limit,
            reset_ns: limits.reset.map(|span| span.0),
        })
    }

    pub(super) fn end(now: Time, sent: &Sent, outcome: &Outcome) -> Self {
        Self::End(End {
            now: now.0,
            attempt: sent.tag,
            route: sent.route.0,
            sent: sent.at.0,
            outcome: Said::of(outcome),
        })
    }

    pub(super) fn history(now: Time, span: Span, history: &[RouteHistory]) -> Self {
        let route = |past: &RouteHistory| Remembered {
            route: past.route.0,
            rate: past.rate,
            error_rate: past.error_rate,
        };
        Self::History { now: now.0, span_ns: span.0, routes: history.iter().map(route).collect() }
    }
}

impl Said {
    fn of(outcome: &Outcome) -> Self {
        let plain = |word| Self {
            outcome: word,
            status: outcome.status(),
            prompt_tokens: None,
            output_tokens: None,
            retry_after_ns: None,
            refusal: None,
        };
        let tokens = |word, prompt, output| Self {
            prompt_tokens: Some(prompt),
            output_tokens: Some(output),
            ..plain(word)
        };
        match *outcome {
            Outcome::Done { prompt_tokens, output_tokens } => {
                tokens("done", prompt_tokens, output_tokens)
            }
            Outcome::StreamBroken { prompt_tokens, output_tokens } => {
                tokens("stream_broken", prompt_tokens, output_tokens)
            }
            Outcome::RateLimited { retry_after } => {
                Self { retry_after_ns: retry_after.map(|span| span.0), ..plain("rate_limited") }
            }
            Outcome::ServerError { .. } => plain("server_error"),
            Outcome::Unreachable => plain("unreachable"),
            Outcome::Timeout => plain("timeout"),
            Outcome::KeyRefused { class } => Self {
                refusal: Some(match class {
                    Refusal::Credential => "credential",
                    Refusal::Quota => "quota",
                    Refusal::ModelAccess => "model_access",
                    Refusal::ModelGone => "model_gone",
                    Refusal::RegionBlocked => "region_blocked",
                }),
                ..plain("key_refused")
            },
            Outcome::CallerFault { .. } => plain("caller_fault"),
            Outcome::Cancelled => plain("cancelled"),
        }
    }
}

impl Seen {
    /// Its routes, which exist and have weights.
    pub(super) fn checked(self, routes: usize) -> Result<Vec<View>, String> {
        let Self::Seen { routes: views } = self;
        for view in &views {
            if view.route as usize >= routes {
                return Err(format!("it shows route {}, and there are {routes}", view.route));
            }
            if view.weight.is_some_and(|weight| !weight.is_finite() || weight < 0.0) {
                return Err(format!("it shows route {} with no weight above zero", view.route));
            }
        }
        Ok(views)
    }
}

impl From<State> for Health {
    fn from(state: State) -> Self {
        match state {
            State::Healthy => Self::Healthy,
            State::Degraded => Self::Degraded,
            State::Failed => Self::Failed,
            State::Recovering => Self::Recovering,
        }
    }
}
