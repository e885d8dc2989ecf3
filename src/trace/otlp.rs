//! OTLP's JSON encoding: a line holds spans of several resources and scopes, each span becomes a row.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::pick::{Pick, Tree};
use super::slot::Slot;

/// Collects spans; each gets the slots of its resource to begin with.
pub(super) struct Spans<'a> {
    pub(super) tree: &'a Tree,
    pub(super) base: Vec<Slot>,
    pub(super) rows: &'a mut Vec<Vec<Slot>>,
}

/// Most spans of one line; exporters send batches of hundreds.
const SPANS_MAX: usize = 100_000;

impl<'de> DeserializeSeed<'de> for Spans<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Spans<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spans by resource and scope")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { tree, mut base, rows } = self;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "resource" => match tree.walk("resource") {
                    Some(tree) => map.next_value_seed(Pick { tree, slots: &mut base })?,
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                },
                "resourceSpans" | "scopeSpans" | "instrumentationLibrarySpans" => {
                    map.next_value_seed(Each { tree, base: &base, rows, is_span: false })?;
                }
                "spans" => map.next_value_seed(Each { tree, base: &base, rows, is_span: true })?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A list of spans, or of what holds lists of spans.
struct Each<'a> {
    tree: &'a Tree,
    base: &'a [Slot],
    rows: &'a mut Vec<Vec<Slot>>,
    is_span: bool,
}

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { tree, base, rows, is_span } = self;
        loop {
            if !is_span {
                let inner = Spans { tree, base: base.to_vec(), rows };
                if list.next_element_seed(inner)?.is_none() {
                    return Ok(());
                }
                continue;
            }
            let mut slots = base.to_vec();
            if list.next_element_seed(Pick { tree, slots: &mut slots })?.is_none() {
                return Ok(());
            }
            if rows.len() < SPANS_MAX {
                rows.push(slots);
            }
        }
    }
}
