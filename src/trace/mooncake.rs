//! Mooncake traces (kvcache-ai, FAST'25): one JSON object a line. The hashes of prefix blocks are
//! not read.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Stamped, TraceError};

const MILLISECOND: u64 = 1_000_000;

/// What is read of a line.
#[derive(Deserialize)]
struct Record {
    /// Milliseconds since the start of the trace.
    timestamp: u64,
    input_length: u32,
    output_length: u32,
}

/// The rows of a file.
pub(super) struct Lines {
    file: PathBuf,
    reader: BufReader<File>,
    text: String,
    line: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, TraceError> {
        let file = path.to_path_buf();
        match File::open(path) {
            Ok(open) => {
                Ok(Self { file, reader: BufReader::new(open), text: String::new(), line: 0 })
            }
            Err(source) => Err(TraceError::Unreadable { file, source }),
        }
    }

    fn row(&self) -> Result<Stamped, TraceError> {
        let record: Record = serde_json::from_str(&self.text).map_err(|error| {
            // The reader names the position within the line by itself.
            let why = error.to_string();
            let why = why.split(" at line").next().unwrap_or(&why);
            TraceError::Malformed {
                file: self.file.clone(),
                line: self.line,
                column: column(why),
                expected: "an object with timestamp (ms), input_length and output_length",
                example: r#"{"timestamp": 3000, "input_length": 6758, "output_length": 500}"#,
                found: format!("{why} (character {})", error.column()),
            }
        })?;
        Ok(Stamped {
            line: self.line,
            at: record.timestamp.saturating_mul(MILLISECOND),
            prompt: record.input_length.max(1),
            output: record.output_length.max(1),
        })
    }
}

/// The key that the reader's message is about, where it names one.
fn column(why: &str) -> &'static str {
    ["timestamp", "input_length", "output_length"]
        .into_iter()
        .find(|key| why.contains(key))
        .unwrap_or("line")
}

impl Iterator for Lines {
    type Item = Result<Stamped, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.text.clear();
            self.line += 1;
            match self.reader.read_line(&mut self.text) {
                Ok(0) => return None,
                Ok(_) if self.text.trim().is_empty() => {}
                Ok(_) => return Some(self.row()),
                Err(source) => {
                    let file = self.file.clone();
                    return Some(Err(TraceError::Unreadable { file, source }));
                }
            }
        }
    }
}
