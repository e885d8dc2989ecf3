//! TOML text to file types, with errors that say where, what was expected, and what is near it.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml_edit::Document;
use toml_edit::de::Deserializer;

use super::at::{At, first_line};
use super::error::Problem;
use super::suggest;

/// Reads `text` as a `T`.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let document = Document::parse(text).map_err(|error| syntax(&error))?;
    serde_path_to_error::deserialize(Deserializer::from(document)).map_err(|error| {
        let at = keys(error.path());
        let inner = error.into_inner();
        let span = inner.span().map(|span| first_line(text, span));
        explain(at, inner.message()).spanning(span)
    })
}

/// A problem with the TOML itself.
pub(crate) fn syntax(error: &toml_edit::TomlError) -> Problem {
    let mut lines = error.message().lines();
    let message = lines.next().unwrap_or("not TOML").to_owned();
    let help: Vec<_> = lines.collect();
    let problem = Problem::new(At::top(), format!("not TOML: {message}")).spanning(error.span());
    if help.is_empty() { problem } else { problem.help(help.join(" ")) }
}

fn keys(path: &serde_path_to_error::Path) -> At {
    let key = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    At::from_keys(path.iter().filter_map(key).collect())
}

/// Puts serde's words into ours. Its messages are stable enough to take apart, and where one is not
/// recognised it is shown as it is.
fn explain(at: At, message: &str) -> Problem {
    let here = if at == At::top() { String::new() } else { format!("`{at}`: ") };
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (wrong, known) = names(rest);
        let table = at.above();
        let here = if table == At::top() { String::new() } else { format!("`{table}`: ") };
        return Problem::new(at, format!("{here}unknown key `{wrong}`"))
            .expected("not a key here")
            .help(suggest::help(wrong, &known));
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let (wrong, known) = names(rest);
        return Problem::new(at, format!("{here}unknown word `{wrong}`"))
            .expected(format!("expected a word such as \"{}\"", known.first().unwrap_or(&"?")))
            .help(suggest::help(wrong, &known));
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return Problem::new(at, format!("{here}{field} is missing"))
            .expected(format!("{field} belongs in here"));
    }
    let found = message.strip_prefix("invalid value: ").or(message.strip_prefix("invalid type: "));
    if let Some((found, expected)) = found.and_then(|found| found.split_once(", expected ")) {
        return Problem::new(at, format!("{here}cannot be {}", found.replace('`', "")))
            .expected(format!("expected {expected}"));
    }
    Problem::new(at, format!("{here}{message}"))
}

/// The wrong name and the known ones of "`a`, expected one of `b`, `c`".
fn names(text: &str) -> (&str, Vec<&str>) {
    let mut quoted = text.split('`').skip(1).step_by(2);
    (quoted.next().unwrap_or_default(), quoted.collect())
}
