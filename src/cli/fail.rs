//! A failure on its way to the user: what happened, what to do about it, and how to see it again.

use std::fmt::Display;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::exit::Exit;
use super::style;

/// A failure.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    text: String,
    reproduce: Option<String>,
}

impl Failure {
    /// A failure in one sentence.
    pub(super) fn new(exit: Exit, what: impl Display) -> Self {
        Self { exit, text: format!("error: {what}"), reproduce: None }
    }

    /// A failure that points into a file.
    pub(super) fn pointing(exit: Exit, diagnostic: &dyn Diagnostic) -> Self {
        let theme =
            if style::plain_stderr() { GraphicalTheme::none() } else { GraphicalTheme::unicode() };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme).with_width(style::width());
        if handler.render_report(&mut text, diagnostic).is_err() {
            text = format!("error: {diagnostic}");
        }
        Self { exit, text: text.trim_end().to_owned(), reproduce: None }
    }

    /// With the line that reproduces it.
    #[must_use]
    pub(super) fn reproduce(mut self, line: String) -> Self {
        self.reproduce = Some(line);
        self
    }

    /// Prints it to stderr.
    pub(super) fn print(&self) {
        style::note(&self.text);
        if let Some(line) = &self.reproduce {
            style::note(&format!("reproduce: {line}"));
        }
    }
}

/// A word as a shell takes it.
pub(super) fn quote(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,%".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
