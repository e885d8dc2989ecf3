//! Runs on disk. Files are written whole: under a temporary name in the same folder, then renamed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::run::{StoredRun, Timing};
use super::summary::{SCHEMA_VERSION, Summary};
use super::table::{self, TableError};

/// Name of the summary.
pub const SUMMARY: &str = "summary.json";
/// Name of the series per route.
pub const SERIES: &str = "series.csv";
/// Name of the series of arrivals.
pub const ARRIVALS: &str = "arrivals.csv";
/// Name of the changes of health.
pub const TRANSITIONS: &str = "transitions.csv";
/// Name of the wall-clock figures.
pub const TIMING: &str = "timing.json";

/// Why a run could not be stored or read. Files already there are whole in any case.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file or its folder could not be written.
    #[error("cannot write {}: {source}; is its folder writable, and not full?", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder, or something above it, is a file.
    #[error("cannot write into {}: {} is a file; choose another folder", dir.display(), file.display())]
    NotAFolder {
        /// The folder.
        dir: PathBuf,
        /// The file in its place.
        file: PathBuf,
    },
    /// Another command is writing into the folder.
    #[error(
        "{} is being written by another windtunnel; wait for it, or choose another folder with --out",
        path.display()
    )]
    Busy {
        /// The file that it holds.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}; `windtunnel run --out` makes such a folder", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A JSON file is not what it should be.
    #[error("{} is damaged: {source}; run the scenario again", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// A CSV file is not what it should be.
    #[error("{} is damaged: {source}; run the scenario again", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: TableError,
    },
    /// A file of another version of its format.
    #[error(
        "{} has schema version {found}, not {expected}: make it again with this windtunnel, or read it with \
         the version that wrote it{}",
        path.display(),
        written_by.as_ref().map_or(String::new(), |version| format!(" ({version})"))
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that is read.
        expected: u32,
        /// The windtunnel that wrote it, where the file says so.
        written_by: Option<String>,
    },
}

/// Writes a run into a folder, which is made if need be, and returns the files in the order
/// written. The summary comes last: a folder with one is complete.
///
/// # Errors
/// [`StoreError::Write`]; files written before are whole.
pub fn write(dir: &Path, run: &StoredRun) -> Result<Vec<PathBuf>, StoreError> {
    let names: Vec<&str> = run.summary.routes.iter().map(|route| route.id.as_str()).collect();
    let mut files = vec![
        (SERIES, table::write_series(&run.series, &names)),
        (ARRIVALS, table::write_arrivals(&run.arrivals)),
        (TRANSITIONS, table::write_transitions(&run.transitions, &names)),
    ];
    if let Some(timing) = &run.timing {
        files.push((TIMING, json(timing)));
    }
    files.push((SUMMARY, json(&run.summary)));
    let mut paths = Vec::with_capacity(files.len());
    for (name, bytes) in files {
        let path = dir.join(name);
        write_whole(&path, &bytes)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Reads a run back.
///
/// # Errors
/// Any [`StoreError`] but `Write`; it names the file.
pub fn read(dir: &Path) -> Result<StoredRun, StoreError> {
    let summary = read_summary(&dir.join(SUMMARY))?;
    let names: Vec<&str> = summary.routes.iter().map(|route| route.id.as_str()).collect();
    let series = read_table(&dir.join(SERIES), |bytes| table::read_series(bytes, &names))?;
    let arrivals = read_table(&dir.join(ARRIVALS), table::read_arrivals)?;
    let changes = |bytes: &[u8]| table::read_transitions(bytes, &names);
    let transitions = read_table(&dir.join(TRANSITIONS), changes)?;
    let path = dir.join(TIMING);
    let timing = if path.exists() { Some(parse::<Timing>(&path, &load(&path)?)?) } else { None };
    Ok(StoredRun { summary, series, arrivals, transitions, timing })
}

/// Reads a JSON file.
///
/// # Errors
/// [`StoreError::Read`] or [`StoreError::Json`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    parse(path, &load(path)?)
}

/// Reads a summary alone.
///
/// # Errors
/// [`StoreError::Read`], [`StoreError::Json`] or [`StoreError::Version`].
pub fn read_summary(path: &Path) -> Result<Summary, StoreError> {
    read_versioned(path, SCHEMA_VERSION)
}

/// Reads a JSON file that says the version of its format.
///
/// # Errors
/// [`StoreError::Read`], [`StoreError::Json`] or [`StoreError::Version`].
pub fn read_versioned<T: DeserializeOwned>(path: &Path, expected: u32) -> Result<T, StoreError> {
    let bytes = load(path)?;
    let value: serde_json::Value = parse(path, &bytes)?;
    match value.get("schema_version").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(expected) => {
            let by = value.get("tool_version").and_then(serde_json::Value::as_str);
            let written_by = by.map(str::to_owned);
            Err(StoreError::Version { path: path.to_owned(), found, expected, written_by })
        }
        _ => parse(path, &bytes),
    }
}

/// Writes a file whole, making its folder if need be. Who reads the path sees the old content or
/// the new.
///
/// # Errors
/// [`StoreError::Write`]; the old content is still there then.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_whole_with(path, |temporary| fs::write(temporary, bytes))
}

/// As [`write_whole`], where `write` makes the file under the temporary name it is given, which has
/// the extension of `path`.
///
/// # Errors
/// [`StoreError::Write`]; the old content is still there then.
pub fn write_whole_with(
    path: &Path,
    write: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
    fs::create_dir_all(folder).map_err(failed)?;
    let process = std::process::id();
    let temporary = folder.join(format!(".tmp-{process}-{}", name.to_string_lossy()));
    write(&temporary).and_then(|()| fs::rename(&temporary, path)).map_err(|source| {
        // The first error is the one to tell; a leftover under its own name harms nobody.
        let _ = fs::remove_file(&temporary);
        failed(source)
    })
}

fn load(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|source| StoreError::Read { path: path.to_owned(), source })
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, StoreError> {
    let failed = |source| StoreError::Json { path: path.to_owned(), source };
    serde_json::from_slice(bytes).map_err(failed)
}

fn read_table<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, TableError>,
) -> Result<T, StoreError> {
    read(&load(path)?).map_err(|source| StoreError::Table { path: path.to_owned(), source })
}

/// Makes a folder if need be and checks that files can be written there, before any work is done for it.
///
/// # Errors
/// [`StoreError::NotAFolder`] or [`StoreError::Write`].
pub fn writable(dir: &Path) -> Result<(), StoreError> {
    if let Some(file) = dir.ancestors().find(|above| above.is_file()) {
        return Err(StoreError::NotAFolder { dir: dir.to_owned(), file: file.to_owned() });
    }
    let probe = dir.join(".windtunnel.tmp");
    write_whole(&probe, b"")?;
    fs::remove_file(&probe).map_err(|source| StoreError::Write { path: probe, source })
}

/// Removes a file that an earlier run left, if it is there.
///
/// # Errors
/// [`StoreError::Write`].
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Pretty-printed JSON with a final line end.
pub fn to_json(value: &impl Serialize) -> String {
    String::from_utf8(json(value)).expect("JSON is UTF-8")
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("records are plain data");
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
