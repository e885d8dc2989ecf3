//! The journal of units: one line a finished run, so that what was interrupted goes on where it was.
//!
//! A unit is known by its [`UnitId`], a hash of all that decides its result, so a journal belongs to no plan:
//! whatever in it is asked for again is not run again. Who holds it open has locked it, so that two commands
//! never write into one folder. It is CSV, and may be read while it grows.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use crate::engine::luck;

use super::run_row::{RunRow, read_value, written};
use super::store::StoreError;

/// A hash of all that decides the result of a run; 16 hexadecimal digits in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitId(pub u64);

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl UnitId {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u64::from_str_radix(text, 16).ok().filter(|_| is_id).map(Self)
    }
}

/// The format of a journal's lines: which metrics they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns(Vec<String>);

impl Columns {
    /// For rows with values of these metrics.
    pub fn new(metrics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(metrics.into_iter().map(Into::into).collect())
    }

    fn head(&self) -> String {
        let metrics = self.0.iter().map(|metric| format!(",{metric}")).collect::<String>();
        format!("unit,what,digest,onset_s,offered,good,bound{metrics},curve,check\n")
    }

    /// A finished unit as a line. `what` tells a reader which it is.
    pub fn line(&self, id: UnitId, what: &str, row: &RunRow) -> String {
        assert_eq!(row.values.len(), self.0.len(), "a value a metric");
        let what = what.replace([',', '"', '\n', '\r'], " ");
        let values: String =
            row.values.iter().map(|value| format!(",{}", written(*value))).collect();
        let curve: Vec<String> = row.curve.iter().map(|(n, good)| format!("{n} {good}")).collect();
        let bound = row.bound.map_or(String::new(), |bound| bound.to_string());
        let line = format!(
            "{id},{what},{:016x},{},{},{},{bound}{values},{}",
            row.digest,
            row.onset_s,
            row.offered,
            row.good,
            curve.join(";")
        );
        let check = luck::name(&line);
        format!("{line},{check:016x}\n")
    }

    /// Reads a line; `None` if anything about it is wrong.
    pub fn parse(&self, line: &str) -> Option<(UnitId, RunRow)> {
        let (line, check) = line.trim_end_matches('\n').rsplit_once(',')?;
        if check.len() != 16 || u64::from_str_radix(check, 16).ok()? != luck::name(line) {
            return None;
        }
        let fields: Vec<&str> = line.split(',').collect();
        let ([id, _, digest, onset, offered, good, bound], rest) = fields.split_first_chunk()?;
        let (curve, values) = rest.split_last()?;
        if values.len() != self.0.len() {
            return None;
        }
        let pair = |text: &str| {
            let (n, good) = text.split_once(' ')?;
            Some((n.parse().ok()?, good.parse().ok()?))
        };
        let row = RunRow {
            digest: u64::from_str_radix(digest, 16).ok()?,
            onset_s: onset.parse().ok()?,
            offered: offered.parse().ok()?,
            good: good.parse().ok()?,
            bound: if bound.is_empty() { None } else { Some(bound.parse().ok()?) },
            values: values.iter().map(|value| read_value(value)).collect::<Option<_>>()?,
            curve: curve
                .split(';')
                .filter(|pair| !pair.is_empty())
                .map(pair)
                .collect::<Option<_>>()?,
        };
        Some((UnitId::parse(id)?, row))
    }
}

/// An open journal. It is locked until it is dropped or removed.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    columns: Columns,
    /// Bytes of whole lines.
    length: u64,
}

impl Journal {
    /// Opens a journal, made if need be, and gives the units that it has. One with other metrics is begun anew;
    /// what a kill or a full disk cut short is dropped.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if somebody else has it open, [`StoreError::Write`].
    pub fn open(
        path: &Path,
        columns: Columns,
    ) -> Result<(Self, BTreeMap<UnitId, RunRow>), StoreError> {
        let failed = |source| StoreError::Write { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Busy { path: path.to_owned() },
            TryLockError::Error(source) => failed(source),
        })?;
        let Lines { rows, length } = lines(&file, &columns).map_err(failed)?;
        file.set_len(length).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file, columns, length };
        if length == 0 {
            journal.append(&journal.columns.head())?;
        }
        Ok((journal, rows))
    }

    /// Adds a unit. Once it returns, a kill does not lose it.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the journal is as it was then.
    pub fn add(&mut self, id: UnitId, what: &str, row: &RunRow) -> Result<(), StoreError> {
        self.append(&self.columns.line(id, what, row))
    }

    fn append(&mut self, text: &str) -> Result<(), StoreError> {
        let wrote = self.file.write_all(text.as_bytes());
        if wrote.is_ok() {
            self.length += text.len() as u64;
        } else {
            // Half a line must not become the beginning of the next; the first error is the one to tell.
            let _ = self.file.set_len(self.length);
        }
        wrote.map_err(|source| StoreError::Write { path: self.path.clone(), source })
    }

    /// Ends it: what it was for is complete.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn remove(self) -> Result<(), StoreError> {
        super::store::remove(&self.path)
    }
}

