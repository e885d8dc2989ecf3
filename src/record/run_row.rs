//! What comparisons, sweeps and campaigns keep of a run: a few numbers.

use crate::metrics::Value;

use super::quantity::significant;

/// Which run of a comparison: scenario, layer, policy, replication, each as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunKey {
    /// Scenario.
    pub scenario: u32,
    /// Layer.
    pub layer: u32,
    /// Policy.
    pub policy: u32,
    /// Replication.
    pub replication: u32,
}

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Digest of its events.
    pub digest: u64,
    /// Onset of its first fault in seconds.
    pub onset_s: f64,
    /// Requests offered.
    pub offered: u64,
    /// Of those, good.
    pub good: u64,
    /// Of those, as many as any policy could have made good; where it was computed.
    pub bound: Option<u64>,
    /// One value a metric, to 6 significant digits.
    pub values: Vec<Value>,
    /// (offered, good) in bins around the onset; empty where nobody asked.
    pub curve: Vec<(u32, u32)>,
}

const NOT_HERE: &str = "no value in this run";

impl RunRow {
    /// Rounds what is not a count, so that a run that is read back is the one that was written.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        self.onset_s = significant(self.onset_s);
        for value in &mut self.values {
            *value = match *value {
                Value::Known(number) => Value::Known(significant(number)),
                Value::Censored { at_s } => Value::Censored { at_s: significant(at_s) },
                Value::Undefined { .. } => Value::Undefined { reason: NOT_HERE },
            };
        }
        self
    }
}

/// The lines of a table of runs: header and rows with names instead of indices.
pub fn table<'a>(
    metrics: &[&str],
    rows: impl Iterator<Item = (&'a RunKey, &'a RunRow)>,
    name: impl Fn(&RunKey) -> [String; 3],
) -> Vec<u8> {
    let mut text = String::from("scenario,layer,policy,replication,digest,onset_s,offered,good");
    for metric in metrics {
        text.push(',');
        text.push_str(metric);
    }
    text.push('\n');
    for (key, row) in rows {
        let [scenario, layer, policy] = name(key).map(|name| field(&name));
        text.push_str(&format!(
            "{scenario},{layer},{policy},{},{:016x},{},{},{}",
            key.replication, row.digest, row.onset_s, row.offered, row.good
        ));
        for value in &row.values {
            text.push(',');
            text.push_str(&written(*value));
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// A field of a CSV file, quoted where it must be (RFC 4180).
pub(super) fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// `12.5`, `>60` for what was not reached in 60 s, nothing for what has no value.
pub(super) fn written(value: Value) -> String {
    match value {
        Value::Known(number) => number.to_string(),
        Value::Censored { at_s } => format!(">{at_s}"),
        Value::Undefined { .. } => String::new(),
    }
}

/// Reads what [`written`] writes.
pub(super) fn read_value(text: &str) -> Option<Value> {
    match text.strip_prefix('>') {
        Some(at) => Some(Value::Censored { at_s: at.parse().ok()? }),
        None if text.is_empty() => Some(Value::Undefined { reason: NOT_HERE }),
        None => Some(Value::Known(text.parse().ok()?)),
    }
}
