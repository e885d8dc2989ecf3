//! The kinds of fault that a hunt tries, and where in a world they can be.

use toml_edit::{InlineTable, Value};

use crate::policy::Pool;

use super::schedule::Strike;

/// A kind of fault of the catalogue, as a hunt uses it.
#[derive(Debug)]
pub(super) struct Kind {
    /// What a hunt calls it: a fault that answers with an error and one that does not answer are two.
    pub(super) label: &'static str,
    /// Its name in scenarios.
    pub(super) name: &'static str,
    /// Where it can be.
    pub(super) place: Place,
    /// Whether `depth` means something.
    pub(super) has_depth: bool,
    /// Whether `wave` does.
    pub(super) has_wave: bool,
    /// Its own keys of a `[[fault]]`.
    pub(super) keys: Keys,
}

/// Labels are unique.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label
    }
}

/// Where a kind can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Any,
    Provider,
    Key,
    Region,
    Model,
}

/// The kinds. Left out: background noise (no event), severe outages (an error burst of 95 %), growth limits
/// and cold starts (their cause is in the load, which a hunt moves only as a whole).
pub(super) static KINDS: &[Kind] = &[
    outage("hard-outage", |_| vec![error(503, 100)]),
    outage("hard-outage-hang", |_| vec![error("hang", 100)]),
    outage("hard-outage-429", |_| vec![error(429, 100)]),
    burst("error-burst", |strike| vec![error(503, strike.depth)]),
    burst("error-burst-hang", |strike| vec![error("hang", strike.depth)]),
    Kind {
        has_depth: false,
        has_wave: true,
        keys: |strike| {
            let mut shape = InlineTable::new();
            shape.insert("kind", "flap".into());
            shape.insert("on", seconds(strike.wave.0));
            shape.insert("off", seconds(strike.wave.1));
            vec![error(503, 100), ("shape", shape.into())]
        },
        ..kind("flapping", Place::Any)
    },
    Kind {
        keys: |strike| vec![("rate", percent(strike.depth)), ("extra", "30s".into())],
        ..kind("stall", Place::Any)
    },
    Kind {
        keys: |strike| {
            let factor =
                |most: f64| Value::from(1.0 + (most - 1.0) * f64::from(strike.depth) / 100.0);
            vec![("ttft", factor(10.0)), ("decode", factor(10.0))]
        },
        ..kind("brown-out", Place::Any)
    },
    Kind {
        keys: |strike| vec![("rate", percent(strike.depth))],
        ..kind("overload", Place::Provider)
    },
    Kind { keys: |strike| vec![("rate", percent(strike.depth))], ..kind("midstream", Place::Any) },
    Kind {
        keys: |strike| vec![("factor", percent(104 - strike.depth))],
        ..kind("limit-cut", Place::Provider)
    },
    Kind { has_depth: false, keys: |_| Vec::new(), ..kind("key-fault", Place::Key) },
    Kind { keys: |strike| vec![error(500, strike.depth)], ..kind("regional", Place::Region) },
    Kind { keys: |strike| vec![error(500, strike.depth)], ..kind("one-model", Place::Model) },
    Kind { has_depth: false, keys: |_| vec![error(503, 100)], ..kind("slow-recovery", Place::Any) },
    Kind {
        keys: |strike| vec![("headroom", percent(200 - strike.depth))],
        ..kind("cascade", Place::Provider)
    },
];

const fn kind(name: &'static str, place: Place) -> Kind {
    Kind { label: name, name, place, has_depth: true, has_wave: false, keys: |_| Vec::new() }
}

type Keys = fn(&Strike) -> Vec<(&'static str, Value)>;

const fn outage(label: &'static str, keys: Keys) -> Kind {
    Kind { label, has_depth: false, keys, ..kind("hard-outage", Place::Any) }
}

const fn burst(label: &'static str, keys: Keys) -> Kind {
    Kind { label, keys, ..kind("error-burst", Place::Any) }
}

/// A share of attempts that fails, with a status or without an answer.
fn error(status: impl Into<Value>, rate: u32) -> (&'static str, Value) {
    let mut error = InlineTable::new();
    error.insert("rate", percent(rate));
    error.insert("status", status.into());
    ("error", error.into())
}

fn percent(share: u32) -> Value {
    format!("{share}%").into()
}

/// A length of time as scenarios write it.
pub(super) fn seconds(length: u32) -> Value {
    format!("{length}s").into()
}

/// Selectors of a world that a kind can be on, wide ones first.
pub(super) fn places(pool: &Pool, place: Place) -> Vec<String> {
    let providers = || pool.providers.iter().cloned();
    let mut found: Vec<String> = Vec::new();
    if matches!(place, Place::Any | Place::Provider) {
        found.extend(providers());
    }
    // A part of a provider is a place only if it is not all of it.
    let mut parts = |sign: char, part: fn(&Pool, usize) -> &str, even_one: bool| {
        for (provider, name) in pool.providers.iter().enumerate() {
            let own = (0..pool.routes.len())
                .filter(|route| usize::from(pool.routes[*route].provider.0) == provider);
            let mut parts: Vec<&str> = own.map(|route| part(pool, route)).collect();
            parts.retain(|part| !part.is_empty());
            parts.sort_unstable();
            parts.dedup();
            if parts.len() > 1 || even_one {
                found.extend(parts.iter().map(|part| format!("{name}{sign}{part}")));
            }
        }
    };
    if matches!(place, Place::Any | Place::Key) {
        parts('/', |pool, route| &pool.routes[route].key, place == Place::Key);
    }
    if matches!(place, Place::Any | Place::Region) {
        parts('@', |pool, route| &pool.routes[route].region, place == Place::Region);
    }
    if matches!(place, Place::Any | Place::Model) {
        parts(
            ':',
            |pool, route| &pool.models[usize::from(pool.routes[route].model.0)],
            place == Place::Model,
        );
    }
    found
}

/// Names of the kinds that a hunt tries.
pub fn names() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.label).collect()
}
