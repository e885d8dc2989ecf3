//! The simulator's speed, beside a bare loop over the same arrivals and samplers.
#![expect(clippy::disallowed_types, reason = "the real clock")]

use std::hint::black_box;
use std::time::Instant;

use crate::engine::Span;
use crate::governance::Charging;
use crate::policy::{Pool, SetId, registry};
use crate::sim::tenancy::{Tenancy, Tenant};
use crate::sim::{Replication, World, plain};

use super::bare::bare_loop;
use super::governance::plan;
use super::{Effort, SpeedFigure};

/// Runs of each kind; the best counts, since others disturb and nothing helps.
const RUNS: usize = 3;

/// Requests per virtual second at one node, and at several together.
const RATES: [f64; 2] = [5_000.0, 50_000.0];

/// Speed of a policy over so many routes, at so many nodes and with so many virtual keys.
pub(super) fn speed(
    name: &str,
    routes: u32,
    (nodes, keys): (u32, u32),
    effort: Effort,
) -> Option<SpeedFigure> {
    let policy = registry::find(name)?;
    let rate = RATES[usize::from(nodes > 1)];
    let mut spec = plain::world(4, routes / 4, rate, effort.virtual_s);
    let mut settings = policy.settings();
    if nodes > 1 {
        spec.gateway.fleet = plain::fleet(nodes);
        settings.set("share.mode", 2.0).ok()?;
    }
    if keys > 0 {
        spec.tenancy = Some(tenancy(&spec.pool));
    }
    let (mut best, mut bare) = (f64::INFINITY, f64::INFINITY);
    for seed in 0..RUNS as u64 {
        let make = |pool: &Pool, now, key| policy.make(&settings, pool, now, key);
        let replication = Replication { index: 0, of: 1 };
        let world = World::of_nodes(&spec, Box::new(make), 1, seed, replication).ok()?;
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
        nodes,
        keys,
        ns_per_request: best,
        requests_per_s: 1e9 / best,
        times_real_time: 1e9 / best / rate,
        over_bare_loop: best / bare,
    })
}

/// A thousand virtual keys that are asked unevenly, as Zipf has it, and count requests, tokens and money at every level;
/// nodes tell each other once a second.
fn tenancy(pool: &Pool) -> Tenancy {
    let plan = plan(Charging::PostPaid, pool.providers.clone(), pool.models.clone());
    let tenant = Tenant {
        name: "all".to_owned(),
        class: None,
        share: 1.0,
        keys: 0..plan.keys.len() as u32,
        skew: 1.0,
        // Limits are far: whatever is eligible is everything.
        sets: vec![SetId::ALL],
        configs: (0..pool.providers.len() as u8).map(Some).collect(),
        draws: false,
    };
    Tenancy { plan, tenants: vec![tenant], sync: Some(Span::from_secs(1)), ..Tenancy::default() }
}
