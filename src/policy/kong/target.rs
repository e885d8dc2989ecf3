//! What a balancer knows of a target, and which targets it may take.

use crate::engine::Time;
use crate::policy::part::MaxFails;
use crate::policy::{RouteId, RouteInfo};

/// A route as Kong's configuration has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The route.
    pub route: RouteId,
    /// Its weight, 1 to 65,535.
    pub weight: u32,
}

impl Target {
    /// A route whose weight is 1 has Kong's default of 100.
    pub fn new(route: RouteId, info: &RouteInfo) -> Self {
        let weight = (info.weight * 100.0).round() as u32;
        Self { route, weight: weight.clamp(1, 65_535) }
    }
}

/// Who may be taken now: the breaker is closed, and the request is not to avoid it.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// Now.
    pub now: Time,
    /// One breaker per route of the pool.
    pub breakers: &'a [MaxFails],
    /// Routes to avoid.
    pub avoid: &'a [RouteId],
    /// Routes that the request is confined to, ascending, if it is.
    pub within: Option<&'a [RouteId]>,
}

impl Gate<'_> {
    /// Whether a route may be taken.
    pub fn lets(&self, route: RouteId) -> bool {
        self.breakers[route.index()].lets(self.now)
            && !self.avoid.contains(&route)
            && self.within.is_none_or(|within| within.binary_search(&route).is_ok())
    }
}
