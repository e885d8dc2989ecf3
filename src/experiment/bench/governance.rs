//! What governance costs a request: admit, reserve and settle against a thousand keys with limits at every level.

use std::hint::black_box;

use crate::engine::{Time, luck};
use crate::governance::{
    Charging, Kind, Ledger, Length, Limit, List, NanoUsd, Need, Owner, Plan, ProviderConfig, Spent,
    Team, VirtualKey, Window,
};

use super::timer::{self, Timed};
use super::{CallFigure, Effort};

/// Virtual keys.
pub(super) const KEYS: u32 = 1_000;
const PROVIDERS: u16 = 3;
/// Between two requests of 50,000 a second.
const STEP: u64 = 20_000;

/// A ledger in use, whose limits are never reached.
#[derive(Debug)]
pub struct Till {
    ledger: Ledger,
}

impl Till {
    /// With this way of charging.
    ///
    /// # Panics
    /// Never: its plan is sound.
    pub fn new(charging: Charging) -> Self {
        let names = |count: u16| (0..count).map(|n| format!("provider-{n}")).collect();
        let models = vec!["chat".to_owned(), "small".to_owned()];
        let plan = plan(charging, names(PROVIDERS), models);
        Self { ledger: Ledger::new(&plan).expect("the plan is sound") }
    }

    /// The whole charge of request number `n`, of 50,000 a second over all keys.
    ///
    /// # Panics
    /// Never: limits are far.
    #[inline]
    pub fn charge(&mut self, n: u64) -> bool {
        let need = Need { tokens: 1_500, cost: NanoUsd(1_000_000) };
        let spent = Spent { tokens: 1_100, cost: NanoUsd(600_000), succeeded: true };
        let (now, key) = (Time(n * STEP), luck::below(luck::mix(n, 5), KEYS));
        let eligible = self.ledger.admit(now, key, 0, |_| need).expect("limits are far");
        let config = black_box(eligible).0.trailing_zeros() as usize;
        let hold = self.ledger.reserve(now, key, config, 0, &need).expect("it was admitted");
        self.ledger.settle(now, hold, &spent)
    }
}

/// A thousand keys of twenty teams of four customers, with limits at every level that are never reached.
pub(super) fn plan(charging: Charging, providers: Vec<String>, models: Vec<String>) -> Plan {
    let limit = |kind, length| Limit::new(kind, 1 << 60, Window::fixed(length));
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
        configs: (0..providers.len() as u16).map(config).collect(),
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
        models,
        customers: (0..4).map(customer).collect(),
        teams: (0..20).map(team).collect(),
        keys: (0..KEYS).map(key).collect(),
        charging,
        epoch: 1_748_865_600,
        providers,
        ..Plan::default()
    }
}

/// Admit, reserve and settle, paid after and reserved.
pub(super) fn figures(effort: Effort) -> Vec<CallFigure> {
    [("post-paid", Charging::PostPaid), ("reserved", Charging::Reserved)]
        .into_iter()
        .map(|(name, charging)| {
            let mut till = Till::new(charging);
            let subject = |first| timer::batch(first, |n| _ = black_box(till.charge(n)));
            let empty = |n| _ = black_box(luck::below(luck::mix(n, 5), KEYS));
            let timed = Timed::against(effort.batches, subject, |first| timer::batch(first, empty));
            CallFigure {
                call: format!("admit, reserve, settle: {name}"),
                routes: u32::from(PROVIDERS),
                threads: 1,
                median_ns: timed.quantile(0.5),
                min_ns: timed.quantile(0.0),
                p99_ns: timed.quantile(0.99),
                allocations: None,
            }
        })
        .collect()
}
