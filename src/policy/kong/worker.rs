//! What one worker process of a node knows: a balancer per model, a breaker per route.

use crate::engine::{Health, Outcome, Settings, Span, Time, luck};
use crate::policy::part::{MaxFails, MaxFailsRule};
use crate::policy::{ModelId, Pool, Request, RouteHistory, RouteId, RouteInfo, RouteView, Sent};

use super::balancer::Balancer;
use super::target::{Gate, Target};

/// One worker's state.
#[derive(Debug)]
pub struct Worker {
    balancers: Vec<Balancer>,
    breakers: Vec<MaxFails>,
    rule: MaxFailsRule,
}

impl Worker {
    /// The `nth` of a node's workers.
    pub fn new(settings: &Settings, pool: &Pool, now: Time, key: u64, nth: u64) -> Self {
        let rule = MaxFailsRule {
            max_fails: settings.get("breaker.max_fails") as u32,
            fail_timeout: Span::from_secs_f64(settings.get("breaker.fail_timeout")),
        };
        let key = luck::mix(key, nth);
        let models = 0..pool.models.len() as u16;
        let balancer = |n| Balancer::new(settings, pool, ModelId(n), now, key);
        Self {
            balancers: models.map(balancer).collect(),
            breakers: vec![MaxFails::new(rule); pool.routes.len()],
            rule,
        }
    }

    /// The algorithm's choice among those whose breaker is closed.
    pub fn select(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        within: Option<&[RouteId]>,
    ) -> Option<RouteId> {
        let gate = Gate { now, breakers: &self.breakers, avoid, within };
        let balancer = self.balancers.get_mut(usize::from(request.model.0))?;
        let route = balancer.select(request, &gate)?;
        self.reuse(now, route);
        Some(route)
    }

    /// A route is sent to, whoever chose it.
    pub fn reuse(&mut self, now: Time, route: RouteId) {
        self.breakers[route.index()].on_select(now);
    }

    /// Whether the only target to take is taken on every retry.
    pub fn is_alone(&self, now: Time, model: ModelId, within: Option<&[RouteId]>) -> bool {
        let gate = Gate { now, breakers: &self.breakers, avoid: &[], within };
        self.balancers.get(usize::from(model.0)).is_some_and(|balancer| balancer.is_alone(&gate))
    }

    /// An attempt ended: `counts` says that it failed for the breaker, `is_last` that its request ended too.
    pub fn on_end(
        &mut self,
        now: Time,
        sent: &Sent,
        outcome: &Outcome,
        counts: bool,
        is_last: bool,
        info: &RouteInfo,
    ) {
        let breaker = &mut self.breakers[sent.route.index()];
        let was_healthy = breaker.health() == Health::Healthy;
        if counts {
            breaker.on_failure(now);
        } else {
            breaker.on_success();
        }
        let flipped = was_healthy != (breaker.health() == Health::Healthy);
        let Some(balancer) = self.balancers.get_mut(usize::from(info.model.0)) else {
            return;
        };
        if flipped {
            balancer.on_flip();
        }
        balancer.on_end(now, sent, outcome, is_last, info);
    }

    /// A clean past of a target of a model.
    pub fn remember(&mut self, now: Time, model: ModelId, past: &RouteHistory) {
        if let Some(balancer) = self.balancers.get_mut(usize::from(model.0)) {
            balancer.remember(now, past);
        }
    }

    /// A target comes, with a breaker that has no past, or goes.
    pub fn set_present(&mut self, now: Time, target: Target, info: &RouteInfo, present: bool) {
        self.breakers[target.route.index()] = MaxFails::new(self.rule);
        let Some(balancer) = self.balancers.get_mut(usize::from(info.model.0)) else {
            return;
        };
        if present {
            balancer.join(now, target, info);
        } else {
            balancer.leave(target.route, info);
        }
    }

    /// What its breaker says of a route.
    pub fn health(&self, route: RouteId) -> Health {
        self.breakers[route.index()].health()
    }

    /// Adds the probability of each target to what is expected.
    pub fn show(&self, now: Time, scale: f64, views: &mut [RouteView]) {
        let gate = Gate { now, breakers: &self.breakers, avoid: &[], within: None };
        for balancer in &self.balancers {
            balancer.show(&gate, scale, views);
        }
    }
}
