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
    /// Line and column; narrow, for errors are returned by value.
    place: Option<(u32, u32)>,
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
        self.place.map(|(line, column)| (line as usize, column as usize))
    }

    /// An error without a place: the file itself, or a `--set`.
    pub(crate) fn bare(message: String, help: Option<String>) -> Self {
        Self { message, expected: String::new(), help, text: None, span: None, place: None }
    }

    /// Ties a problem to the text it was found in.
    pub(crate) fn new(problem: Problem, name: &str, text: &str) -> Self {
        let Problem { at, span, inside, message, expected, help } = problem;
        let span = span.unwrap_or_else(|| at.find(text));
        let span = inside.map_or(span.clone(), |inside| character(text, span, inside));
        let (line, column) = place(text, span.start);
        let place = Some((line as u32, column as u32));
        let expected = expected.map_or_else(|| "here".to_owned(), String::from);
        if !is_readable(text, line) {
            let message = format!("{name}:{line}:{column}: {message}");
            let help = [Some(expected.clone()).filter(|expected| expected != "here"), help];
            let help = help.into_iter().flatten().reduce(|a, b| format!("{a}\n{b}"));
            return Self { message, expected, help, text: None, span: None, place };
        }
        Self {
            message: message.into(),
            expected,
            help,
            text: Some(Arc::new(NamedSource::new(name, text.to_owned()).with_language("TOML"))),
            span: Some(SourceSpan::from((span.start, span.len()))),
            place,
        }
    }
}

/// Line and column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The word that begins so many characters into the string whose TOML begins at a span; the span where there is none.
fn character(text: &str, span: Range<usize>, inside: usize) -> Range<usize> {
    let literal = &text[span.start..];
    let Some(quote) = literal.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return span;
    };
    let long = [quote; 3].iter().collect::<String>();
    let is_long = literal.starts_with(&long);
    let mut at = span.start + if is_long { 3 } else { 1 };
    // A line break right after the opening quotes is not part of the string.
    if is_long && text[at..].starts_with('\n') {
        at += 1;
    }
    for _ in 0..inside {
        let mut rest = text[at..].chars();
        let Some(c) = rest.next() else { return span };
        at += match (c, rest.next()) {
            ('\\', Some('u')) if quote == '"' => 6,
            ('\\', Some('U')) if quote == '"' => 10,
            ('\\', Some(_)) if quote == '"' => 2,
            _ => c.len_utf8(),
        };
    }
    let Some(rest) = text.get(at..) else { return span };
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    at..at + word.max(usize::from(!rest.is_empty() && rest.is_char_boundary(1)))
}

/// Bytes of a line beyond which showing it would hide the message (our choice).
const LINE_MAX: usize = 400;

/// Whether the lines that would be shown around this one are lines that a person wrote.
fn is_readable(text: &str, line: usize) -> bool {
    let mut around = text.lines().skip(line.saturating_sub(2)).take(3);
    around.all(|line| line.len() <= LINE_MAX)
}

/// What is wrong with which key; becomes a [`ScenarioError`] once the text is at hand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    at: At,
    /// Where the parser says it is, which beats looking the keys up.
    span: Option<Range<usize>>,
    /// How many characters into a string it is.
    inside: Option<usize>,
    message: Box<str>,
    expected: Option<Box<str>>,
    help: Option<String>,
}

impl Problem {
    pub(crate) fn new(at: At, message: impl Into<String>) -> Self {
        let message = message.into().into_boxed_str();
        Self { at, span: None, inside: None, message, expected: None, help: None }
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into().into_boxed_str());
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

    /// It is so many characters into the string that the keys lead to.
    pub(crate) fn inside(mut self, characters: Option<usize>) -> Self {
        self.inside = characters;
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