/// Reads a journal that somebody else may hold: the units in it, in the order of its lines.
///
/// # Errors
/// [`StoreError::Read`].
pub fn read(path: &Path, columns: &Columns) -> Result<Vec<(UnitId, RunRow)>, StoreError> {
    let failed = |source| StoreError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut rows = Vec::new();
    each(&file, columns, |id, row| rows.push((id, row))).map_err(failed)?;
    Ok(rows)
}

struct Lines {
    rows: BTreeMap<UnitId, RunRow>,
    length: u64,
}

fn lines(file: &File, columns: &Columns) -> io::Result<Lines> {
    let mut rows = BTreeMap::new();
    let length = each(file, columns, |id, row| {
        rows.insert(id, row);
    })?;
    Ok(Lines { rows, length })
}

/// Calls `with` for each unit up to the first line that is not whole; gives the length of all before it, 0 if
/// the head is not that of these columns.
fn each(file: &File, columns: &Columns, mut with: impl FnMut(UnitId, RunRow)) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        let whole = str::from_utf8(&line).ok().filter(|line| line.ends_with('\n'));
        let Some(text) = whole else { return Ok(length) };
        if length == 0 {
            if text != columns.head() {
                return Ok(0);
            }
        } else {
            let Some((id, row)) = columns.parse(text) else { return Ok(length) };
            with(id, row);
        }
        length += line.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Value;

    fn columns() -> Columns {
        Columns::new(["a", "b", "c"])
    }

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
        let (mut journal, rows) = Journal::open(&path, columns()).unwrap();
        assert!(rows.is_empty());
        journal.add(UnitId(7), "p{x=1,y=2} 1/2", &row(90)).unwrap();
        journal
            .add(UnitId(1), "second", &RunRow { bound: None, curve: vec![], ..row(91) })
            .unwrap();
        drop(journal);
        let whole = fs::read_to_string(&path).unwrap();
        let last = whole.lines().last().unwrap();
        // Cut short anywhere, or with one letter wrong: the line is not there.
        for (cut, damage) in [(3, "feed"), (last.len() - 1, ""), (last.len(), ""), (0, "\u{0}\n")] {
            fs::write(&path, format!("{whole}{}{damage}", &last[..cut])).unwrap();
            let (_, rows) = Journal::open(&path, columns()).unwrap();
            let second = RunRow { bound: None, curve: vec![], ..row(91) };
            assert_eq!(rows, BTreeMap::from([(UnitId(7), row(90)), (UnitId(1), second)]));
            assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        }
        fs::write(&path, whole.replace(",100,90,", ",100,91,")).unwrap();
        assert!(Journal::open(&path, columns()).unwrap().1.is_empty(), "a changed count is seen");
        fs::write(&path, &whole).unwrap();
        let other = Columns::new(["a", "b"]);
        assert!(Journal::open(&path, other).unwrap().1.is_empty(), "other metrics");
    }

    #[test]
    fn a_folder_has_one_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.csv");
        let (journal, _) = Journal::open(&path, columns()).unwrap();
        assert!(matches!(Journal::open(&path, columns()), Err(StoreError::Busy { .. })));
        drop(journal);
        assert!(Journal::open(&path, columns()).is_ok());
    }

    #[test]
    fn ids_read_back() {
        assert_eq!(UnitId::parse(&UnitId(0xab).to_string()), Some(UnitId(0xab)));
        assert_eq!(UnitId::parse("ab"), None);
        assert_eq!(UnitId::parse("+0000000000000ab"), None);
    }
}
