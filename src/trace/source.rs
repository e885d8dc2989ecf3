//! A log whose format is known: said by the user, or recognised by reading its first rows.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::bad::BadRows;
use super::entry::Entry;
use super::error::TraceError;
use super::field::{Field, Place, Unit, parse_map};
use super::format::TraceFormat;
use super::json::{Found, Objects};
use super::meaning::Map;
use super::reader::{Container, Reader, Step};
use super::table::Table;

/// How a log is to be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Choice {
    /// As its first rows look.
    #[default]
    Recognise,
    /// As this format.
    Format(TraceFormat),
    /// With columns named by the user, e.g. `time=created_at,prompt=usage.prompt_tokens`.
    Map(String),
}

/// A log that can be opened again and again.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    container: Container,
    map: Arc<Map>,
    /// Share of unreadable rows that is let pass.
    pub unreadable: f64,
}

/// Rows that are tried before a format is given up.
const TRIED: usize = 200;

impl Source {
    /// Finds out how a log is to be read. No unreadable row is let pass unless `unreadable` is set.
    ///
    /// # Errors
    /// If it cannot be opened, has no rows, or is in no format that is known.
    pub fn open(path: &Path, choice: &Choice) -> Result<Self, TraceError> {
        let container = container(path)?;
        let source = |map: Map| {
            let map = Arc::new(map);
            Self { path: path.into(), container, map, unreadable: 0.0 }
        };
        match choice {
            Choice::Format(format) => Ok(source(Map::of(*format))),
            Choice::Map(text) => Ok(source(Map::new(TraceFormat::Mapped, parse_map(text)?))),
            Choice::Recognise => {
                for format in TraceFormat::ALL {
                    let source = source(Map::of(format));
                    if source.is_readable()? {
                        return Ok(source);
                    }
                }
                Err(unrecognised(path, container))
            }
        }
    }

