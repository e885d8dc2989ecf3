//! Where in a scenario something is said: the keys from the top down to a value, and its place in
//! the text.
//!
//! Validation speaks in keys (`fault.0.lasts`, the words of `--set`); only the very end turns keys
//! into a line and a column, so no conversion carries spans around.

use std::fmt;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

/// A path of keys; elements of lists are numbered from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct At(Vec<String>);

impl At {
    /// The whole file.
    pub(crate) fn top() -> Self {
        Self::default()
    }

    /// A path from its keys.
    pub(crate) fn from_keys(keys: Vec<String>) -> Self {
        Self(keys)
    }

    /// The value of `key` here.
    pub(crate) fn key(&self, key: &str) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_owned());
        Self(keys)
    }

    /// The `index`-th element here.
    pub(crate) fn item(&self, index: usize) -> Self {
        self.key(&index.to_string())
    }

    /// The table or list that this is in.
    pub(crate) fn above(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// Bytes of `text` that a reader should look at: the value, or the key where the value is a
    /// table, or the nearest thing above it that exists.
    pub(crate) fn find(&self, text: &str) -> Range<usize> {
        let Ok(document) = Document::parse(text) else { return 0..0 };
        let mut item = document.as_item();
        let mut best = 0..0;
        for key in &self.0 {
            let Some((next, span)) = step(item, key) else { break };
            best = span.unwrap_or(best);
            item = next;
        }
        first_line(text, best)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One key further down, and where it stands.
fn step<'a>(item: &'a Item, key: &str) -> Option<(&'a Item, Option<Range<usize>>)> {
    if let Some(table) = item.as_table_like() {
        let next = table.get(key)?;
        let is_table = next.is_table() || next.is_array_of_tables();
        let span = if is_table { key_span(table, key) } else { next.span() };
        return Some((next, span));
    }
    let next = item.get(key.parse::<usize>().ok()?)?;
    Some((next, next.span()))
}

fn key_span(table: &dyn TableLike, key: &str) -> Option<Range<usize>> {
    table.get_key_value(key).and_then(|(key, item)| key.span().or_else(|| item.span()))
}

/// A table spans many lines; underlining its first is enough.
pub(crate) fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let end = text[span.start..].find('\n').map_or(text.len(), |length| span.start + length);
    span.start..span.end.min(end).max(span.start)
}
