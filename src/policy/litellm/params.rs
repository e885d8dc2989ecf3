//! What the router may be given. Defaults are the product's own.

use crate::engine::{Param, Settings, Span, Unit};

use super::latency::Rule;

const ROUTER: &str = "LiteLLM 1.106.2, router.py";
const CONSTANTS: &str = "LiteLLM 1.106.2, constants.py";
const COOLDOWN: &str = "LiteLLM 1.106.2, router_utils/cooldown_handlers.py";
const METRICS: &str = "LiteLLM 1.106.2, router_utils/track_deployment_metrics.py";
const CACHE: &str = "LiteLLM 1.106.2, caching/in_memory_cache.py";
const RETRIES: &str = "LiteLLM 1.106.2, utils.py and constants.py";
const LATENCY: &str = "LiteLLM 1.106.2, router_strategy/lowest_latency.py";

/// Its parameters.
pub static TABLE: [Param; 28] = [
    Param::new(
        "strategy",
        Unit::Choice(&[
            "simple-shuffle",
            "least-busy",
            "latency-based-routing",
            "usage-based-routing",
            "usage-based-routing-v2",
            "cost-based-routing",
        ]),
        0.0,
        (0.0, 5.0),
        "How a deployment is picked among those that are not cooling.",
    )
    .from(ROUTER),
    Param::new(
        "mode",
        Unit::Choice(&["sdk", "proxy"]),
        1.0,
        (0.0, 1.0),
        "Behind the `proxy` only the first failed attempt of a request is counted and reported.",
    )
    .from("LiteLLM 1.106.2, litellm_core_utils/litellm_logging.py; BerriAI/litellm 32574"),
    Param::new(
        "workers",
        Unit::Count,
        1.0,
        (0.0, 64.0),
        "Worker processes, each with counters and cooldowns of its own; 0 = as many as the offered load needs.",
    ),
    Param::new(
        "worker_rps",
        Unit::Number,
        122.0,
        (1.0, 1e6),
        "Requests per second that one worker serves, for `workers = 0`.",
    )
    .from("measured on litellm 1.106.2, whole router, simple-shuffle, 8.2 ms of CPU a request"),
    Param::new("redis", Unit::Switch, 0.0, (0.0, 1.0), "Whether workers share cooldowns and strategy counts.")
        .from(ROUTER),
    Param::new(
        "redis_reread",
        Unit::Seconds,
        1.0,
        (0.0, 60.0),
        "How long a worker goes by the shared cooldowns that it read.",
    )
    .from(CONSTANTS),
    Param::new("num_retries", Unit::Count, 2.0, (0.0, 100.0), "Attempts after the first.").from(ROUTER),
    Param::new(
        "timeout",
        Unit::Seconds,
        600.0,
        (0.001, 6_000.0),
        "Longest wait for an answer, or for the first token of a stream.",
    )
    .from(CONSTANTS),
    Param::new(
        "retry_after",
        Unit::Seconds,
        0.0,
        (0.0, 60.0),
        "Shortest wait before a retry, where there is a wait.",
    )
    .from(ROUTER),
    Param::new("retry.first", Unit::Seconds, 0.5, (0.0, 60.0), "First wait; doubled each time.").from(RETRIES),
    Param::new("retry.max", Unit::Seconds, 8.0, (0.0, 600.0), "Longest wait, jitter apart.").from(RETRIES),
    Param::new("retry.jitter", Unit::Seconds, 0.75, (0.0, 60.0), "A random part of this is added to a wait.")
        .from(RETRIES),
    Param::new("retry.hint_max", Unit::Seconds, 60.0, (0.0, 600.0), "Longest retry-after that is followed.")
        .from(RETRIES),
    Param::new(
        "enable_pre_call_checks",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether deployments that had as many attempts as their `rpm` are left out.",
    )
    .from(ROUTER),
    Param::new(
        "disable_cooldowns",
        Unit::Switch,
        0.0,
        (0.0, 1.0),
        "Whether no deployment is ever taken out.",
    )
    .from(ROUTER),
    Param::new("cooldown.time", Unit::Seconds, 5.0, (0.0, 86_400.0), "How long a deployment is out; 0 = not at all.")
        .from(CONSTANTS),
    Param::new(
        "cooldown.allowed_fails",
        Unit::Count,
        -1.0,
        (-1.0, 1_000_000.0),
        "Failures within one cooldown time that are let pass, instead of all other rules; -1 or 3 = not set.",
    )
    .from(COOLDOWN),
    Param::new(
        "cooldown.failure_threshold",
        Unit::Ratio,
        0.5,
        (0.0, 1.0),
        "Share of failures above which a deployment is taken out.",
    )
    .from(CONSTANTS),
    Param::new(
        "cooldown.min_requests",
        Unit::Count,
        5.0,
        (1.0, 1_000_000.0),
        "Requests from which that share counts.",
    )
    .from(CONSTANTS),
    Param::new(
        "cooldown.all_failed",
        Unit::Count,
        1_000.0,
        (1.0, 1e9),
        "Requests from which a deployment that has failed all of them is taken out even if it is the only one.",
    )
    .from(CONSTANTS),
    Param::new(
        "cooldown.window",
        Unit::Seconds,
        60.0,
        (1.0, 3_600.0),
        "How long failures and successes are counted, each from its own first.",
    )
    .from(METRICS),
    Param::new(
        "cooldown.connection_errors",
        Unit::Switch,
        1.0,
        (0.0, 1.0),
        "Whether failed connections count as a 500; providers not called through the OpenAI client raise an \
         error that never takes a deployment out.",
    )
    .from(COOLDOWN),
    Param::new("cache.keys", Unit::Count, 200.0, (1.0, 65_535.0), "Counters, and cooldowns, that a worker keeps.")
        .from(CACHE),
    Param::new(
        "least_busy.ttl",
        Unit::Seconds,
        3_600.0,
        (1.0, 86_400.0),
        "How long a count of attempts under way lives.",
    )
    .from("LiteLLM 1.106.2, router_strategy/least_busy.py"),
    Param::new("latency.samples", Unit::Count, 10.0, (1.0, 1_000.0), "Samples kept of each deployment.")
        .from(LATENCY),
    Param::new("latency.ttl", Unit::Seconds, 3_600.0, (1.0, 86_400.0), "How long all samples live.").from(LATENCY),
    Param::new(
        "latency.buffer",
        Unit::Ratio,
        0.0,
        (0.0, 10.0),
        "Means within this share of the least are as good.",
    )
    .from(LATENCY),
    Param::new("latency.penalty", Unit::Seconds, 1_000.0, (0.0, 1e6), "The sample that a timeout leaves.")
        .from(LATENCY),
];

