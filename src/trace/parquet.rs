//! Logs in Parquet files: only the columns that a map names are read from the disk.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field as Cell, Row};
use parquet::schema::types::Type;

use super::bad::BadRow;
use super::error::TraceError;
use super::meaning::Map;
use super::pick::Tree;
use super::slot::Slot;

/// The rows of a file.
pub(super) struct Parquet {
    file: PathBuf,
    rows: RowIter<'static>,
    tree: Tree,
    row: u64,
}

impl Parquet {
    pub(super) fn open(path: &Path, map: &Map) -> Result<Self, TraceError> {
        let file = path.to_path_buf();
        let unreadable = |source| TraceError::Unreadable { file: file.clone(), source };
        let opened = File::open(path).map_err(unreadable)?;
        let reader = SerializedFileReader::new(opened).map_err(|error| broken(&file, &error))?;
        let paths = map.places.iter().enumerate().map(|(at, place)| (at, place.path.as_str()));
        let tree = Tree::new(paths);
        let schema = reader.metadata().file_metadata().schema();
        let fields: Vec<_> =
            schema.get_fields().iter().filter(|field| tree.walk(field.name()).is_some()).collect();
        let fields: Vec<Arc<Type>> = fields.into_iter().cloned().collect();
        if fields.is_empty() {
            let header: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
            let column = map.places.first().map_or_else(String::new, |place| place.path.clone());
            return Err(TraceError::MissingColumn { file, column, header: header.join(",") });
        }
        let wanted = Type::group_type_builder(schema.name()).with_fields(fields).build();
        let wanted = wanted.map_err(|error| broken(&file, &error))?;
        let rows = RowIter::from_file_into(Box::new(reader)).project(Some(wanted));
        let rows = rows.map_err(|error| broken(&file, &error))?;
        Ok(Self { file, rows, tree, row: 0 })
    }

    /// Reads a row into slots; gives its number, `None` at the end.
    pub(super) fn next(
        &mut self,
        slots: &mut [Slot],
    ) -> Result<Option<Result<u64, BadRow>>, TraceError> {
        self.row += 1;
        match self.rows.next() {
            None => Ok(None),
            Some(Ok(row)) => {
                fill(&row, &self.tree, slots);
                Ok(Some(Ok(self.row)))
            }
            Some(Err(error)) => Err(broken(&self.file, &error)),
        }
    }
}

/// The reader's own words may quote what it read: only the kind of the error is said.
fn broken(file: &Path, error: &ParquetError) -> TraceError {
    let what = match error {
        ParquetError::EOF(_) => "the Parquet file ends too early",
        ParquetError::NYI(_) => {
            "the Parquet file uses what is not supported (compression other than Snappy?)"
        }
        _ => "the Parquet file is broken",
    };
    TraceError::Unreadable { file: file.into(), source: std::io::Error::other(what) }
}

fn fill(row: &Row, tree: &Tree, slots: &mut [Slot]) {
    for (name, cell) in row.get_column_iter() {
        let Some(node) = tree.walk(name) else { continue };
        if let Cell::Group(inner) = cell {
            fill(inner, node, slots);
            continue;
        }
        if let Some(slot) = node.slot() {
            put(&mut slots[slot], cell);
        }
    }
}

fn put(slot: &mut Slot, cell: &Cell) {
    let mut whole = |number: i64| match u64::try_from(number) {
        Ok(number) => slot.put_whole(number),
        Err(_) => slot.put_number(number as f64),
    };
    match cell {
        Cell::Bool(truth) => slot.put_truth(*truth),
        Cell::Byte(number) => whole(i64::from(*number)),
        Cell::Short(number) => whole(i64::from(*number)),
        Cell::Int(number) => whole(i64::from(*number)),
        Cell::Long(number) | Cell::TimestampMillis(number) | Cell::TimestampMicros(number) => {
            whole(*number);
        }
        Cell::UByte(number) => whole(i64::from(*number)),
        Cell::UShort(number) => whole(i64::from(*number)),
        Cell::UInt(number) => whole(i64::from(*number)),
        Cell::ULong(number) => slot.put_whole(*number),
        Cell::Float(number) => slot.put_number(f64::from(*number)),
        Cell::Double(number) => slot.put_number(*number),
        Cell::Str(text) => slot.put_text(text),
        _ => {}
    }
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
