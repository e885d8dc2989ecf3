//! One reader for every format: a file and a map in, entries out, one at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeSeed;
use serde_json::Deserializer;
use serde_json::error::Category;

use super::bad::BadRow;
use super::entry::Entry;
use super::error::TraceError;
use super::field::{Field, Place};
use super::format::TraceFormat;
use super::json::{Found, Objects};
use super::meaning::Map;
use super::otlp::Spans;
use super::pick::{Pick, Tree};
use super::slot::{Kind, Slot};
use super::table::Table;

/// Reads a log entry by entry.
pub(super) struct Reader {
    map: Arc<Map>,
    slots: Vec<Slot>,
    rows: Rows,
}

enum Rows {
    Table(Table),
    Json(Json),
    #[cfg(feature = "parquet")]
    Parquet(super::parquet::Parquet),
}

/// What came of asking for an entry.
pub(super) enum Step {
    /// An entry.
    Entry,
    /// A row about something else than a request to a model.
    Other,
    /// A row that cannot be read.
    Bad(BadRow),
    /// There is no further row.
    End,
}

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Table,
    Json,
    Parquet,
}

impl Reader {
    pub(super) fn open(
        path: &Path,
        container: Container,
        map: Arc<Map>,
    ) -> Result<Self, TraceError> {
        let rows = match container {
            Container::Table => Rows::Table(Table::open(path, &map)?),
            Container::Json => Rows::Json(Json::open(path, &map)?),
            #[cfg(feature = "parquet")]
            Container::Parquet => Rows::Parquet(super::parquet::Parquet::open(path, &map)?),
            #[cfg(not(feature = "parquet"))]
            Container::Parquet => return Err(TraceError::NoParquet { file: path.into() }),
        };
        let slot = |place: &Place| Slot { lists: place.field == Field::Blocks, ..Slot::default() };
        Ok(Self { slots: map.places.iter().map(slot).collect(), map, rows })
    }

    /// Refuses a table or a map without the columns that it needs.
    pub(super) fn check_columns(&mut self, path: &Path) -> Result<(), TraceError> {
        let Rows::Table(table) = &mut self.rows else { return Ok(()) };
        let map = &self.map;
        if !map.format.is_data_set() && map.format != TraceFormat::Mapped {
            return Ok(());
        }
        for (index, place) in map.places.iter().enumerate() {
            use Field::{Output, Prompt, Time};
            let must =
                map.format == TraceFormat::Mapped || matches!(place.field, Time | Prompt | Output);
            let inside = place.path.contains('.');
            if must && !inside && !table.has(index) {
                let (file, column) = (path.to_path_buf(), place.path.clone());
                return Err(match table.names() {
                    Some(names) => {
                        let header = names.join(",");
                        TraceError::MissingColumn { file, column, header }
                    }
                    None => TraceError::NoHeader { file },
                });
            }
        }
        Ok(())
    }

    pub(super) fn next(&mut self, entry: &mut Entry) -> Result<Step, TraceError> {
        for slot in &mut self.slots {
            slot.kind = Kind::None;
        }
        let row = match &mut self.rows {
            Rows::Table(table) => table.next(&mut self.slots)?,
            Rows::Json(json) => json.next(&mut self.slots)?,
            #[cfg(feature = "parquet")]
            Rows::Parquet(parquet) => parquet.next(&mut self.slots)?,
        };
        entry.line = match row {
            None => return Ok(Step::End),
            Some(Ok(line)) => line,
            Some(Err(bad)) => return Ok(Step::Bad(bad)),
        };
        Ok(match self.map.entry(&self.slots, entry) {
            Ok(true) => Step::Entry,
            Ok(false) => Step::Other,
            Err(bad) => Step::Bad(bad),
        })
    }
}

/// Rows of JSON: an object each, or a span each of objects that hold many.
struct Json {
    file: PathBuf,
    objects: Objects,
    tree: Tree,
    /// Spans of the last object, the next one last.
    spans: Vec<Vec<Slot>>,
    is_otel: bool,
}

impl Json {
    fn open(path: &Path, map: &Map) -> Result<Self, TraceError> {
        let paths = map.places.iter().enumerate().map(|(at, place)| (at, place.path.as_str()));
        Ok(Self {
            file: path.into(),
            objects: Objects::open(path)?,
            tree: Tree::new(paths),
            spans: Vec::new(),
            is_otel: map.format == TraceFormat::Otel,
        })
    }

    fn next(&mut self, slots: &mut [Slot]) -> Result<Option<Result<u64, BadRow>>, TraceError> {
        loop {
            let line = self.objects.starts_on();
            if let Some(span) = self.spans.pop() {
                slots.clone_from_slice(&span);
                return Ok(Some(Ok(line)));
            }
            match self.objects.next()? {
                Found::End => return Ok(None),
                Found::Broken(why) => {
                    let line = self.objects.starts_on();
                    return Ok(Some(Err(broken(line, format!("an object {why}")))));
                }
                Found::Object => {}
            }
            let line = self.objects.starts_on();
            let object = self.objects.object();
            let mut from = Deserializer::from_slice(object);
            let read = if self.is_otel && holds_spans(object) {
                let base = vec![Slot::default(); slots.len()];
                let spans = Spans { tree: &self.tree, base, rows: &mut self.spans };
                let read = spans.deserialize(&mut from);
                self.spans.reverse();
                read.map(|()| true)
            } else if object.trim_ascii_start().starts_with(b"{") {
                Pick { tree: &self.tree, slots }.deserialize(&mut from).map(|()| false)
            } else {
                return Ok(Some(Err(broken(line, "something else".into()))));
            };
            match read.and_then(|many| from.end().map(|()| many)) {
                Ok(true) => {}
                Ok(false) => return Ok(Some(Ok(line))),
                // The reader's own words may quote what it read.
                Err(error) => {
                    self.spans.clear();
                    let what = match error.classify() {
                        Category::Eof => "an object that is not closed",
                        Category::Io => {
                            let (file, source) = (self.file.clone(), error.into());
                            return Err(TraceError::Unreadable { file, source });
                        }
                        Category::Syntax | Category::Data => "broken JSON",
                    };
                    let found = format!("{what} (character {})", error.column());
                    return Ok(Some(Err(broken(line, found))));
                }
            }
        }
    }
}

fn broken(line: u64, found: String) -> BadRow {
    let (expected, example) = ("a JSON object", r#"{"timestamp": 3000, "input_length": 6758}"#);
    BadRow { line, column: "object".into(), expected, example, found }
}

/// Whether an object is a batch of spans by its first key.
fn holds_spans(object: &[u8]) -> bool {
    let head = &object[..object.len().min(200)];
    let has = |key: &[u8]| head.windows(key.len()).any(|part| part == key);
    has(b"\"resourceSpans\"") || has(b"\"scopeSpans\"")
}
