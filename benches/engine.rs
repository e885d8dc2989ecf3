//! The engine's calls: what a decision, a report and a tick cost, by number of routes.
//!
//! `cargo bench --bench engine` measures; `cargo bench --bench engine -- --test` only tries.

use std::hint::black_box;
use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use windtunnel::experiment::bench::{Rig, Subset};

const ROUTES: [u32; 4] = [12, 100, 1_000, 10_000];
/// Calls in a batch: what a call needs before or after it is not timed.
const BATCH: u64 = 1_000;

/// A decision; its attempt is ended outside the measured time.
fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for routes in ROUTES {
        let rig = Rig::new(routes);
        batches(&mut group, "all", routes, &rig, Subset::Full);
        batches(&mut group, "list of 3 keys", routes, &rig, Subset::ThreeKeys);
        rig.exclude_some();
        batches(&mut group, "30 % just excluded", routes, &rig, Subset::Excluded);
    }
    group.finish();
}

fn batches(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    routes: u32,
    rig: &Rig,
    subset: Subset,
) {
    group.throughput(Throughput::Elements(BATCH));
    let mut first = 0;
    group.bench_function(BenchmarkId::new(name, routes), |bencher| {
        bencher.iter_custom(|batches| {
            let mut tickets = Vec::with_capacity(BATCH as usize);
            let mut total = Duration::ZERO;
            for _ in 0..batches {
                total +=
                    clock(|| tickets.extend((first..first + BATCH).map(|i| rig.decide(subset, i))));
                tickets.drain(..).for_each(|ticket| rig.end(ticket));
                first += BATCH;
            }
            total
        });
    });
}

/// The report of a success.
fn end(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("end");
    for routes in ROUTES {
        let rig = Rig::new(routes);
        let mut first = 0;
        group.throughput(Throughput::Elements(BATCH));
        group.bench_function(BenchmarkId::from_parameter(routes), |bencher| {
            let tickets = || {
                first += BATCH;
                (first..first + BATCH).map(|i| rig.decide(Subset::Full, i)).collect::<Vec<_>>()
            };
            let report = |tickets: &mut Vec<_>| tickets.iter().for_each(|ticket| rig.end(*ticket));
            bencher.iter_batched_ref(tickets, report, BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// What an attempt costs in all, in one thread and in two at once on one engine.
fn decide_and_end(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide and end");
    group.throughput(Throughput::Elements(1));
    for routes in ROUTES {
        let rig = Rig::new(routes);
        let mut i = 0;
        group.bench_function(BenchmarkId::new("1 thread", routes), |bencher| {
            bencher.iter(|| {
                i += 1;
                rig.end(rig.decide(Subset::Full, black_box(i)));
            });
        });
    }
    let rig = Rig::new(12);
    group.bench_function(BenchmarkId::new("2 threads", 12), |bencher| {
        bencher.iter_custom(|calls| {
            let work = |from: u64| {
                clock(|| {
                    (from..from + calls).for_each(|i| rig.end(rig.decide(Subset::Full, i)));
                })
            };
            std::thread::scope(|scope| {
                let other = scope.spawn(|| work(1 << 40));
                // Per call of each thread; the slower one counts.
                work(0).max(other.join().expect("nothing in there panics"))
            })
        });
    });
    group.finish();
}

/// The tick after an interval of 25,000 attempts.
fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    group.sample_size(10);
    for routes in ROUTES {
        let rig = Rig::new(routes);
        let mut n = 0;
        group.bench_function(BenchmarkId::from_parameter(routes), |bencher| {
            bencher.iter_custom(|ticks| {
                let mut total = Duration::ZERO;
                for _ in 0..ticks {
                    rig.interval(n);
                    total += clock(|| rig.tick(n));
                    n += 1;
                }
                total
            });
        });
    }
    group.finish();
}

#[expect(clippy::disallowed_types, reason = "the real clock")]
fn clock(work: impl FnOnce()) -> Duration {
    let start = std::time::Instant::now();
    work();
    start.elapsed()
}

criterion_group!(benches, decide, end, decide_and_end, tick);
criterion_main!(benches);
