//! How things stand on the stage: what servers report, what is true, what headers say, and what an operator has changed
//! about limits.

use crate::engine::{Limits, Time};
use crate::policy::{Report, Truth};

use super::attempt::Stage;
use super::fault::{NOWHERE, Odds};
use super::limit::Room;
use super::region;

impl Stage {
    /// Brings reports of all servers up to date, as far as they know of it: limits and places.
    pub(super) fn report(&self, now: Time, reports: &mut [Report]) {
        for (route, report) in reports.iter_mut().enumerate() {
            let room = self.room(now, route as u32);
            (report.tokens_left, report.requests_left) = (room.tokens, room.requests);
            let service = &self.services[self.places[route].service as usize];
            let busy = service.capacity.map_or(0.0, |capacity| service.load.busy(now, &capacity));
            report.utilization = room.used.max(busy);
        }
    }

    /// Forgets what is over, so that telling how things stand is quick.
    pub(super) fn look(&mut self, now: Time) {
        self.services.iter_mut().for_each(|service| service.load.look(now));
    }

    /// How things stand as seen from a region, route by route.
    pub(super) fn truth(&self, now: Time, region: u8, truth: &mut [Truth]) {
        for (route, truth) in truth.iter_mut().enumerate() {
            let spot = self.places[route];
            let odds = self.odds(now, route, region);
            let room = self.room(now, route as u32);
            let service = &self.services[spot.service as usize];
            let (places_left, slowdown, wait_s) = match &service.capacity {
                Some(capacity) => (
                    service.load.left(now, capacity),
                    service.load.slowdown(now, capacity),
                    service.load.wait_s(now, capacity),
                ),
                None => (f64::INFINITY, 1.0, 0.0),
            };
            *truth = Truth {
                works: odds.works
                    * room.admits
                    * (1.0 - service.error_rate)
                    * (1.0 - service.hang_rate),
                tokens_left: room.tokens,
                requests_left: room.requests,
                places_left,
                ttft_s: (self.overhead + service.network).as_secs_f64()
                    + service.sampler.mean_ttft_s() * odds.ttft
                    + odds.stall_s
                    + wait_s,
                prompt_s: service.sampler.prompt_s() * odds.ttft,
                decode_s: service.sampler.mean_token_s() * odds.decode * slowdown,
            };
        }
    }

    /// Whether a fault is on a route, wherever it is seen from.
    pub(super) fn is_faulted(&self, route: u32) -> bool {
        !self.at_route[route as usize].is_empty()
    }

    /// Whether faults make every attempt at a route fail now, wherever it comes from.
    pub(super) fn is_down(&self, now: Time, route: u32) -> bool {
        self.odds(now, route as usize, NOWHERE).works <= 0.0
    }

    /// What faults make of an attempt at a route from a region on average.
    fn odds(&self, now: Time, route: usize, region: u8) -> Odds {
        let mut odds = Odds::NONE;
        let at = self.at_route[route].iter().map(|&fault| &self.faults[usize::from(fault)]);
        at.filter(|at| at.fault.concerns(region)).for_each(|at| at.weigh(now, &mut odds));
        odds
    }

    /// What the limit of a route would still admit.
    fn room(&self, now: Time, route: u32) -> Room {
        let buckets = &self.buckets[self.places[route as usize].limits()];
        if buckets.is_empty() {
            return Room::UNLIMITED;
        }
        let factor = self.limit_factor(now, route);
        region::room(buckets, |bucket| bucket.room(now, factor))
    }

    /// What faults and operators multiply the limit of a route by.
    fn limit_factor(&self, now: Time, route: u32) -> f64 {
        let at = self.at_route[route as usize].iter();
        let faults: f64 =
            at.map(|&fault| self.faults[usize::from(fault)].limit_factor(now)).product();
        faults * self.places[route as usize].quota
    }

    /// From now on the limits of these routes are so many times what they were at the start.
    pub(super) fn set_quota(&mut self, routes: &[u32], factor: f64) {
        routes.iter().for_each(|&route| self.places[route as usize].quota = factor);
    }

    /// What the headers of a response from this route say, if it is limited; of several regions, the source.
    pub(super) fn limits(&self, now: Time, route: u32) -> Option<Limits> {
        let bucket = self.buckets[self.places[route as usize].limits()].first()?;
        Some(bucket.limits(now, self.limit_factor(now, route)))
    }
}
