//! A schedule as the text of a scenario.

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use crate::engine::Settings;
use crate::experiment::compare::Contender;
use crate::scenario::Scenario;

use super::kinds::seconds;
use super::schedule::{Schedule, Strike};

/// The base scenario without what a hunt sets itself.
#[derive(Clone, Debug)]
pub(super) struct Base {
    document: DocumentMut,
    rps: Option<f64>,
    /// Seconds of a run.
    pub(super) horizon_s: u32,
}

impl Base {
    /// From a scenario, for one policy and seed.
    pub(super) fn new(scenario: &Scenario, policy: &Contender, seed: u64) -> Result<Self, String> {
        let body: Vec<&str> =
            scenario.source.lines().skip_while(|line| line.starts_with('#')).collect();
        let mut document: DocumentMut =
            body.join("\n").parse().map_err(|_| "the scenario is not TOML".to_owned())?;
        for (key, why) in [
            ("trace", "found files could not name its trace"),
            ("class", "its classes have loads of their own"),
        ] {
            if document.contains_key(key) {
                return Err(format!("hunt needs a scenario without `{key}`: {why}"));
            }
        }
        for key in ["fault", "expect", "change", "incidents"] {
            document.remove(key);
        }
        document["policy"] = Item::Value(policy_value(policy));
        document["seed"] = Item::Value(Value::from(i64::try_from(seed).unwrap_or(1)));
        let rps = document
            .get("rps")
            .and_then(|rps| rps.as_integer().map(|whole| whole as f64).or_else(|| rps.as_float()));
        let horizon_s = (scenario.spec.horizon.0 / 1_000_000_000) as u32;
        if horizon_s < 60 {
            return Err(format!("hunt needs a `duration` of at least 60s, not {horizon_s}s"));
        }
        Ok(Self { document, rps, horizon_s })
    }

    /// Whether the load can be moved.
    pub(super) const fn has_load(&self) -> bool {
        self.rps.is_some()
    }

    /// The scenario with this schedule, without a comment.
    pub(super) fn text(&self, schedule: &Schedule) -> String {
        let mut document = self.document.clone();
        if let Some(rps) = self.rps.filter(|_| schedule.load != 100) {
            let rps = (rps * f64::from(schedule.load) / 100.0).round().max(1.0);
            document["rps"] = Item::Value(Value::from(rps as i64));
        }
        let mut faults = ArrayOfTables::new();
        for (index, strike) in schedule.strikes.iter().enumerate() {
            faults.push(table(strike, index, schedule.strikes.len()));
        }
        document["fault"] = Item::ArrayOfTables(faults);
        format!("{}\n", document.to_string().trim())
    }

    /// The same base with longer runs.
    pub(super) fn lasting(&self, horizon_s: u32) -> Self {
        let mut longer = self.clone();
        longer.document["duration"] = Item::Value(seconds(horizon_s));
        longer.horizon_s = horizon_s;
        longer
    }
}

fn table(strike: &Strike, index: usize, of: usize) -> Table {
    let mut table = Table::new();
    let mut put = |key: &str, value: Value| {
        table.insert(key, Item::Value(value));
    };
    put("kind", strike.kind.name.into());
    if of > 1 {
        put("name", format!("fault-{}", index + 1).into());
    }
    put("on", strike.on.as_str().into());
    put("start", seconds(strike.start_s));
    put("lasts", seconds(strike.lasts_s));
    if strike.cuts {
        put("in_flight", "cut".into());
    }
    for (key, value) in (strike.kind.keys)(strike) {
        put(key, value);
    }
    table
}

/// A policy as a scenario names it: with what differs from its preset.
fn policy_value(policy: &Contender) -> Value {
    let preset: Settings = policy.spec.settings();
    let mut table = InlineTable::new();
    table.insert("name", policy.spec.name.into());
    for ((param, now), (_, then)) in policy.settings.iter().zip(preset.iter()) {
        if now.to_bits() != then.to_bits() {
            // A quoted key: the dots are part of the parameter's name.
            table.insert(param.id, param.show(now).into());
        }
    }
    if table.len() == 1 { policy.spec.name.into() } else { Value::InlineTable(table) }
}