/// How deployments are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A weighted draw.
    SimpleShuffle,
    /// The fewest attempts under way.
    LeastBusy,
    /// The lowest mean latency.
    Latency,
    /// The fewest tokens of the minute, first version.
    UsageV1,
    /// The fewest tokens of the minute, second version.
    UsageV2,
    /// The lowest price.
    Cost,
}

/// The parameters as the router uses them.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How deployments are picked.
    pub strategy: Strategy,
    /// Whether only the first failure of a request is counted.
    pub proxy: bool,
    /// Worker processes.
    pub workers: u32,
    /// Requests per second that one of them serves.
    pub worker_rps: f64,
    /// Whether they share cooldowns.
    pub redis: bool,
    /// How often they read them.
    pub reread: Span,
    /// Longest wait for an answer.
    pub timeout: Span,
    /// Whether `rpm` is checked before a call.
    pub pre_call_checks: bool,
    /// Keys of a cache.
    pub keys: usize,
    /// Life of a count of attempts under way.
    pub busy_ttl: Span,
    /// Latency-based routing.
    pub latency: Rule,
    /// Retries.
    pub retry: Retry,
    /// When a deployment is taken out.
    pub trip: Trip,
}

/// Retries.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// Attempts after the first.
    pub max: usize,
    /// First wait, in seconds.
    pub first: f64,
    /// Longest wait, in seconds.
    pub longest: f64,
    /// Shortest wait, in seconds.
    pub shortest: f64,
    /// Added at most, in seconds.
    pub jitter: f64,
    /// Longest hint that is followed, in seconds.
    pub hint_max: f64,
}

/// When a deployment is taken out.
#[derive(Clone, Copy, Debug)]
pub struct Trip {
    /// Whether it ever is.
    pub enabled: bool,
    /// For how long, unless the answer says so.
    pub time: Span,
    /// Failures that are let pass, if that rule is set.
    pub allowed_fails: Option<i64>,
    /// Share of failures.
    pub threshold: f64,
    /// Requests from which it counts.
    pub min_requests: i64,
    /// Requests that must all have failed.
    pub all_failed: i64,
    /// How long is counted.
    pub window: Span,
    /// Whether failed connections may take one out.
    pub connection_errors: bool,
}

impl Config {
    /// Reads the settings.
    pub fn of(settings: &Settings) -> Self {
        let span = |id| Span::from_secs_f64(settings.get(id));
        let strategy = match settings.get("strategy") as u32 {
            0 => Strategy::SimpleShuffle,
            1 => Strategy::LeastBusy,
            2 => Strategy::Latency,
            3 => Strategy::UsageV1,
            4 => Strategy::UsageV2,
            _ => Strategy::Cost,
        };
        let allowed = settings.get("cooldown.allowed_fails") as i64;
        Self {
            strategy,
            proxy: settings.on("mode"),
            workers: settings.get("workers") as u32,
            worker_rps: settings.get("worker_rps"),
            redis: settings.on("redis"),
            reread: span("redis_reread"),
            timeout: span("timeout"),
            pre_call_checks: settings.on("enable_pre_call_checks"),
            keys: settings.get("cache.keys") as usize,
            busy_ttl: span("least_busy.ttl"),
            latency: Rule {
                samples: settings.get("latency.samples") as usize,
                ttl: span("latency.ttl"),
                buffer: settings.get("latency.buffer"),
                penalty: settings.get("latency.penalty"),
            },
            retry: Retry {
                max: settings.get("num_retries") as usize,
                first: settings.get("retry.first"),
                longest: settings.get("retry.max"),
                shortest: settings.get("retry_after"),
                jitter: settings.get("retry.jitter"),
                hint_max: settings.get("retry.hint_max"),
            },
            trip: Trip {
                enabled: !settings.on("disable_cooldowns"),
                time: span("cooldown.time"),
                // 3 is the library's own default, which the router takes for "not set".
                allowed_fails: (allowed >= 0 && allowed != 3).then_some(allowed),
                threshold: settings.get("cooldown.failure_threshold"),
                min_requests: settings.get("cooldown.min_requests") as i64,
                all_failed: settings.get("cooldown.all_failed") as i64,
                window: span("cooldown.window"),
                connection_errors: settings.on("cooldown.connection_errors"),
            },
        }
    }
}
