//! The journal of a comparison: one line a finished run, so that what was interrupted goes on where it was.
//!
//! A journal belongs to a plan and a version of the program; whoever changes the code of a model removes it.
//! `runs.csv` is the same table, complete and in the order of the plan.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::metrics::Value;

use super::quantity::significant;
use super::store::StoreError;

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

/// What a comparison keeps of a run.
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
    /// (offered, good) in bins around the onset.
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
        let [scenario, layer, policy] = name(key);
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

/// `12.5`, `>60` for what was not reached in 60 s, nothing for what has no value.
pub(super) fn written(value: Value) -> String {
    match value {
        Value::Known(number) => number.to_string(),
        Value::Censored { at_s } => format!(">{at_s}"),
        Value::Undefined { .. } => String::new(),
    }
}

pub(super) fn read_value(text: &str) -> Option<Value> {
    match text.strip_prefix('>') {
        Some(at) => Some(Value::Censored { at_s: at.parse().ok()? }),
        None if text.is_empty() => Some(Value::Undefined { reason: NOT_HERE }),
        None => Some(Value::Known(text.parse().ok()?)),
    }
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal of the plan with this digest, and gives the runs that it has. A journal of another
    /// plan is begun anew; a last line that was cut short is dropped.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn open(path: &Path, plan: u64) -> Result<(Self, BTreeMap<RunKey, RunRow>), StoreError> {
        let failed = |source| StoreError::Write { path: path.to_owned(), source };
        let head = format!("plan {plan:016x}\n");
        let old = fs::read_to_string(path).unwrap_or_default();
        let mut rows = BTreeMap::new();
        let mut text = head.clone();
        if let Some(body) = old.strip_prefix(&head) {
            for line in body.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                let Some((key, row)) = parse(line.trim_end()) else { break };
                rows.insert(key, row);
                text.push_str(line);
            }
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(path, text).map_err(failed)?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        Ok((Self { path: path.to_owned(), file }, rows))
    }

    /// Adds a run, as one write.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn add(&mut self, key: &RunKey, row: &RunRow) -> Result<(), StoreError> {
        let source = self.file.write_all(line(key, row).as_bytes());
        source.map_err(|source: io::Error| StoreError::Write { path: self.path.clone(), source })
    }
}

fn line(key: &RunKey, row: &RunRow) -> String {
    let values: Vec<String> = row.values.iter().map(|value| written(*value)).collect();
    let curve: Vec<String> = row.curve.iter().map(|(n, good)| format!("{n} {good}")).collect();
    let bound = row.bound.map_or(String::new(), |bound| bound.to_string());
    format!(
        "{},{},{},{};{:x};{};{};{};{bound};{};{}\n",
        key.scenario,
        key.layer,
        key.policy,
        key.replication,
        row.digest,
        row.onset_s,
        row.offered,
        row.good,
        values.join(","),
        curve.join(",")
    )
}

fn parse(line: &str) -> Option<(RunKey, RunRow)> {
    let [key, digest, onset, offered, good, bound, values, curve] =
        line.split(';').collect::<Vec<_>>().try_into().ok()?;
    let [scenario, layer, policy, replication] =
        key.split(',').map(|n| n.parse().ok()).collect::<Option<Vec<u32>>>()?.try_into().ok()?;
    let list = |text: &str| -> Vec<String> {
        if text.is_empty() { Vec::new() } else { text.split(',').map(str::to_owned).collect() }
    };
    let pair = |text: &String| {
        let (n, good) = text.split_once(' ')?;
        Some((n.parse().ok()?, good.parse().ok()?))
    };
    let row = RunRow {
        digest: u64::from_str_radix(digest, 16).ok()?,
        onset_s: onset.parse().ok()?,
        offered: offered.parse().ok()?,
        good: good.parse().ok()?,
        bound: if bound.is_empty() { None } else { Some(bound.parse().ok()?) },
        values: values.split(',').map(read_value).collect::<Option<_>>()?,
        curve: list(curve).iter().map(pair).collect::<Option<_>>()?,
    };
    Some((RunKey { scenario, layer, policy, replication }, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(good: u64) -> RunRow {
        RunRow {
            digest: 0xfeed,
            onset_s: 91.25,
            offered: 100,
            good,
            bound: Some(99),
            values: vec![
                Value::Known(1.0 / 3.0),
                Value::Censored { at_s: 60.0 },
                Value::Undefined { reason: "no fault" },
            ],
            curve: vec![(10, 9), (0, 0)],
        }
        .rounded()
    }

    #[test]
    fn a_journal_goes_on_where_it_was_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j/journal.csv");
        let key = |replication| RunKey { scenario: 1, layer: 0, policy: 2, replication };
        let (mut journal, rows) = Journal::open(&path, 7).unwrap();
        assert!(rows.is_empty());
        journal.add(&key(0), &row(90)).unwrap();
        journal.add(&key(3), &row(91)).unwrap();
        drop(journal);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}1,0,2,4;fe")).unwrap();
        let (_, rows) = Journal::open(&path, 7).unwrap();
        assert_eq!(rows, BTreeMap::from([(key(0), row(90)), (key(3), row(91))]));
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        assert!(Journal::open(&path, 8).unwrap().1.is_empty(), "another plan");
    }
}
