//! `keys` of a provider: how many, or which.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::at::At;
use super::error::Problem;
use super::names;
use super::unit::{Count, Number};

/// One key of a provider.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) weight: f64,
    pub(crate) tpm: Option<u64>,
    /// The key whose place it takes one day, by its index.
    pub(crate) replaces: Option<usize>,
}

/// A number of keys, or keys with names.
#[derive(Clone, Debug)]
pub(crate) enum KeysFile {
    Number(u64),
    List(Vec<KeyFile>),
}

/// A key with a name.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedKey {
    /// Name, unique within the provider.
    name: String,
    /// Static weight, times the provider's. Default 1.
    weight: Option<Number>,
    /// Tokens per minute of its own, instead of an even part of the provider's.
    tpm: Option<Count>,
}

/// A name, or a table with the name.
#[derive(Clone, Debug)]
pub(crate) struct KeyFile(NamedKey);

impl Default for KeysFile {
    fn default() -> Self {
        Self::Number(1)
    }
}

/// Routes of a run in all, and so keys of a provider.
const KEYS_MAX: u64 = 1_000_000;

impl KeysFile {
    /// The keys; `provider_weight` multiplies the weight of each.
    pub(crate) fn keys(self, at: &At, provider_weight: f64) -> Result<Vec<Key>, Problem> {
        let weighted = |weight: Option<Number>, at: &At| {
            let weight = weight.map_or(1.0, |weight| weight.0);
            if weight >= 0.0 {
                return Ok(weight * provider_weight);
            }
            Err(Problem::new(at.clone(), format!("`{at}` cannot be {weight}"))
                .expected("expected a weight of at least 0, such as 2"))
        };
        let keys = match self {
            Self::Number(number) => {
                if number == 0 || number > KEYS_MAX {
                    return Err(Problem::new(at.clone(), format!("`{at}` cannot be {number}"))
                        .expected("expected 1 to 1_000_000 keys, such as 4"));
                }
                let weight = weighted(None, at)?;
                let key =
                    |index| Key { name: format!("key-{index}"), weight, tpm: None, replaces: None };
                (1..=number).map(key).collect()
            }
            Self::List(list) => {
                let mut keys: Vec<Key> = Vec::with_capacity(list.len());
                for (index, KeyFile(NamedKey { name, weight, tpm })) in list.into_iter().enumerate()
                {
                    let here = at.item(index);
                    names::check(&name, &here, "key")?;
                    if keys.iter().any(|key| key.name == name) {
                        return Err(Problem::new(here, format!("key `{name}` comes twice"))
                            .expected("expected another name"));
                    }
                    let weight = weighted(weight, &here.key("weight"))?;
                    let tpm = tpm.map(|count| count.0);
                    keys.push(Key { name, weight, tpm, replaces: None });
                }
                keys
            }
        };
        if keys.is_empty() {
            return Err(Problem::new(at.clone(), format!("`{at}` is empty"))
                .expected("expected at least one key, such as 4 or [\"east\", \"west\"]"));
        }
        Ok(keys)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = KeysFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number of keys such as 4, or a list such as [\"east\", { name = \"west\", \
            tpm = \"2M\" }]",
        )
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<KeysFile, E> {
        let number = u64::try_from(number);
        number
            .map(KeysFile::Number)
            .map_err(|_| E::invalid_value(Unexpected::Other("negative"), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<KeysFile, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(KeysFile::List)
    }
}

impl<'de> Deserialize<'de> for KeysFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KeysVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = KeyFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key such as \"east\" or { name = \"east\", weight = 2 }")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<KeyFile, E> {
        Ok(KeyFile(NamedKey { name: name.to_owned(), weight: None, tpm: None }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyFile, A::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(map)).map(KeyFile)
    }
}

impl<'de> Deserialize<'de> for KeyFile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(KeyVisitor)
    }
}

impl JsonSchema for KeysFile {
    fn schema_name() -> Cow<'static, str> {
        "Keys".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let named = generator.subschema_for::<NamedKey>();
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "array", "items": { "anyOf": [{ "type": "string" }, named] } },
            ],
        })
    }
}
