//! What a scenario's author reads when something is wrong: what, where, what would be right.

use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

use super::at::At;

/// A scenario that cannot be used. Its `Display` is the message alone; printed as a [`miette`]
/// report it shows file, line, column and the underlined value as well.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
pub struct ScenarioError {
    message: String,
    expected: String,
    #[help]
    help: Option<String>,
    #[source_code]
    text: Option<Arc<NamedSource<String>>>,
    #[label("{expected}")]
    span: Option<SourceSpan>,
}

impl ScenarioError {
    /// What is wrong, naming the key.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was expected, with an example; stands under the underlined value.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Line and column, both from 1, in characters; `None` where there is no text, such as a
    /// missing file.
    pub fn line_column(&self) -> Option<(usize, usize)> {
        let (text, span) = (self.text.as_ref()?, self.span?);
        let before = text.inner().get(..span.offset())?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }

    /// An error without a place: the file itself, or a `--set`.
    pub(crate) fn bare(message: String, help: Option<String>) -> Self {
        Self { message, expected: String::new(), help, text: None, span: None }
    }

    /// Ties a problem to the text it was found in.
    pub(crate) fn new(problem: Problem, name: &str, text: &str) -> Self {
        let Problem { at, span, message, expected, help } = problem;
        let span = span.unwrap_or_else(|| at.find(text));
        Self {
            message,
            expected: expected.unwrap_or_else(|| "here".to_owned()),
            help,
            text: Some(Arc::new(NamedSource::new(name, text.to_owned()).with_language("TOML"))),
            span: Some(SourceSpan::from((span.start, span.len()))),
        }
    }
}

/// What is wrong with which key; becomes a [`ScenarioError`] once the text is at hand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    at: At,
    /// Where the parser says it is, which beats looking the keys up.
    span: Option<Range<usize>>,
    message: String,
    expected: Option<String>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(at: At, message: impl Into<String>) -> Self {
        Self { at, span: None, message: message.into(), expected: None, help: None }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn spanning(mut self, span: Option<Range<usize>>) -> Self {
        self.span = span;
        self
    }

    /// The keys it is about.
    pub(crate) fn at(&self) -> &At {
        &self.at
    }

    /// Adds a sentence to the help.
    pub(crate) fn also(mut self, more: &str) -> Self {
        self.help = Some(match self.help {
            Some(help) => format!("{help}\n{more}"),
            None => more.to_owned(),
        });
        self
    }
}
