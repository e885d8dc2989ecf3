//! Picks a few scalars out of JSON and skips everything else without keeping it: the text of prompts
//! and answers passes the parser as ignored bytes.
//!
//! Paths are keys joined by dots. A key that has dots itself (`gen_ai.usage.input_tokens`) is walked
//! part by part, so flat and nested spellings of a path are the same. Lists of
//! `{ "key": …, "value": { … } }`, as OpenTelemetry writes attributes, are walked like objects.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::slot::{Kind, Slot};

/// Longest list that is kept: a prompt of 33 million tokens.
const LIST_MAX: usize = 1 << 16;

/// The places to pick, as a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    children: Vec<(Box<str>, Self)>,
    slot: Option<usize>,
}

impl Tree {
    /// The tree of these paths; the n-th path fills the n-th slot.
    pub(super) fn new<'a>(paths: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut root = Self::default();
        for (slot, path) in paths {
            let mut node = &mut root;
            for part in path.split('.') {
                let at = match node.children.iter().position(|(name, _)| **name == *part) {
                    Some(at) => at,
                    None => {
                        node.children.push((part.into(), Self::default()));
                        node.children.len() - 1
                    }
                };
                node = &mut node.children[at].1;
            }
            node.slot = Some(slot);
        }
        root
    }

    /// The slot that it fills.
    #[cfg(feature = "parquet")]
    pub(super) fn slot(&self) -> Option<usize> {
        self.slot
    }

    /// The node of a key, which may be several parts.
    pub(super) fn walk(&self, key: &str) -> Option<&Self> {
        if let Some((_, child)) = self.children.iter().find(|(name, _)| **name == *key) {
            return Some(child);
        }
        key.contains('.').then(|| key.split('.').try_fold(self, |node, part| node.child(part)))?
    }

    fn child(&self, part: &str) -> Option<&Self> {
        self.children.iter().find(|(name, _)| **name == *part).map(|(_, child)| child)
    }
}

/// Fills slots from a value; a slot keeps the first thing that it got.
pub(super) struct Pick<'a> {
    pub(super) tree: &'a Tree,
    pub(super) slots: &'a mut [Slot],
}

impl Pick<'_> {
    fn leaf(&mut self) -> Option<&mut Slot> {
        let slot = &mut self.slots[self.tree.slot?];
        (slot.kind == Kind::None).then_some(slot)
    }
}

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request")
    }

    fn visit_bool<E: Error>(mut self, truth: bool) -> Result<(), E> {
        if let Some(slot) = self.leaf() {
            slot.put_truth(truth);
        }
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, whole: i64) -> Result<(), E> {
        if let Some(slot) = self.leaf() {
            slot.put_number(whole as f64);
        }
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, whole: u64) -> Result<(), E> {
        if let Some(slot) = self.leaf() {
            slot.put_whole(whole);
        }
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, number: f64) -> Result<(), E> {
        if let Some(slot) = self.leaf() {
            slot.put_number(number);
        }
        Ok(())
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        if let Some(slot) = self.leaf() {
            slot.put_text(text);
        }
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(node) = map.next_key_seed(Key(self.tree))? {
            match node {
                Some(tree) => map.next_value_seed(Pick { tree, slots: self.slots })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if let Some(slot) = self.leaf().filter(|slot| slot.lists) {
            let into = slot.put_list();
            while let Some(whole) = list.next_element::<u64>()? {
                if into.len() < LIST_MAX {
                    into.push(whole);
                }
            }
            return Ok(());
        }
        if self.tree.children.is_empty() {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while list.next_element_seed(Pair { tree: self.tree, slots: self.slots })?.is_some() {}
        Ok(())
    }
}

/// The node that a key leads to.
pub(super) struct Key<'t>(pub(super) &'t Tree);

impl<'de, 't> DeserializeSeed<'de> for Key<'t> {
    type Value = Option<&'t Tree>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<'t> Visitor<'_> for Key<'t> {
    type Value = Option<&'t Tree>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.walk(key))
    }
}

/// An element of a list of attributes: `{ "key": …, "value": { "intValue": "12" } }`.
struct Pair<'a> {
    tree: &'a Tree,
    slots: &'a mut [Slot],
}

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut node = None;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match (&*key, node) {
                ("key", _) => node = map.next_value_seed(Key(self.tree))?,
                ("value", Some(tree)) => {
                    map.next_value_seed(Typed(Pick { tree, slots: self.slots }))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// A value in its type's own key; whole numbers come as text.
struct Typed<'a>(Pick<'a>);

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Typed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute's value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(Pick { tree, slots }) = self;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "stringValue" | "intValue" | "doubleValue" | "boolValue" => {
                    map.next_value_seed(Pick { tree, slots })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
