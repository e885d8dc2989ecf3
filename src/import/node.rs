//! A place in a configuration: its value, and its key with `[]` for elements of lists.

use serde_json::{Map, Value};

use super::book::Book;

/// A place in a configuration.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) key: String,
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { key: String::new(), value }
    }

    /// What stands under a key, where something does.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { key: self.below(key), value })
    }

    /// Keys and what stands under them.
    pub(super) fn entries(&self) -> Vec<(&'a str, Self)> {
        let entries = self.value.as_object().into_iter().flatten();
        let entries = entries.filter(|(_, value)| !value.is_null());
        entries.map(|(key, value)| (&**key, Self { key: self.below(key), value })).collect()
    }

    /// The same, under one name for all: keys that somebody chose say nothing to us.
    pub(super) fn chosen(&self) -> Vec<(&'a str, Self)> {
        let all = self.value.as_object().map(Map::iter).into_iter().flatten();
        all.map(|(name, value)| (&**name, Self { key: format!("{}.*", self.key), value })).collect()
    }

    /// Elements of a list; of anything else none.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten();
        items.map(|value| Self { key: format!("{}[]", self.key), value }).collect()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn truth(&self) -> Option<bool> {
        match self.value {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        let number = match self.value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number.filter(|number| number.is_finite() && *number >= 0.0)
    }

    /// The number, with an account of it. What is no number is not shown: it may be a reference to a
    /// secret.
    pub(super) fn take(&self, book: &mut Book, as_what: &str) -> Option<f64> {
        match self.number() {
            Some(number) => {
                book.understood(&self.key, as_what);
                Some(number)
            }
            None => {
                book.missing(&self.key, "no number stands here (an environment reference?)");
                None
            }
        }
    }

    fn below(&self, key: &str) -> String {
        // A key that looks like no key is not shown.
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
        let is_fine = key.len() <= 60 && key.chars().all(plain) && !key.starts_with("sk-");
        let key = if is_fine { key } else { "*" };
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }
}
