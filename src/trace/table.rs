//! Traces that are tables with a header: columns are found by name, so further ones do not matter.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::{ErrorKind, Position, Reader, StringRecord};

use super::{Stamped, TraceError};

/// What a format calls its columns, and how its stamps are read.
pub(super) struct Columns {
    pub(super) stamp: &'static str,
    pub(super) prompt: &'static str,
    pub(super) output: &'static str,
    /// Nanoseconds since an origin of the format's own.
    pub(super) read: fn(&str) -> Option<u64>,
    /// What a stamp is, and one as an example.
    pub(super) expected: (&'static str, &'static str),
}

/// The rows of a table.
pub(super) struct Table {
    file: PathBuf,
    reader: Reader<File>,
    record: StringRecord,
    columns: &'static Columns,
    /// Where stamp, prompt and output stand in a row.
    places: [usize; 3],
}

impl Table {
    pub(super) fn open(path: &Path, columns: &'static Columns) -> Result<Self, TraceError> {
        let file = path.to_path_buf();
        let mut reader = Reader::from_path(path).map_err(|error| refused(&file, error))?;
        let header = reader.headers().map_err(|error| refused(&file, error))?;
        if header.is_empty() {
            return Err(TraceError::Empty { file });
        }
        let mut places = [0; 3];
        for (place, column) in
            places.iter_mut().zip([columns.stamp, columns.prompt, columns.output])
        {
            *place = header.iter().position(|name| name.trim() == column).ok_or_else(|| {
                let header = header.iter().collect::<Vec<_>>().join(",");
                TraceError::MissingColumn { file: file.clone(), column, header }
            })?;
        }
        Ok(Self { file, reader, record: StringRecord::new(), columns, places })
    }

    fn row(&self) -> Result<Stamped, TraceError> {
        let line = self.record.position().map_or(0, Position::line);
        let columns = self.columns;
        let malformed = |column, (expected, example), found: &str| {
            let (file, found) = (self.file.clone(), found.to_string());
            TraceError::Malformed { file, line, column, expected, example, found }
        };
        let field = |place: usize| self.record.get(place).unwrap_or("").trim();
        let [stamp, prompt, output] = self.places.map(field);
        let tokens = |column, text: &str| {
            let count = text.parse::<u32>();
            count.map_err(|_| malformed(column, ("a whole number of tokens", "1024"), text))
        };
        Ok(Stamped {
            line,
            at: (columns.read)(stamp)
                .ok_or_else(|| malformed(columns.stamp, columns.expected, stamp))?,
            prompt: tokens(columns.prompt, prompt)?.max(1),
            output: tokens(columns.output, output)?.max(1),
        })
    }
}

impl Iterator for Table {
    type Item = Result<Stamped, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Some(self.row()),
            Ok(false) => None,
            Err(error) => Some(Err(refused(&self.file, error))),
        }
    }
}

/// What the reader of tables could not read.
fn refused(file: &Path, error: csv::Error) -> TraceError {
    let file = file.to_path_buf();
    let line = error.position().map_or(0, Position::line);
    let malformed = |column, expected, example, found| TraceError::Malformed {
        file: file.clone(),
        line,
        column,
        expected,
        example,
        found,
    };
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => malformed(
            "row",
            "as many fields as the header has",
            "a,b,c",
            format!("{len} fields instead of {expected_len}"),
        ),
        ErrorKind::Utf8 { .. } => {
            malformed("row", "text in UTF-8", "2023-11-16", "other bytes".to_string())
        }
        _ => TraceError::Unreadable { file, source: error.into() },
    }
}
