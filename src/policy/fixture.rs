//! Pools and requests made up for tests of policies.

use super::{
    Attempt, ModelId, Policy, PolicySpec, Pool, ProviderId, Request, RouteId, RouteInfo, Sent,
    SetId, Step,
};
use crate::engine::{Outcome, Time, luck};

/// A pool of one model: this many keys at each provider.
pub fn pool(keys: &[u32]) -> Pool {
    let mut pool = Pool { models: vec!["chat".to_owned()], ..Pool::default() };
    for (i, &keys) in keys.iter().enumerate() {
        pool.providers.push(format!("p{i}"));
        for key in 0..keys {
            pool.routes.push(RouteInfo {
                name: format!("p{i}:chat/k{key}"),
                provider: ProviderId(i as u16),
                model: ModelId(0),
                key: format!("k{key}"),
                region: String::new(),
                pool: format!("p{i}/k{key}"),
                weight: 1.0,
                tpm: None,
                rpm: None,
                price_prompt: 1_000,
                price_output: 1_000,
                about: Vec::new(),
            });
        }
    }
    pool
}

/// A streamed request for the model, 1,000 prompt tokens and at most 500 more.
pub fn request(id: u64) -> Request {
    Request {
        id,
        arrived: Time::ZERO,
        model: ModelId(0),
        class: 0,
        prompt_tokens: 1_000,
        max_tokens: 500,
        streamed: true,
        session: id,
        topic: 0,
        set: SetId::ALL,
    }
}

/// A policy with some of its settings changed.
pub fn build(spec: &PolicySpec, pool: &Pool, set: &[(&str, f64)]) -> Box<dyn Policy> {
    let mut settings = spec.settings();
    for (id, value) in set {
        settings.set(id, *value).unwrap();
    }
    spec.make(&settings, pool, Time::ZERO, 1).unwrap()
}

/// What a step sends.
pub fn attempt(step: Step) -> Attempt {
    match step {
        Step::Send(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

/// The facts of an attempt sent at `at`.
pub fn sent(request: &Request, attempt: &Attempt, at: Time) -> Sent {
    Sent {
        request: request.id,
        arrived: request.arrived,
        model: request.model,
        route: attempt.route,
        at,
        tag: attempt.tag,
        prompt_tokens: request.prompt_tokens,
        streamed: request.streamed,
        heard: true,
        number: 0,
    }
}

/// A whole answer with this many tokens.
pub const fn done(output_tokens: u32) -> Outcome {
    Outcome::Done { prompt_tokens: 1_000, output_tokens }
}

/// An error that says nothing about keys or requests.
pub const BROKEN: Outcome = Outcome::ServerError { status: 500 };

/// A refusal for the rate.
pub const LIMITED: Outcome = Outcome::RateLimited { retry_after: None };

/// How often each of the pool's routes is chosen in this many draws at one moment, every attempt ending in a
/// cancellation, which teaches nothing.
pub fn shares(policy: &mut dyn Policy, now: Time, routes: usize, draws: u64) -> Vec<f64> {
    let mut seen = vec![0.0; routes];
    for id in 0..draws {
        let request = request(id);
        if let Some(attempt) = policy.choose(now, &request, &[], luck::mix(id, 11)) {
            seen[attempt.route.index()] += 1.0 / draws as f64;
            policy.on_end(now, &sent(&request, &attempt, now), &Outcome::Cancelled);
        }
    }
    seen
}

/// Sends a request to where the policy chooses outside `avoid` and ends it `secs` later.
pub fn serve(
    policy: &mut dyn Policy,
    now: Time,
    avoid: &[RouteId],
    secs: f64,
    outcome: &Outcome,
) -> RouteId {
    let request = request(now.0);
    let attempt = policy.choose(now, &request, avoid, luck::mix(now.0, 5)).unwrap();
    let end = now + crate::engine::Span::from_secs_f64(secs);
    policy.on_end(end, &sent(&request, &attempt, now), outcome);
    attempt.route
}
