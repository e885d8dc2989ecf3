//! Small Parquet files, written with the crate that reads them.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::trace::{Census, Choice, Hide, Source, TraceError, load};

const SCHEMA: &str = "message log {
    REQUIRED INT64 startTime (TIMESTAMP(MILLIS,true));
    REQUIRED INT64 prompt_tokens;
    OPTIONAL INT64 completion_tokens;
    REQUIRED BYTE_ARRAY model (UTF8);
    REQUIRED DOUBLE spend;
    REQUIRED BYTE_ARRAY messages (UTF8);
}";

/// A thousand rows, one every 100 ms from 2025-06-03 on; every tenth has no answer. `messages` is text that nobody reads.
fn write(path: &Path, schema: &str) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = File::create(path).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
    let mut rows = writer.next_row_group().unwrap();
    let n = 1_000i64;
    whole(&mut rows, &(0..n).map(|i| 1_748_908_800_000 + i * 100).collect::<Vec<_>>(), None);
    whole(&mut rows, &(0..n).map(|i| 500 + i).collect::<Vec<_>>(), None);
    let answered: Vec<i16> = (0..n).map(|i| i16::from(i % 10 > 0)).collect();
    let outputs: Vec<i64> = (0..n).filter(|i| i % 10 > 0).map(|i| 20 + i % 7).collect();
    whole(&mut rows, &outputs, Some(&answered));
    texts(&mut rows, &(0..n).map(|i| format!("model-{}", i % 2)).collect::<Vec<_>>());
    let mut spend = rows.next_column().unwrap().unwrap();
    spend.typed::<DoubleType>().write_batch(&[0.001; 1_000], None, None).unwrap();
    spend.close().unwrap();
    texts(&mut rows, &["my diagnosis is SECRET"; 1_000]);
    rows.close().unwrap();
    writer.close().unwrap();
}

fn whole(rows: &mut SerializedRowGroupWriter<'_, File>, values: &[i64], there: Option<&[i16]>) {
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(values, there, None).unwrap();
    column.close().unwrap();
}

fn texts(rows: &mut SerializedRowGroupWriter<'_, File>, values: &[impl AsRef<str>]) {
    let values: Vec<ByteArray> = values.iter().map(|text| text.as_ref().into()).collect();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
}

fn file() -> tempfile::TempPath {
    tempfile::NamedTempFile::new().unwrap().into_temp_path()
}

#[test]
fn a_parquet_export_of_a_spend_log_is_recognised_counted_and_replayed() {
    let path = file();
    write(&path, SCHEMA);
    let source = Source::open(&path, &Choice::Recognise).unwrap();
    assert_eq!(source.format().name(), "litellm");
    let census = Census::of(&source, &Hide::Nothing).unwrap();
    assert_eq!((census.tally.entries, census.span.as_secs_f64()), (1_000, 99.9));
    assert_eq!(census.cost, 1_000_000_000);
    assert_eq!(census.models.names, 2);
    let prompts = census.quantiles.iter().find(|of| of.name == "prompt tokens").unwrap();
    assert!((prompts.mean - 999.5).abs() < 1.0, "{}", prompts.mean);
    let (facts, rows, _) = load(&source).unwrap();
    assert_eq!((facts.rows, (rows.0)().count()), (1_000, 1_000));
    assert_eq!(
        (rows.0)().nth(3).map(|row| (row.at.0, row.prompt, row.output)),
        Some((300_000_000, 503, 23))
    );
}

#[test]
fn columns_are_found_by_a_map_and_a_missing_one_is_named() {
    let path = file();
    write(&path, &SCHEMA.replace("startTime", "ts").replace("prompt_tokens", "read_in"));
    let map = |text: &str| Source::open(&path, &Choice::Map(text.into()));
    let census = Census::of(&map("time=ts,prompt=read_in").unwrap(), &Hide::Nothing).unwrap();
    assert_eq!(census.tally.entries, 1_000);
    let missing = map("time=when,prompt=there").and_then(|source| source.each(|_| {}).map(|_| ()));
    let said = missing.unwrap_err().to_string();
    assert!(said.contains("no column `when`") && said.contains("ts,read_in"), "{said}");
}

#[test]
fn a_parquet_file_cut_or_changed_anywhere_gives_entries_or_one_error_that_quotes_nothing() {
    let path = file();
    write(&path, SCHEMA);
    let whole = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| -> Result<u64, TraceError> {
        std::fs::write(&path, bytes).unwrap();
        let source = Source::open(&path, &Choice::Recognise)?;
        source.each(|_| {}).map(|tally| tally.entries)
    };
    for cut in (4..whole.len()).step_by(whole.len() / 60) {
        let said = read(&whole[..cut]).unwrap_err().to_string();
        assert!(said.contains("Parquet file") && !said.contains("SECRET"), "{said}");
    }
    for at in (4..whole.len()).step_by(whole.len() / 120) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        match read(&changed) {
            Ok(entries) => assert!(entries <= 1_000),
            Err(error) => assert!(!error.to_string().contains("SECRET"), "{error}"),
        }
    }
}
