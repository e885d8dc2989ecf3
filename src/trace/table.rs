//! Logs that are tables with a header: columns are found by name, so further ones do not matter. A cell
//! may hold JSON of its own, as an export of a database has it; its keys follow the column's name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder};
use serde::de::DeserializeSeed;

use super::bad::BadRow;
use super::error::TraceError;
use super::json::OBJECT_MAX;
use super::meaning::Map;
use super::pick::{Pick, Tree};
use super::slot::{Slot, shown};

/// The rows of a table.
pub(super) struct Table {
    file: PathBuf,
    reader: Reader<Guarded>,
    record: ByteRecord,
    /// Bytes read since the last row came.
    since: Arc<AtomicU64>,
    columns: Vec<Column>,
}

/// A column that a map names.
struct Column {
    at: usize,
    name: String,
    goal: Goal,
}

enum Goal {
    Slot(usize),
    /// A cell with JSON in it.
    Inside(Tree),
}

/// A row longer than this comes of a quote that is never closed.
const ROW_MAX: u64 = OBJECT_MAX as u64;

impl Table {
    pub(super) fn open(path: &Path, map: &Map) -> Result<Self, TraceError> {
        let file = path.to_path_buf();
        let unreadable = |source| TraceError::Unreadable { file: file.clone(), source };
        let since = Arc::new(AtomicU64::new(0));
        let inner = File::open(path).map_err(unreadable)?;
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter(path).map_err(unreadable)?)
            .buffer_capacity(1 << 16)
            .from_reader(Guarded { inner, since: since.clone() });
        let header = match reader.byte_headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(fatal(&file, error)),
        };
        if header.is_empty() {
            return Err(TraceError::Empty { file });
        }
        let columns = columns(&header, map);
        Ok(Self { file, reader, record: ByteRecord::new(), since, columns })
    }

    /// The names of its columns, or `None` where the first row does not look like names: it may be part of somebody's
    /// prompt, and is not to be shown.
    pub(super) fn names(&mut self) -> Option<Vec<String>> {
        let header = self.reader.byte_headers().ok()?;
        let names = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned());
        let names: Vec<String> = names.collect();
        looks_like_names(&names).then_some(names)
    }

    /// Which of a map's places it has.
    pub(super) fn has(&self, place: usize) -> bool {
        self.columns.iter().any(|column| match column.goal {
            Goal::Slot(slot) => slot == place,
            Goal::Inside(_) => false,
        })
    }

    /// Reads a row into slots; gives its line, `None` at the end.
    pub(super) fn next(
        &mut self,
        slots: &mut [Slot],
    ) -> Result<Option<Result<u64, BadRow>>, TraceError> {
        self.since.store(0, Ordering::Relaxed);
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return self.refused(error).map(|bad| Some(Err(bad))),
        }
        let line = self.record.position().map_or(0, Position::line);
        for column in &self.columns {
            let Some(cell) = self.record.get(column.at) else { continue };
            match &column.goal {
                Goal::Slot(slot) => match std::str::from_utf8(cell) {
                    Ok(text) => slots[*slot].put_text(text),
                    Err(_) => return Ok(Some(Err(not_text(line, &column.name)))),
                },
                // What is no JSON says nothing.
                Goal::Inside(tree) if cell.starts_with(b"{") => {
                    let mut from = serde_json::Deserializer::from_slice(cell);
                    let _ = Pick { tree, slots }.deserialize(&mut from);
                }
                Goal::Inside(_) => {}
            }
        }
        Ok(Some(Ok(line)))
    }

    /// What the reader of tables could not read: a row, or the file.
    fn refused(&self, error: csv::Error) -> Result<BadRow, TraceError> {
        match error.kind() {
            ErrorKind::UnequalLengths { expected_len, len, pos } => Ok(BadRow {
                line: pos.as_ref().map_or(0, Position::line),
                column: "row".into(),
                expected: "as many fields as the header has",
                example: "a,b,c",
                found: format!("{len} fields instead of {expected_len}"),
            }),
            _ => Err(fatal(&self.file, error)),
        }
    }
}

/// Words of which a header of a request log has one at least.
const WORDS: [&str; 19] = [
    "time",
    "date",
    "created",
    "start",
    "stamp",
    "when",
    "token",
    "prompt",
    "input",
    "output",
    "completion",
    "response",
    "context",
    "request",
    "model",
    "length",
    "latency",
    "duration",
    "status",
];
const NAME_MAX: usize = 60;

/// Whether the cells of a first row look like names of columns: each short, of at most three words of letters, digits and
/// the signs of names, none a number or a stamp, none twice; and one with a word that headers of logs have.
fn looks_like_names(cells: &[String]) -> bool {
    let is_name = |cell: &String| {
        let signs = |c: char| c.is_ascii_alphanumeric() || "_-./:[]() ".contains(c);
        let begins = cell.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let words = cell.split_whitespace().count();
        cell.is_empty() || begins && words <= 3 && cell.len() <= NAME_MAX && cell.chars().all(signs)
    };
    let is_known = |cell: &String| {
        let cell = cell.to_ascii_lowercase();
        WORDS.iter().any(|word| cell.contains(word))
    };
    let twice =
        cells.iter().enumerate().any(|(at, cell)| !cell.is_empty() && cells[..at].contains(cell));
    cells.iter().all(is_name) && !twice && cells.iter().any(is_known)
}

fn not_text(line: u64, column: &str) -> BadRow {
    let (expected, example) = ("text in UTF-8", "2023-11-16");
    BadRow { line, column: column.into(), expected, example, found: "other bytes".into() }
}

fn fatal(file: &Path, error: csv::Error) -> TraceError {
    TraceError::Unreadable { file: file.into(), source: error.into() }
}

fn columns(header: &ByteRecord, map: &Map) -> Vec<Column> {
    let mut columns = Vec::new();
    for (at, name) in header.iter().enumerate() {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let name = name.trim();
        let inside = |path: &str| {
            path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned)
        };
        let whole = map.places.iter().position(|place| place.path == name);
        let paths: Vec<_> = map.places.iter().map(|place| inside(&place.path)).collect();
        let goal = match whole {
            Some(slot) => Goal::Slot(slot),
            None if paths.iter().any(Option::is_some) => {
                let paths = paths.iter().enumerate();
                Goal::Inside(Tree::new(paths.filter_map(|(at, path)| Some((at, path.as_deref()?)))))
            }
            None => continue,
        };
        columns.push(Column { at, name: shown_name(name), goal });
    }
    columns
}

/// A column's name as a message shows it.
fn shown_name(name: &str) -> String {
    if name.len() <= 64 { name.to_owned() } else { shown(name) }
}

/// What stands between fields: whatever the header has most of.
fn delimiter(path: &Path) -> io::Result<u8> {
    let mut head = Vec::new();
    File::open(path)?.take(1 << 16).read_to_end(&mut head)?;
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
    let most = [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter));
    Ok(most.unwrap_or(b','))
}

/// A file that refuses to give a row without end.
struct Guarded {
    inner: File,
    since: Arc<AtomicU64>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if self.since.fetch_add(read as u64, Ordering::Relaxed) > ROW_MAX {
            return Err(io::Error::other(
                "a row is longer than 16 MiB: is a quotation mark never closed?",
            ));
        }
        Ok(read)
    }
}
