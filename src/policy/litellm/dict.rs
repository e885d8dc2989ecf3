//! The insertion order of the maps that some strategies keep in the cache, one a model group: where scores
//! tie, the deployment that entered first wins.
//!
//! A map appears with the first answer. Until then a pick works on a map of its own, which is thrown away;
//! from then on a pick enters every candidate that is not there yet. Source: LiteLLM 1.106.2,
//! `router_strategy/lowest_latency.py`, `lowest_tpm_rpm.py`, `lowest_cost.py`.

use crate::engine::Time;
use crate::policy::{ModelId, RouteId};

/// Which routes are in the map of their model, and in which order they came.
#[derive(Clone, Debug)]
pub struct Dict {
    groups: Vec<Group>,
    /// (life of the map, place in it) of each route.
    places: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    life: u32,
    len: u32,
    expires: Time,
}

impl Dict {
    /// No map yet.
    pub fn new(models: usize, routes: usize) -> Self {
        let none = Group { life: 0, len: 0, expires: Time::ZERO };
        Self { groups: vec![none; models], places: vec![(0, 0); routes] }
    }

    /// Whether there is a map.
    pub fn lives(&self, model: ModelId, now: Time) -> bool {
        now < self.groups[usize::from(model.0)].expires
    }

    /// The place of a route in the map of its model, if there is one with it.
    pub fn place(&self, model: ModelId, route: RouteId, now: Time) -> Option<u32> {
        let group = &self.groups[usize::from(model.0)];
        let (life, place) = self.places[route.index()];
        (now < group.expires && life == group.life).then_some(place)
    }

    /// An answer came: enters the route, in a new map that lives until `expires` if there is none. Whether
    /// the route is new.
    pub fn enter(&mut self, model: ModelId, route: RouteId, now: Time, expires: Time) -> bool {
        let group = &mut self.groups[usize::from(model.0)];
        if now >= group.expires {
            *group = Group { life: group.life + 1, len: 0, expires };
        }
        let place = &mut self.places[route.index()];
        let new = place.0 != group.life;
        if new {
            *place = (group.life, group.len);
            group.len += 1;
        }
        new
    }
}
