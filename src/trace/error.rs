//! What can be wrong with a trace, said so that it can be mended.

use std::path::PathBuf;

use thiserror::Error;

use crate::engine::Span;

use super::format::TraceFormat;

/// Why a trace was not accepted.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The format's name is not known.
    #[error(
        "unknown trace format `{found}`: expected azure, mooncake, burstgpt, litellm, otel or kong"
    )]
    UnknownFormat {
        /// What was given.
        found: String,
    },
    /// No format that we know has such rows.
    #[error(
        "{}: not recognised as a request log; it has {names}. Say what they mean, e.g. \
         `--map {example}`",
        file.display()
    )]
    Unrecognised {
        /// The file.
        file: PathBuf,
        /// The columns or keys that it has.
        names: String,
        /// A map to start from.
        example: String,
    },
    /// The format says nothing of what prompts have in common.
    #[error("{}: is read as {format}, which says nothing of what prompts have in common", file.display())]
    NoBlocks {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: TraceFormat,
    },
    /// A column map is not one.
    #[error(
        "column map: {why}; expected e.g. `time=created_at,prompt=usage.prompt_tokens,\
         output=usage.completion_tokens,ttft=first_token_ms@ms` with fields time, tenant, model, \
         prompt, output, max_tokens, cached, ttft, first_token, duration, end, status, error, \
         deployment, cost, id"
    )]
    Map {
        /// What is wrong.
        why: String,
    },
    /// Too many rows cannot be read.
    #[error(
        "{}: {bad} of {rows} rows cannot be read, more than {allowed:.2} %; the first: {first}",
        file.display()
    )]
    TooManyUnreadable {
        /// The file.
        file: PathBuf,
        /// Rows that cannot be read.
        bad: u64,
        /// All rows.
        rows: u64,
        /// Share that is let pass, in percent.
        allowed: f64,
        /// What is wrong with the first.
        first: String,
    },
    /// Rows out of order are sorted in memory; these are too many.
    #[error(
        "{}: {rows} rows are not in order of time, too many to sort in memory: sort the file by \
         its stamps",
        file.display()
    )]
    TooManyToSort {
        /// The file.
        file: PathBuf,
        /// Its rows.
        rows: u64,
    },
    /// The file needs a feature that this program was built without.
    #[error("{}: is Parquet; build windtunnel with `--features parquet` to read it", file.display())]
    NoParquet {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is packed, or in no encoding that logs have.
    #[error("{}: is {what}: {remedy} first", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// The first row of a table is no header; it is not shown, for it may be part of a prompt.
    #[error(
        "{}:1: no header row: its first row does not look like names of columns (and is not shown: it may be \
         somebody's text). Put a line of names first, such as `time,prompt_tokens,completion_tokens`, and say \
         what they mean with `--map time=time,prompt=prompt_tokens,output=completion_tokens`",
        file.display()
    )]
    NoHeader {
        /// The file.
        file: PathBuf,
    },
    /// The header lacks a column.
    #[error("{}:1: no column `{column}`; the header is `{header}`", file.display())]
    MissingColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
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
        column: String,
        /// What belongs there.
        expected: &'static str,
        /// A correct field.
        example: &'static str,
        /// The field as it is.
        found: String,
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
    /// No rows.
    #[error("{}: has no rows: it needs at least one request", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}
