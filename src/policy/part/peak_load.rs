//! Load as tower counts it: peak average of the response time × (attempts under way + 1).
//!
//! Source: tower-rs/tower, 8358ee71, `load/peak_ewma`. An attempt counts, and its time is taken, until its
//! response begins: at the first token of a stream, at the end otherwise, whatever the response says.

use crate::engine::Time;
use crate::policy::{RouteId, Sent};

use super::ewma::PeakEwma;

/// The load of each route of a pool.
#[derive(Clone, Debug)]
pub struct PeakLoads {
    routes: Vec<One>,
    first: f64,
    tau: f64,
}

#[derive(Clone, Copy, Debug)]
struct One {
    rtt: PeakEwma,
    pending: u32,
    /// How often it was made anew. What an earlier life sent says nothing of this one.
    life: u64,
}

impl PeakLoads {
    /// For so many routes: a route that has not answered yet is taken to need `first` seconds, and old times
    /// fade by a factor e every `tau` seconds.
    pub fn new(now: Time, routes: usize, first: f64, tau: f64) -> Self {
        let one = One { rtt: PeakEwma::new(now, first, tau), pending: 0, life: 0 };
        Self { routes: vec![one; routes], first, tau }
    }

    /// An attempt goes to this route. Gives the tag that it must carry.
    pub fn sent(&mut self, route: RouteId) -> u64 {
        let one = &mut self.routes[route.index()];
        one.pending += 1;
        one.life
    }

    /// The response of an attempt began, or it ended without one.
    pub fn answered(&mut self, now: Time, sent: &Sent) {
        let one = &mut self.routes[sent.route.index()];
        if sent.tag == one.life {
            one.pending = one.pending.saturating_sub(1);
            one.rtt.sample(now, now.since(sent.at).as_secs_f64());
        }
    }

    /// The load of a route. Asking wears its average down.
    pub fn read(&mut self, now: Time, route: RouteId) -> f64 {
        let one = &mut self.routes[route.index()];
        one.rtt.read(now) * f64::from(one.pending + 1)
    }

    /// What [`PeakLoads::read`] gave last, but for what was sent or answered since.
    pub fn stored(&self, route: RouteId, now: Time) -> f64 {
        let one = &self.routes[route.index()];
        one.rtt.projected(now) * f64::from(one.pending + 1)
    }

    /// Makes a route anew.
    pub fn renew(&mut self, now: Time, route: RouteId) {
        let one = &mut self.routes[route.index()];
        let rtt = PeakEwma::new(now, self.first, self.tau);
        *one = One { rtt, pending: 0, life: one.life + 1 };
    }
}
