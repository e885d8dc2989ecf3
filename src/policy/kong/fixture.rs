//! Made-up targets, pools and requests for the tests of this folder.

use crate::engine::{Span, Time};
use crate::policy::part::{MaxFails, MaxFailsRule};
use crate::policy::{ModelId, Pool, ProviderId, Request, RouteId, RouteInfo, Sent};

use super::target::{Gate, Target};

/// Targets with these weights, numbered from 0.
pub fn targets(weights: &[u32]) -> Vec<Target> {
    let target = |(i, weight): (usize, &u32)| Target { route: RouteId(i as u32), weight: *weight };
    weights.iter().enumerate().map(target).collect()
}

/// Breakers that never open.
pub struct Gates(Vec<MaxFails>);

impl Gates {
    pub fn new(routes: usize) -> Self {
        let rule = MaxFailsRule { max_fails: 0, fail_timeout: Span::from_secs(10) };
        Self(vec![MaxFails::new(rule); routes])
    }

    pub fn all(&self) -> Gate<'_> {
        self.but(&[])
    }

    pub fn but<'a>(&'a self, avoid: &'a [RouteId]) -> Gate<'a> {
        Gate { now: Time::ZERO, breakers: &self.0, avoid }
    }
}

/// A pool of one model with routes of these names and weights.
pub fn pool(routes: &[(&str, f64)]) -> Pool {
    let route = |&(name, weight): &(&str, f64)| RouteInfo {
        name: name.to_owned(),
        provider: ProviderId(0),
        model: ModelId(0),
        key: name.to_owned(),
        region: String::new(),
        pool: name.to_owned(),
        weight,
        tpm: None,
        rpm: None,
        price_prompt: 0,
        price_output: 0,
        about: Vec::new(),
    };
    Pool {
        providers: vec!["p".to_owned()],
        models: vec!["chat".to_owned()],
        routes: routes.iter().map(route).collect(),
        ..Pool::default()
    }
}

/// A streamed request that arrives at a moment.
pub fn request(id: u64, arrived: Time) -> Request {
    Request {
        id,
        arrived,
        model: ModelId(0),
        class: 0,
        prompt_tokens: 100,
        max_tokens: 100,
        streamed: true,
        session: id,
        topic: 0,
    }
}

/// The only attempt of a request that arrived at a moment.
pub fn sent(route: RouteId, arrived: Time) -> Sent {
    Sent {
        request: 1,
        arrived,
        model: ModelId(0),
        route,
        at: arrived,
        tag: 0,
        prompt_tokens: 100,
        streamed: true,
        heard: false,
        number: 0,
    }
}
