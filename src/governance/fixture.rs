//! Plans for tests, with defaults for everything: what a test sets is what it is about.

use super::*;

/// Everything of one provider.
pub(super) fn config(provider: u16) -> ProviderConfig {
    ProviderConfig {
        provider,
        weight: Some(1.0),
        models: List::All,
        blacklist: Vec::new(),
        keys: List::All,
        limits: Vec::new(),
    }
}

/// A key of nobody that may use providers 0 and 1.
pub(super) fn key(name: &str) -> VirtualKey {
    VirtualKey {
        name: name.to_owned(),
        owner: Owner::Nobody,
        active: true,
        expires: None,
        configs: vec![config(0), config(1)],
        limits: Vec::new(),
    }
}

/// Two providers, two models, these keys. Monday, 2026-11-23 00:00 UTC.
pub(super) fn plan(keys: Vec<VirtualKey>) -> Plan {
    Plan {
        providers: vec!["azure".to_owned(), "openai".to_owned()],
        models: vec!["chat".to_owned(), "small".to_owned()],
        keys,
        epoch: 20_780 * 86_400,
        ..Plan::default()
    }
}

pub(super) const fn usd(usd: u64, length: Length) -> Limit {
    Limit::new(Kind::Budget, NanoUsd::from_usd(usd).0, Window::fixed(length))
}

pub(super) const fn requests(max: u64, length: Length) -> Limit {
    Limit::new(Kind::Requests, max, Window::fixed(length))
}

pub(super) const fn tokens(max: u64, length: Length) -> Limit {
    Limit::new(Kind::Tokens, max, Window::fixed(length))
}
