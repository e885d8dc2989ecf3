//! What a scenario is, apart from how it is written: its values in the order of the file, without comments,
//! and without what does not change the world (who routes, what is expected, the seed).
//!
//! A stored result carries it, so that results of two worlds are never compared, and so that it can be said
//! what is different.

use std::fs;
use std::path::Path;

use toml_edit::{Document, Item, Value};

use crate::engine::luck::{mix, name};

use super::Scenario;

/// A scenario's values, one `path = value` a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    lines: Vec<String>,
}

/// Tables and keys that do not change the world.
const APART: [&str; 4] = ["policy", "expect", "check", "seed"];

impl Scenario {
    /// What it is, apart from how it is written.
    pub fn identity(&self) -> Identity {
        let mut lines = Vec::new();
        if let Ok(document) = Document::parse(self.source.as_str()) {
            flatten(document.as_item(), "", &mut lines);
        }
        if let Some(file) = lines.iter().find_map(|line| line.strip_prefix("trace.file = ")) {
            let folder = self.path.parent().unwrap_or(Path::new(""));
            // A file that vanished since it was read is another one.
            let bytes = fs::read(folder.join(file.trim_matches('"'))).unwrap_or_default();
            lines.push(format!("(contents of trace.file) = {:016x}", digest(&bytes)));
        }
        Identity { lines }
    }
}

impl Identity {
    /// From stored lines.
    pub const fn from_lines(lines: Vec<String>) -> Self {
        Self { lines }
    }

    /// One `path = value` a line, in the order of the file.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// A digest of all.
    pub fn digest(&self) -> u64 {
        self.lines.iter().fold(0, |digest, line| mix(digest, name(line)))
    }

    /// What is different now from `then`, in sentences; empty if nothing is.
    pub fn changes(&self, then: &Self) -> Vec<String> {
        let split = |line: &'_ String| {
            let (path, value) = line.split_once(" = ").unwrap_or((line, ""));
            (path.to_owned(), value.to_owned())
        };
        let now: Vec<_> = self.lines.iter().map(split).collect();
        let then: Vec<_> = then.lines.iter().map(split).collect();
        let mut changes = Vec::new();
        for (path, value) in &now {
            match then.iter().find(|(other, _)| other == path) {
                Some((_, other)) if other != value => {
                    changes.push(format!("`{path}` was {other}, is {value}"));
                }
                Some(_) => {}
                None => changes.push(format!("`{path}` is new: {value}")),
            }
        }
        for (path, value) in &then {
            if !now.iter().any(|(other, _)| other == path) {
                changes.push(format!("`{path}` is gone: it was {value}"));
            }
        }
        if changes.is_empty() && now != then {
            changes.push("the order of keys, which is that of routes".to_owned());
        }
        changes
    }
}

fn flatten(item: &Item, path: &str, lines: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if let Some(table) = item.as_table_like() {
        for (key, item) in table.iter() {
            if !(path.is_empty() && APART.contains(&key)) {
                flatten(item, &below(key), lines);
            }
        }
    } else if let Some(tables) = item.as_array_of_tables() {
        for (index, table) in tables.iter().enumerate() {
            flatten(&Item::Table(table.clone()), &below(&index.to_string()), lines);
        }
    } else if let Some(array) = item.as_array() {
        for (index, value) in array.iter().enumerate() {
            flatten(&Item::Value(value.clone()), &below(&index.to_string()), lines);
        }
    } else if let Some(value) = item.as_value() {
        lines.push(format!("{path} = {}", bare(value)));
    }
}

/// A value as the program understands it: `5_000` and `5000` are the same.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text.value()),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(on) => on.value().to_string(),
        Value::Datetime(_) | Value::Array(_) | Value::InlineTable(_) => value.to_string(),
    }
}

/// Of a file's bytes, eight at a time.
fn digest(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(bytes.len() as u64, mix)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{parse, starter};

    fn identity(text: &str) -> Identity {
        parse("x.toml", text, Path::new(""), &[]).expect("a scenario").identity()
    }

    #[test]
    fn only_what_changes_the_world_counts() {
        let text = starter("x");
        let one = identity(&text);
        assert!(one.lines().len() > 10, "{one:?}");
        let commented = format!("# more\n{text}\n[check]\nset = [\"rps=5\"]\n");
        assert_eq!(identity(&commented), one);
        let rps = one.lines().iter().find(|line| line.starts_with("rps = ")).expect("a rate");
        let faster = parse("x.toml", &text, Path::new(""), &["rps=1_234".to_owned()]);
        let other = faster.expect("a scenario").identity();
        assert_ne!(other.digest(), one.digest());
        let was = rps.trim_start_matches("rps = ");
        assert_eq!(other.changes(&one), [format!("`rps` was {was}, is 1234")]);
    }

    #[test]
    fn what_comes_goes_and_moves_is_told() {
        let of = |lines: &[&str]| {
            Identity::from_lines(lines.iter().map(|line| (*line).to_owned()).collect())
        };
        let (then, now) = (of(&["a = 1", "b = 2"]), of(&["c = 3", "b = 2"]));
        assert_eq!(now.changes(&then), ["`c` is new: 3", "`a` is gone: it was 1"]);
        assert_eq!(of(&["b = 2", "a = 1"]).changes(&then).len(), 1);
        assert!(then.changes(&then).is_empty());
    }
}
