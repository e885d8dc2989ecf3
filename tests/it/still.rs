//! Worlds without any spread: each answer takes exactly as long as the arithmetic says.

use windtunnel::engine::{Span, Time};
use windtunnel::sim::fault::{Effect, Fault, InFlight, Shape, Start};
use windtunnel::sim::plain;
use windtunnel::sim::spec::{Arrivals, Gaps, Mix, Rate, Spec, Tokens};

/// Network there and back.
pub const NETWORK: Span = Span::from_millis(20);
/// Time to first token, after the network.
pub const TTFT: Span = Span::from_millis(500);
/// Time from the first token to the last.
pub const DECODE: Span = Span::from_millis(1_000);
/// Until the first token arrives.
pub const FIRST: Span = Span::from_millis(520);
/// A whole answer.
pub const WHOLE: Span = Span::from_millis(1_520);
/// How long an error or a refusal takes, after the network.
pub const ERROR: Span = Span::from_millis(80);
/// Output tokens of each answer.
pub const OUTPUT: u32 = 80;
/// Prompt tokens of each request.
pub const PROMPT: u32 = 1_000;

/// The plain world with every spread at zero but that of the arrivals.
pub fn world(providers: u16, keys: u32, rps: f64, seconds: u64) -> Spec {
    let mut spec = plain::world(providers, keys, rps, seconds);
    spec.history = Span::ZERO;
    spec.classes[0].prompt = Tokens::Constant(PROMPT);
    spec.classes[0].output = Tokens::Constant(OUTPUT);
    for provider in &mut spec.providers {
        let latency = &mut provider.services[0].latency;
        (latency.network, latency.ttft) = (NETWORK, TTFT);
        latency.mix = Mix { s: 0.0, w: 0.0, m: 1.0, s2: 0.0 };
        latency.per_prompt_token = Span::ZERO;
        (latency.tokens_per_s, latency.rate_sigma) = (f64::from(OUTPUT), 0.0);
        provider.error_after = ERROR;
    }
    spec
}

/// Arrivals with shape `gaps` at `rps`.
pub fn arrivals(gaps: Gaps, rps: f64) -> Arrivals {
    Arrivals::Open { gaps, rate: Rate(vec![(Span::ZERO, rps)]) }
}

/// A fault on `routes` during [from, to) seconds, at once and at full strength.
pub fn fault(name: &str, routes: &[u32], (from, to): (u64, u64), effect: Effect) -> Fault {
    Fault {
        name: name.to_owned(),
        routes: routes.to_vec(),
        start: Start::At(Time::from_secs(from)),
        lasts: Span::from_secs(to - from),
        shape: Shape::Block,
        effect,
        in_flight: InFlight::Finish,
        seen_from: None,
    }
}

/// Whether two spans agree to the microsecond (the mixture of a spread of zero is exact to 10⁻⁷).
pub fn alike(one: Span, other: Span) -> bool {
    one.0.abs_diff(other.0) <= 1_000
}
