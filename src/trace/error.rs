//! What can be wrong with a trace, said so that it can be mended.

use std::path::PathBuf;

use thiserror::Error;

use crate::engine::Span;

/// Why a trace was not accepted.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The format's name is not known.
    #[error("unknown trace format `{found}`: expected azure, mooncake or burstgpt")]
    UnknownFormat {
        /// What was given.
        found: String,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The header lacks a column.
    #[error("{}:1: no column `{column}`; the header is `{header}`", file.display())]
    MissingColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
        /// The header as it is.
        header: String,
    },
    /// A field is not what it should be.
    #[error(
        "{}:{line}: {column}: expected {expected}, e.g. `{example}`, found `{found}`",
        file.display()
    )]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The column or key.
        column: &'static str,
        /// What belongs there.
        expected: &'static str,
        /// A correct field.
        example: &'static str,
        /// The field as it is.
        found: String,
    },
    /// A stamp is before the one above it.
    #[error(
        "{}:{line}: stamp goes back by {back}: rows must be in order of time (sort the file by its \
         stamps)",
        file.display()
    )]
    OutOfOrder {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// How far.
        back: Span,
    },
    /// A stamp is more than a year after the first.
    #[error(
        "{}:{line}: stamp is {} days after the first: a trace is at most a year long",
        file.display(),
        span.0 / 86_400_000_000_000
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// Time since the first stamp.
        span: Span,
    },
    /// More tokens than any model takes.
    #[error(
        "{}:{line}: {tokens} tokens are more than any model takes: is this the right column?",
        file.display()
    )]
    TooManyTokens {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// Of the prompt or of the answer, whichever are more.
        tokens: u32,
    },
    /// No rows.
    #[error("{}: has no rows: it needs at least one request", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}
