//! What governance costs a request: admit, reserve and settle against a thousand keys with limits at every level.
//!
//! `cargo bench --bench governance` measures; `cargo bench --bench governance -- --test` only tries.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use windtunnel::experiment::bench::Till;
use windtunnel::governance::Charging;

/// A request's whole charge, 50,000 requests a second over all keys.
fn charge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("admit, reserve, settle");
    for (name, charging) in [("post-paid", Charging::PostPaid), ("reserved", Charging::Reserved)] {
        let mut till = Till::new(charging);
        let mut n = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                n += 1;
                black_box(till.charge(n))
            });
        });
    }
    group.finish();
}

criterion_group!(governance, charge);
criterion_main!(governance);
