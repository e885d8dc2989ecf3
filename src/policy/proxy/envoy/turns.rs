//! Turns by earliest deadline, where weights differ or hosts are new.
//!
//! Source: envoyproxy.io, Supported load balancers and Slow start mode, 2026. A host's turn comes 1 / weight
//! after its last one, by a clock that stands at the deadline of whoever was taken last.

use crate::engine::{Settings, Span, Time};
use crate::policy::part::least;
use crate::policy::{ModelId, Pool, RouteId};

/// Deadlines and weights of all hosts.
#[derive(Debug)]
pub(super) struct Turns {
    hosts: Vec<Host>,
    /// The clock of each model.
    clocks: Vec<f64>,
    /// Whether weights differ, by model.
    differ: Vec<bool>,
    bias: f64,
    window: Span,
    /// When the last host leaves slow start.
    young_until: Time,
    power: f64,
    least: f64,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    model: usize,
    weight: f64,
    since: Time,
    deadline: f64,
}

impl Turns {
    pub(super) fn new(settings: &Settings, pool: &Pool, now: Time) -> Self {
        let mut differ = vec![false; pool.models.len()];
        let mut first = vec![None; pool.models.len()];
        for route in &pool.routes {
            let model = usize::from(route.model.0);
            differ[model] |= *first[model].get_or_insert(route.weight) != route.weight;
        }
        let host = |route: &crate::policy::RouteInfo| Host {
            model: usize::from(route.model.0),
            weight: route.weight,
            since: now,
            deadline: 1.0 / route.weight,
        };
        let window = Span::from_secs_f64(settings.get("slow_start.window"));
        Self {
            hosts: pool.routes.iter().map(host).collect(),
            clocks: vec![0.0; differ.len()],
            differ,
            bias: settings.get("least_request.bias"),
            window,
            young_until: now + window,
            power: 1.0 / settings.get("slow_start.aggression"),
            least: settings.get("slow_start.min_weight"),
        }
    }

    /// Whether hosts of a model take turns.
    pub(super) fn apply(&self, model: ModelId, now: Time) -> bool {
        self.differ[usize::from(model.0)] || now < self.young_until
    }

    /// The weight of a host with so many active requests.
    pub(super) fn weight(&self, route: RouteId, active: u32, now: Time) -> f64 {
        let host = &self.hosts[route.index()];
        let age = now.since(host.since);
        let grown = if age < self.window {
            let part = age.as_secs_f64().max(1.0) / self.window.as_secs_f64();
            libm::pow(part, self.power).clamp(self.least, 1.0)
        } else {
            1.0
        };
        host.weight * grown / libm::pow(f64::from(active + 1), self.bias)
    }

    /// The host whose turn it is.
    pub(super) fn next(
        &mut self,
        model: ModelId,
        hosts: &[RouteId],
        avoid: &[RouteId],
        active: &[u32],
        now: Time,
    ) -> Option<RouteId> {
        let clock = &mut self.clocks[usize::from(model.0)];
        let left = hosts.iter().copied().filter(|route| !avoid.contains(route));
        let left = left.map(|route| (route, self.hosts[route.index()]));
        // Whoever was away does not catch up.
        let left = left.filter(|(_, host)| host.weight > 0.0);
        let route = least(left.map(|(route, host)| (route, host.deadline.max(*clock))))?;
        *clock = clock.max(self.hosts[route.index()].deadline);
        let turn = *clock;
        let weight = self.weight(route, active[route.index()], now);
        self.hosts[route.index()].deadline = turn + 1.0 / weight;
        Some(route)
    }

    /// A host comes anew, and waits for a turn of its own.
    pub(super) fn renew(&mut self, now: Time, route: RouteId) {
        self.young_until = now + self.window;
        self.hosts[route.index()].since = now;
        let wait = 1.0 / self.weight(route, 0, now);
        let host = &mut self.hosts[route.index()];
        host.deadline = self.clocks[host.model] + wait;
    }
}
