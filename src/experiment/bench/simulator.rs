//! The simulator's speed, beside a bare loop over the same arrivals and samplers.
#![expect(clippy::disallowed_types, reason = "the real clock")]

use std::hint::black_box;
use std::time::Instant;

use crate::engine::Time;
use crate::policy::registry;
use crate::sim::{Replication, World, plain};

use super::bare::bare_loop;
use super::{Effort, SpeedFigure};

/// Runs of each kind; the best counts, since others disturb and nothing helps.
const RUNS: usize = 3;

/// Speed of a policy at 5,000 requests per second over so many routes.
pub(super) fn speed(name: &str, routes: u32, effort: Effort) -> Option<SpeedFigure> {
    let policy = registry::find(name)?;
    let spec = plain::world(4, routes / 4, 5_000.0, effort.virtual_s);
    let (mut best, mut bare) = (f64::INFINITY, f64::INFINITY);
    for seed in 0..RUNS as u64 {
        let built = policy.make(&policy.settings(), &spec.pool, Time::ZERO, seed).ok()?;
        let world = World::new(&spec, built, seed, Replication { index: 0, of: 1 });
        let start = Instant::now();
        let tape = world.run().ok()?;
        best = best.min(start.elapsed().as_nanos() as f64 / tape.arrived as f64);
        let start = Instant::now();
        let (requests, sum) = bare_loop(&spec, seed);
        black_box(sum);
        bare = bare.min(start.elapsed().as_nanos() as f64 / requests as f64);
    }
    Some(SpeedFigure {
        policy: name.to_owned(),
        routes,
        ns_per_request: best,
        requests_per_s: 1e9 / best,
        times_real_time: 1e9 / best / 5_000.0,
        over_bare_loop: best / bare,
    })
}
