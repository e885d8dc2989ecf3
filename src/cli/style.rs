//! What the terminal can do, and the two streams: data on stdout, everything else on stderr.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere else")]

use std::io::{IsTerminal, Write, stderr, stdout};

use crate::report::spark::ascii;

/// Whether stderr wants no colour: not a terminal, or `NO_COLOR` is set.
pub(super) fn plain_stderr() -> bool {
    !stderr().is_terminal() || no_colour()
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

/// Tables, to stdout: on a terminal that takes colour, headings are bold and warnings yellow. Neither says
/// anything that the words do not say. A terminal whose locale is not UTF-8 gets ASCII.
pub(super) fn tables(text: &str) {
    let terminal = stdout().is_terminal();
    let text = if terminal && !unicode() { ascii(text) } else { text.to_owned() };
    data(&if terminal && !no_colour() { painted(&text) } else { text });
}

/// Whether the locale, where one is set, is of UTF-8.
fn unicode() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

fn painted(text: &str) -> String {
    let mut painted = String::with_capacity(text.len() + 64);
    let (mut first, mut warning) = (true, false);
    for line in text.lines() {
        warning = line.starts_with("warning: ") || (warning && !line.is_empty());
        let code = if warning { "33" } else { "1" };
        match (warning || first) && !line.is_empty() {
            true => painted.push_str(&format!("\x1b[{code}m{line}\x1b[0m\n")),
            false => painted.push_str(&format!("{line}\n")),
        }
        first = line.is_empty();
    }
    painted
}

fn no_colour() -> bool {
    std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty())
}

/// Data, to stdout. A reader who has gone away is not an error.
pub(super) fn data(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paint_adds_to_the_words_and_takes_nothing_away() {
        let text = "head\nwarning: a\nb\n\nrequests 1\n  2\n";
        let painted = painted(text);
        assert!(painted.contains("\x1b[1mrequests 1\x1b[0m\n  2\n"), "{painted}");
        assert!(painted.contains("\x1b[33mb\x1b[0m\n"));
        let bare: String = ["\x1b[1m", "\x1b[33m", "\x1b[0m"]
            .iter()
            .fold(painted, |text, code| text.replace(code, ""));
        assert_eq!(bare, text);
    }
}
