//! The journal of a search: one line of JSON a finished run, behind a first line that says what it belongs to.
//!
//! The first line is written before any run: the plan's digest, and the hash of what is held out. A search that
//! was killed at any moment has lost at most the runs under way; a last line that was cut short is dropped. The
//! file is locked while somebody writes it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::metrics::Value;

use super::run_row::{read_value, written};

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Digest of the plan, in hexadecimal.
    pub plan: String,
    /// Version of windtunnel.
    pub tool_version: String,
    /// Hash of the scenarios, seeds and replications that are held out.
    pub held_out: String,
    /// Their names.
    pub held_out_scenarios: Vec<String>,
}

/// Which run: its stage, candidate, and its place among the candidate's runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StudyKey {
    /// `search` or `proof`, of candidates; `reference` or `reference-proof`.
    pub stage: &'static str,
    /// Number of the candidate.
    pub trial: u32,
    /// Which of its runs.
    pub run: u32,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyRow {
    /// Hash of the candidate's parameters.
    pub parameters: u64,
    /// Digest of its events.
    pub digest: u64,
    /// One value an objective, to 6 significant digits.
    pub values: Vec<Value>,
}

/// One further line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    stage: String,
    trial: u32,
    run: u32,
    parameters: String,
    digest: String,
    values: Vec<String>,
}

/// Why there is no journal to write.
#[derive(Debug, Error)]
pub enum StudyError {
    /// The file could not be read or written.
    #[error("cannot write {}: {source}; is its folder writable, and not full?", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Somebody else has it.
    #[error("another search is writing {}; wait for it, or choose another --out", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to something else.
    #[error(
        "{} is the journal of another plan ({found}): other scenarios, parameters, objectives, seed, trials or \
         version; choose another --out, or remove it",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Digest of its plan.
        found: String,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct StudyJournal {
    path: PathBuf,
    file: File,
}

/// Of candidates, and of the reference that they are held against.
const STAGES: [&str; 4] = ["search", "proof", "reference", "reference-proof"];

impl StudyJournal {
    /// Opens the journal of a plan, or begins it, and gives the runs that it has.
    ///
    /// # Errors
    /// [`StudyError`]; nothing is written then.
    pub fn open(
        path: &Path,
        head: &Head,
    ) -> Result<(Self, BTreeMap<StudyKey, StudyRow>), StudyError> {
        let failed = |source| StudyError::Write { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StudyError::Locked { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut old = String::new();
        file.read_to_string(&mut old).map_err(failed)?;
        let (rows, kept) = Self::read(path, head, &old)?;
        file.set_len(kept as u64).map_err(failed)?;
        file.seek(std::io::SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file };
        if kept == 0 {
            journal.write(&serde_json::to_string(head).expect("a head is plain JSON"))?;
        }
        Ok((journal, rows))
    }

    /// The rows of a journal, and how many of its bytes are whole lines.
    fn read(
        path: &Path,
        head: &Head,
        text: &str,
    ) -> Result<(BTreeMap<StudyKey, StudyRow>, usize), StudyError> {
        let mut rows = BTreeMap::new();
        let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let Some(first) = lines.next() else { return Ok((rows, 0)) };
        let found: Option<Head> = serde_json::from_str(first.trim_end()).ok();
        if found.as_ref() != Some(head) {
            let found = found.map_or("no journal at all".to_owned(), |found| found.plan);
            return Err(StudyError::Foreign { path: path.to_owned(), found });
        }
        let mut kept = first.len();
        for line in lines {
            let Some((key, row)) = parse(line.trim_end()) else { break };
            rows.insert(key, row);
            kept += line.len();
        }
        Ok((rows, kept))
    }

    /// Adds a run, as one write.
    ///
    /// # Errors
    /// [`StudyError::Write`].
    pub fn add(&mut self, key: &StudyKey, row: &StudyRow) -> Result<(), StudyError> {
        let line = Line {
            stage: key.stage.to_owned(),
            trial: key.trial,
            run: key.run,
            parameters: format!("{:016x}", row.parameters),
            digest: format!("{:016x}", row.digest),
            values: row.values.iter().map(|value| written(*value)).collect(),
        };
        self.write(&serde_json::to_string(&line).expect("a line is plain JSON"))
    }

    fn write(&mut self, line: &str) -> Result<(), StudyError> {
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        written.map_err(|source| StudyError::Write { path: self.path.clone(), source })
    }
}

fn parse(line: &str) -> Option<(StudyKey, StudyRow)> {
    let line: Line = serde_json::from_str(line).ok()?;
    let stage = STAGES.into_iter().find(|stage| *stage == line.stage)?;
    let key = StudyKey { stage, trial: line.trial, run: line.run };
    let row = StudyRow {
        parameters: u64::from_str_radix(&line.parameters, 16).ok()?,
        digest: u64::from_str_radix(&line.digest, 16).ok()?,
        values: line.values.iter().map(|text| read_value(text)).collect::<Option<_>>()?,
    };
    Some((key, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(plan: &str) -> Head {
        Head {
            plan: plan.to_owned(),
            tool_version: "0".to_owned(),
            held_out: "feed".to_owned(),
            held_out_scenarios: vec!["flapping".to_owned()],
        }
    }

    #[test]
    fn a_journal_is_one_writers_goes_on_where_it_was_cut_and_belongs_to_one_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s/journal.jsonl");
        let key = |run| StudyKey { stage: "search", trial: 1, run };
        let row = StudyRow {
            parameters: 7,
            digest: u64::MAX,
            values: vec![Value::Known(0.1), Value::Censored { at_s: 60.0 }],
        };
        let (mut journal, rows) = StudyJournal::open(&path, &head("a")).unwrap();
        assert!(rows.is_empty());
        journal.add(&key(0), &row).unwrap();
        journal.add(&key(2), &row).unwrap();
        let locked = StudyJournal::open(&path, &head("a")).unwrap_err();
        assert!(locked.to_string().contains("another search is writing"), "{locked}");
        drop(journal);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"stage\":\"sea")).unwrap();
        let (journal, rows) = StudyJournal::open(&path, &head("a")).unwrap();
        assert_eq!(rows, BTreeMap::from([(key(0), row.clone()), (key(2), row)]));
        drop(journal);
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        let foreign = StudyJournal::open(&path, &head("b")).unwrap_err().to_string();
        assert!(foreign.contains("another plan (a)"), "{foreign}");
        assert_eq!(fs::read_to_string(&path).unwrap(), whole, "nothing was written");
    }
}
