//! A row that cannot be read, and how many of them are let pass.

use std::fmt;
use std::path::Path;

use super::error::TraceError;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its line, from 1.
    pub line: u64,
    /// The column or key.
    pub column: String,
    /// What belongs there.
    pub expected: &'static str,
    /// A correct field.
    pub example: &'static str,
    /// What was found; never text of a prompt.
    pub found: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, expected, example, found } = self;
        write!(f, "line {line}: {column}: expected {expected}, e.g. `{example}`, found `{found}`")
    }
}

impl BadRow {
    /// As the reason why a file is refused.
    pub(super) fn refuses(self, file: &Path) -> TraceError {
        let Self { line, column, expected, example, found } = self;
        TraceError::Malformed { file: file.into(), line, column, expected, example, found }
    }
}

/// Rows that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRows {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<BadRow>,
}

/// How many unreadable rows are shown.
const SHOWN: usize = 5;

impl BadRows {
    pub(super) fn add(&mut self, row: BadRow) {
        self.count += 1;
        if self.first.len() < SHOWN {
            self.first.push(row);
        }
    }

    /// Refuses a file in which more than this share of all rows cannot be read.
    pub(super) fn check(&self, file: &Path, rows: u64, share: f64) -> Result<(), TraceError> {
        if self.count as f64 <= share * rows as f64 {
            return Ok(());
        }
        match self.first.first() {
            Some(first) if share > 0.0 => Err(TraceError::TooManyUnreadable {
                file: file.into(),
                bad: self.count,
                rows,
                allowed: share * 100.0,
                first: first.to_string(),
            }),
            Some(first) => Err(first.clone().refuses(file)),
            None => Ok(()),
        }
    }
}
