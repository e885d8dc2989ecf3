//! What governance costs a request: admit, reserve and settle against a thousand keys with limits at every level.
//!
//! `cargo bench --bench governance` measures; `cargo bench --bench governance -- --test` only tries.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use windtunnel::engine::{Time, luck};
use windtunnel::governance::{
    Charging, Kind, Ledger, Length, Limit, List, NanoUsd, Need, Owner, Plan, ProviderConfig, Spent,
    Team, VirtualKey, Window,
};

const KEYS: u32 = 1_000;
const PROVIDERS: u16 = 3;

/// A limit that is never reached.
const fn limit(kind: Kind, length: Length) -> Limit {
    Limit::new(kind, 1 << 60, Window::fixed(length))
}

fn plan(charging: Charging) -> Plan {
    let config = |provider| ProviderConfig {
        provider,
        weight: None,
        models: List::All,
        blacklist: Vec::new(),
        keys: List::All,
        limits: vec![limit(Kind::Tokens, Length::Minute)],
    };
    let key = |n: u32| VirtualKey {
        name: format!("key-{n}"),
        owner: Owner::Team(n % 20),
        active: true,
        expires: None,
        configs: (0..PROVIDERS).map(config).collect(),
        limits: vec![
            limit(Kind::Budget, Length::Day),
            limit(Kind::Requests, Length::Minute),
            limit(Kind::Tokens, Length::Minute),
        ],
    };
    let team = |n: u32| Team {
        name: format!("team-{n}"),
        customer: Some(n % 4),
        limits: vec![limit(Kind::Budget, Length::Day)],
    };
    let customer = |n: u32| (format!("customer-{n}"), vec![limit(Kind::Budget, Length::Month)]);
    Plan {
        providers: (0..PROVIDERS).map(|n| format!("provider-{n}")).collect(),
        models: vec!["chat".to_owned(), "small".to_owned()],
        customers: (0..4).map(customer).collect(),
        teams: (0..20).map(team).collect(),
        keys: (0..KEYS).map(key).collect(),
        charging,
        epoch: 1_748_865_600,
        ..Plan::default()
    }
}

/// A request's whole charge, 50,000 requests a second over all keys.
fn charge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("admit, reserve, settle");
    for (name, charging) in [("post-paid", Charging::PostPaid), ("reserved", Charging::Reserved)] {
        let mut ledger = Ledger::new(&plan(charging)).expect("the plan is sound");
        let need = Need { tokens: 1_500, cost: NanoUsd(1_000_000) };
        let spent = Spent { tokens: 1_100, cost: NanoUsd(600_000), succeeded: true };
        let mut n = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                n += 1;
                let (now, key) = (Time(n * 20_000), luck::below(luck::mix(n, 5), KEYS));
                let eligible = ledger.admit(now, key, 0, |_| need).expect("limits are far");
                let config = black_box(eligible).0.trailing_zeros() as usize;
                let hold = ledger.reserve(now, key, config, 0, &need).expect("it was admitted");
                black_box(ledger.settle(now, hold, &spent))
            });
        });
    }
    group.finish();
}

criterion_group!(governance, charge);
criterion_main!(governance);
