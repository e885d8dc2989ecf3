//! What the terminal can do, and the two streams: data on stdout, everything else on stderr.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]

use std::io::{IsTerminal, Write, stderr, stdout};

/// Whether stderr wants no colour: not a terminal, or `NO_COLOR` is set.
pub(super) fn plain_stderr() -> bool {
    !stderr().is_terminal() || std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty())
}

/// Columns of the terminal; 80 where there is none.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.unwrap_or(80).clamp(40, 160)
}

/// Whether progress may be drawn.
pub(super) fn draws_progress() -> bool {
    stderr().is_terminal()
}

/// A remark, to stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}

/// Data, to stdout. A reader who has gone away is not an error.
pub(super) fn data(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
}