    /// The format that it is read as.
    pub fn format(&self) -> TraceFormat {
        self.map.format
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same log with more or less patience.
    #[must_use]
    pub fn with_unreadable(self, share: f64) -> Self {
        Self { unreadable: share, ..self }
    }

    /// The same log with the blocks of prompts.
    ///
    /// # Errors
    /// If its format has none.
    pub fn with_blocks(self) -> Result<Self, TraceError> {
        let format = self.format();
        if format != TraceFormat::Mooncake {
            return Err(TraceError::NoBlocks { file: self.path, format });
        }
        let blocks = Place::new(&(Field::Blocks, "hash_ids", Unit::Auto));
        let places = self.map.places.iter().cloned().chain([blocks]).collect();
        Ok(Self { map: Arc::new(Map::new(format, places)), ..self })
    }

    /// Whether entries have the blocks of their prompts.
    pub(super) fn gives_blocks(&self) -> bool {
        self.map.has(Field::Blocks)
    }

    pub(super) fn reader(&self) -> Result<Reader, TraceError> {
        let mut reader = Reader::open(&self.path, self.container, self.map.clone())?;
        reader.check_columns(&self.path)?;
        Ok(reader)
    }

    /// Goes through all entries. `other` counts rows about something else.
    ///
    /// # Errors
    /// The first thing that makes the file unreadable, too many unreadable rows, or no entry at all.
    pub fn each(&self, mut see: impl FnMut(&Entry)) -> Result<Tally, TraceError> {
        let mut reader = self.reader()?;
        let mut entry = Entry::default();
        let mut tally = Tally::default();
        loop {
            match reader.next(&mut entry)? {
                Step::Entry => {
                    tally.entries += 1;
                    see(&entry);
                }
                Step::Other => tally.others += 1,
                Step::Bad(bad) => {
                    if self.unreadable == 0.0 {
                        return Err(bad.refuses(&self.path));
                    }
                    tally.bad.add(bad);
                }
                Step::End => break,
            }
        }
        tally.bad.check(&self.path, tally.entries + tally.bad.count, self.unreadable)?;
        if tally.entries == 0 {
            return Err(TraceError::Empty { file: self.path.clone() });
        }
        Ok(tally)
    }

    fn is_readable(&self) -> Result<bool, TraceError> {
        let mut reader = match self.reader() {
            Ok(reader) => reader,
            Err(TraceError::MissingColumn { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut entry = Entry::default();
        for _ in 0..TRIED {
            match reader.next(&mut entry)? {
                Step::Entry if entry.prompt.is_some() => return Ok(true),
                Step::End => break,
                Step::Entry | Step::Other | Step::Bad(_) => {}
            }
        }
        Ok(false)
    }
}

/// What a pass over a log found besides its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entries.
    pub entries: u64,
    /// Rows about something else than a request to a model.
    pub others: u64,
    /// Rows that could not be read.
    pub bad: BadRows,
}

/// How files begin that are often taken for logs, what they are, and what to do.
const NOT_TEXT: [(&[u8], &str, &str); 6] = [
    (b"\x1F\x8B", "packed with gzip", "unpack it with `gzip -dk`"),
    (b"\x28\xB5\x2F\xFD", "packed with zstd", "unpack it with `zstd -d`"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"BZh", "packed with bzip2", "unpack it with `bzip2 -dk`"),
    (b"\xFF\xFE", "in UTF-16", "write it as UTF-8, e.g. with `iconv -f UTF-16 -t UTF-8`,"),
    (b"\xFE\xFF", "in UTF-16", "write it as UTF-8, e.g. with `iconv -f UTF-16 -t UTF-8`,"),
];

fn container(path: &Path) -> Result<Container, TraceError> {
    let file = || path.to_path_buf();
    let mut head = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    opened.map_err(|source| TraceError::Unreadable { file: file(), source })?;
    if head.starts_with(b"PAR1") {
        return Ok(Container::Parquet);
    }
    if let Some((_, what, remedy)) = NOT_TEXT.iter().find(|(begins, ..)| head.starts_with(begins)) {
        return Err(TraceError::NotText { file: file(), what, remedy });
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    match text.first() {
        None => Err(TraceError::Empty { file: file() }),
        Some(b'{' | b'[') => Ok(Container::Json),
        Some(_) => Ok(Container::Table),
    }
}

/// Says what a file has, and how a map for it might look.
fn unrecognised(path: &Path, container: Container) -> TraceError {
    let names = match container {
        Container::Table => match header(path) {
            Some(names) => names,
            None => return TraceError::NoHeader { file: path.into() },
        },
        Container::Json | Container::Parquet => keys_of_first(path, container).unwrap_or_default(),
    };
    let guess = |field: &str, words: &[&str], other: &str| {
        let is_it = |name: &&String| words.iter().any(|word| name.to_lowercase().contains(word));
        format!("{field}={}", names.iter().find(is_it).map_or(other, String::as_str))
    };
    let example = [
        guess("time", &["time", "created", "start", "date"], "created_at"),
        guess("prompt", &["prompt_t", "input_t", "prompt", "input", "context"], "prompt_tokens"),
        guess("output", &["completion", "output", "generated", "response_t"], "completion_tokens"),
    ]
    .join(",");
    let names = match names.len() {
        0 => "no names that we could read".to_owned(),
        many => {
            let some = names[..many.min(NAMES_MAX)].join(", ");
            format!("`{some}`{}", if many > NAMES_MAX { " and more" } else { "" })
        }
    };
    TraceError::Unrecognised { file: path.into(), names, example }
}

const NAMES_MAX: usize = 30;

/// Columns of a table, if its first row looks like names of them.
fn header(path: &Path) -> Option<Vec<String>> {
    Table::open(path, &Map::new(TraceFormat::Mapped, Vec::new())).ok()?.names()
}

/// Keys of the first object down to the third level; values are not looked at.
fn keys_of_first(path: &Path, container: Container) -> Option<Vec<String>> {
    match container {
        Container::Json => {
            let mut objects = Objects::open(path).ok()?;
            let Found::Object = objects.next().ok()? else { return None };
            let value = serde_json::from_slice(objects.object()).ok()?;
            let mut names = Vec::new();
            keys(&value, "", 3, &mut names);
            Some(names)
        }
        Container::Table | Container::Parquet => None,
    }
}

fn keys(value: &Value, above: &str, levels: u8, names: &mut Vec<String>) {
    let Value::Object(object) = value else { return };
    for (key, value) in object {
        let name = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        if levels > 1 && value.is_object() {
            keys(value, &name, levels - 1, names);
        } else if name.len() <= 80 {
            names.push(name);
        }
    }
}
