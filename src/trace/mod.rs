//! Request traces: three public formats as streams of rows, what a trace looks like, and making
//! one.
//!
//! A trace is read as a stream, so a file of any length fits. [`check`] reads it once and says what
//! is wrong with it, by line and column; [`rows`] then opens it as often as a replay needs.

mod azure;
mod burstgpt;
mod dispersion;
mod error;
mod mooncake;
mod stamp;
mod synth;
mod table;

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use crate::engine::Span;
use crate::sim::spec::{Row, Rows, TraceFacts};

pub use dispersion::{Dispersion, Spread, dispersion, replayed};
pub use error::TraceError;
pub use synth::{Synthetic, synth};

use table::Table;

/// A public trace format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// Azure LLM inference traces of 2023 and 2024: `TIMESTAMP,ContextTokens,GeneratedTokens`.
    Azure,
    /// Mooncake FAST'25 traces: one JSON object a line with `timestamp` (ms), `input_length`,
    /// `output_length`. Stamps come in steps of 3 s: replay them with a spread of 3 s.
    Mooncake,
    /// BurstGPT: `Timestamp` (s), `Request tokens`, `Response tokens` among other columns. Failed
    /// requests have no response tokens; they count as requests for one token, for the client did
    /// ask.
    BurstGpt,
}

impl TraceFormat {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Azure, Self::Mooncake, Self::BurstGpt];

    /// Name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Mooncake => "mooncake",
            Self::BurstGpt => "burstgpt",
        }
    }
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TraceFormat {
    type Err = TraceError;

    fn from_str(text: &str) -> Result<Self, TraceError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| TraceError::UnknownFormat { found: text.into() })
    }
}

/// A row as its file has it.
struct Stamped {
    line: u64,
    /// Nanoseconds since an origin of the format's own.
    at: u64,
    prompt: u32,
    output: u32,
}

/// Reads a whole trace once.
///
/// # Errors The first thing that is wrong with it: unreadable, a missing column, a field that is
/// not what it should be, a stamp before the one above it, no rows at all.
pub fn check(path: &Path, format: TraceFormat) -> Result<TraceFacts, TraceError> {
    let (mut rows, mut last, mut prompts, mut outputs) = (0u64, Span::ZERO, 0u64, 0u64);
    for row in open(path, format)? {
        let row = row?;
        rows += 1;
        last = row.at;
        prompts += u64::from(row.prompt);
        outputs += u64::from(row.output);
    }
    if rows == 0 {
        return Err(TraceError::Empty { file: path.into() });
    }
    Ok(TraceFacts {
        rows,
        span: last,
        prompt_mean: prompts as f64 / rows as f64,
        output_mean: outputs as f64 / rows as f64,
    })
}

/// The rows of a trace that [`check`] has accepted.
///
/// Opening or reading panics if the file has been changed since, rather than replay half of it.
pub fn rows(path: &Path, format: TraceFormat) -> Rows {
    const CHANGED: &str = "the trace was checked before, and must not change while it is replayed";
    let path = path.to_path_buf();
    Rows(Arc::new(move || {
        let rows = open(&path, format).expect(CHANGED);
        Box::new(rows.map(|row| row.expect(CHANGED)))
    }))
}

/// The longest trace, as the longest run: a year.
const SPAN_MAX: Span = Span::from_secs(366 * 86_400);
/// Tokens of one prompt or answer. Context windows end at about ten million (2025); more is a column
/// of something else (our choice).
const TOKENS_MAX: u32 = 100_000_000;

type Records<T> = Box<dyn Iterator<Item = Result<T, TraceError>> + Send>;

/// The rows with stamps after the first one, which must not fall.
fn open(path: &Path, format: TraceFormat) -> Result<Records<Row>, TraceError> {
    let records: Records<Stamped> = match format {
        TraceFormat::Azure => Box::new(Table::open(path, &azure::COLUMNS)?),
        TraceFormat::BurstGpt => Box::new(Table::open(path, &burstgpt::COLUMNS)?),
        TraceFormat::Mooncake => Box::new(mooncake::Lines::open(path)?),
    };
    let file = path.to_path_buf();
    let mut range: Option<(u64, u64)> = None;
    Ok(Box::new(records.map(move |record| {
        let Stamped { line, at, prompt, output } = record?;
        let (first, last) = range.unwrap_or((at, at));
        let file = || file.clone();
        if at < last {
            return Err(TraceError::OutOfOrder { file: file(), line, back: Span(last - at) });
        }
        if Span(at - first) > SPAN_MAX {
            return Err(TraceError::TooLong { file: file(), line, span: Span(at - first) });
        }
        if prompt.max(output) > TOKENS_MAX {
            return Err(TraceError::TooManyTokens {
                file: file(),
                line,
                tokens: prompt.max(output),
            });
        }
        range = Some((first, at));
        Ok(Row { at: Span(at - first), prompt, output })
    })))
}

#[cfg(test)]
mod tests;
