//! A plain world to start from: every value has a default, so that a test or a bench only says what it is
//! about.

use crate::engine::Span;
use crate::policy::{ModelId, Pool, ProviderId, RouteInfo};

use super::fleet::{Delay, Fleet, Network, NodeSpec};
use super::spec::{
    Arrivals, Class, Client, Gaps, Gateway, Latency, Mix, Place, Provider, Rate, Service, Spec,
    Tokens,
};

/// `providers` alike with `keys` each serving one model `chat`, asked by one Poisson class at `rps` for
/// `seconds`: GPT-4o-like latency, chat-like tokens, no limits, no errors, an hour of clean history.
pub fn world(providers: u16, keys: u32, rps: f64, seconds: u64) -> Spec {
    let name = |p: u16| format!("p{p}");
    let route = |p: u16, k: u32| RouteInfo {
        name: format!("p{p}:chat/key-{k}"),
        provider: ProviderId(p),
        model: ModelId(0),
        key: format!("key-{k}"),
        region: String::new(),
        pool: format!("p{p}/key-{k}"),
        weight: 1.0,
        tpm: None,
        rpm: None,
        price_prompt: 2_500_000_000,
        price_output: 10_000_000_000,
        about: Vec::new(),
    };
    let routes: Vec<RouteInfo> =
        (0..providers).flat_map(|p| (0..keys).map(move |k| route(p, k))).collect();
    Spec {
        name: "plain".to_owned(),
        horizon: Span::from_secs(seconds),
        history: Span::from_secs(3600),
        epoch: 0,
        classes: vec![class(rps)],
        providers: (0..providers).map(|p| provider(name(p))).collect(),
        places: vec![Place { limit: None, more: 0, service: 0 }; routes.len()],
        pool: Pool {
            providers: (0..providers).map(name).collect(),
            models: vec!["chat".to_owned()],
            routes,
            sets: [].into(),
            topics: Vec::new(),
            offered_rps: rps,
        },
        limits: Vec::new(),
        faults: Vec::new(),
        incidents: None,
        changes: Vec::new(),
        commands: Vec::new(),
        gateway: Gateway { overhead: Span::ZERO, max_in_flight: u32::MAX, fleet: Fleet::single() },
        tenancy: None,
    }
}

/// So many nodes in one region, 50 ms (median) from each other.
pub fn fleet(nodes: u32) -> Fleet {
    let node = |n| NodeSpec { name: format!("node-{n}"), region: 0, weight: 1.0 };
    let delay = |millis| Delay { median: Span::from_millis(millis), sigma: 0.4 };
    let network = Network { near: delay(50), far: delay(150), ..Network::default() };
    Fleet { nodes: (1..=nodes).map(node).collect(), network, ..Fleet::single() }
}

/// A Poisson class with chat-like tokens (Azure conversation trace of 2023: prompt p50 1,020, p90 2,734;
/// output p50 129, p90 424), all streamed, good within 10 s + 40 ms per output token.
pub fn class(rps: f64) -> Class {
    Class {
        name: "clients".to_owned(),
        arrivals: Arrivals::Open { gaps: Gaps::Poisson, rate: Rate(vec![(Span::ZERO, rps)]) },
        models: vec![(0, 1.0)],
        prompt: Tokens::Lognormal { median: 1_020.0, sigma: 0.77 },
        output: Tokens::Lognormal { median: 129.0, sigma: 0.93 },
        max_tokens: 1_024,
        streamed: 1.0,
        client: Client {
            deadline: Span::from_secs(10),
            per_output_token: Span::from_millis(40),
            gives_up: None,
            sdk_retries: 0,
            sdk_backoff: Span::from_millis(500),
        },
        sessions: 0,
        topics: Vec::new(),
        cache: None,
        conversation: None,
    }
}

/// A provider with one service, without errors.
pub fn provider(name: String) -> Provider {
    let latency = Latency {
        network: Span::from_millis(20),
        ttft: Span::from_millis(500),
        mix: Mix { s: 0.28, w: 0.04, m: 4.0, s2: 0.5 },
        per_prompt_token: Span(20_000),
        tokens_per_s: 80.0,
        rate_sigma: 0.15,
    };
    Provider {
        name,
        profile: "plain".to_owned(),
        services: vec![Service { latency, capacity: None }],
        error_rate: 0.0,
        hang_rate: 0.0,
        error_after: Span::from_millis(80),
        caching: None,
    }
}
