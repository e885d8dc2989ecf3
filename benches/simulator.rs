//! What a simulated request costs, beside a bare loop over the same arrivals and samplers.
//!
//! `cargo bench --bench simulator` measures; `cargo bench --bench simulator -- --test` only tries.

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use windtunnel::engine::Time;
use windtunnel::experiment::bench::bare_loop;
use windtunnel::policy::{Policy, Pool, registry};
use windtunnel::sim::spec::Spec;
use windtunnel::sim::{EventQueue, Heap, Replication, Wheel, World, plain};

const ROUTES: [u32; 3] = [12, 1_000, 10_000];
/// Virtual seconds of a run: long enough for the number of requests under way to settle.
const SECONDS: u64 = 20;

/// 5,000 requests per virtual second over four providers: the policy that costs most, the one that
/// costs least, and no policy at all.
fn policies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    group.sample_size(10);
    for routes in ROUTES {
        let spec = plain::world(4, routes / 4, 5_000.0, SECONDS);
        let (requests, _) = bare_loop(&spec, 1);
        group.throughput(Throughput::Elements(requests));
        for policy in ["windtunnel", "random"] {
            run::<Wheel>(&mut group, BenchmarkId::new(policy, routes), &spec, policy);
        }
        group.bench_function(BenchmarkId::new("bare loop", routes), |bencher| {
            bencher.iter(|| bare_loop(&spec, 1));
        });
    }
    group.finish();
}

/// 50,000 requests per virtual second over twelve routes, through one node and through sixteen that share
/// everything.
fn nodes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("nodes");
    group.sample_size(10);
    let policy = registry::find("windtunnel").expect("a policy of this crate");
    let mut settings = policy.settings();
    settings.set("share.mode", 2.0).expect("a mode");
    for nodes in [1, 16] {
        let mut spec = plain::world(4, 3, 50_000.0, 6);
        spec.gateway.fleet = plain::fleet(nodes);
        group.throughput(Throughput::Elements(bare_loop(&spec, 1).0));
        let world = || {
            let make = |pool: &Pool, now, key| policy.make(&settings, pool, now, key);
            World::of_nodes(&spec, Box::new(make), 1, 1, Replication { index: 0, of: 1 })
                .expect("a preset")
        };
        group.bench_function(BenchmarkId::new("windtunnel", nodes), |bencher| {
            let run = |world: World<'_>| world.run().expect("the books balance");
            bencher.iter_batched(world, run, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// The queues of events, with few and with many requests under way.
fn queues(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    group.sample_size(10);
    for (rps, seconds) in [(5_000.0, SECONDS), (50_000.0, 6)] {
        let spec = plain::world(4, 3, rps, seconds);
        group.throughput(Throughput::Elements(bare_loop(&spec, 1).0));
        run::<Heap>(&mut group, BenchmarkId::new("heap", rps), &spec, "random");
        run::<Wheel>(&mut group, BenchmarkId::new("wheel", rps), &spec, "random");
    }
    group.finish();
}

fn run<Q: EventQueue>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    spec: &Spec,
    policy: &str,
) {
    let policy = registry::find(policy).expect("a policy of this crate");
    let world = || {
        let policy: Box<dyn Policy> =
            policy.make(&policy.settings(), &spec.pool, Time::ZERO, 1).expect("a preset");
        World::<Q>::with_queue(spec, policy, 1, Replication { index: 0, of: 1 })
    };
    group.bench_function(id, |bencher| {
        let run = |world: World<'_, Q>| world.run().expect("the books balance");
        bencher.iter_batched(world, run, BatchSize::PerIteration);
    });
}

criterion_group!(benches, policies, nodes, queues);
criterion_main!(benches);
