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
    /// No rows.
    #[error("{}: has no rows", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}
