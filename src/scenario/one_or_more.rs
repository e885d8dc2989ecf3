//! A word, or a list of words: `"eu-west"`, `["node-1", "node-2"]`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::at::At;

/// One word or several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl OneOrMore {
    /// The words, each with its place.
    pub(crate) fn words(&self, at: &At) -> Vec<(At, &str)> {
        match self {
            Self::One(word) => vec![(at.clone(), word)],
            Self::Several(list) => {
                list.iter().enumerate().map(|(i, word)| (at.item(i), word.as_str())).collect()
            }
        }
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word such as \"eu-west\", or a list of words")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OneOrMore, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMore::Several)
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WordsVisitor)
    }
}

impl JsonSchema for OneOrMore {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A word, or a list of words.",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
            "examples": ["eu-west", ["node-1", "node-2"]],
        })
    }
}
