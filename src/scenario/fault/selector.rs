//! `on` of a fault: which routes. `provider`, narrowed by `:model`, `/key` and `@region` in any
//! order; `*` stands for every provider.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::policy::Pool;

use super::super::at::At;
use super::super::error::Problem;
use super::super::suggest;

/// One selector, or several whose routes are joined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum On {
    One(String),
    Several(Vec<String>),
}

/// The routes of `on`, ascending, at least one. `narrowed` is a sign that every selector must have.
pub(crate) fn routes(
    on: &On,
    narrowed: Option<(char, &'static str)>,
    at: &At,
    pool: &Pool,
) -> Result<Vec<u32>, Problem> {
    let selectors: Vec<(At, &str)> = match on {
        On::One(text) => vec![(at.clone(), text.as_str())],
        On::Several(list) => {
            list.iter().enumerate().map(|(index, text)| (at.item(index), text.as_str())).collect()
        }
    };
    let mut routes = BTreeSet::new();
    for (at, text) in selectors {
        if let Some((sign, example)) = narrowed.filter(|(sign, _)| !text.contains(*sign)) {
            let what = match sign {
                ':' => "a model",
                '@' => "a region",
                _ => "a key",
            };
            return Err(Problem::new(at, format!("`{text}` does not name {what}"))
                .expected(format!("this fault concerns {what}, such as \"{example}\"")));
        }
        let selector = Selector::parse(text, &at)?;
        selector.check(&at, pool)?;
        let all = 0..pool.routes.len() as u32;
        let chosen: Vec<_> = all.filter(|route| selector.takes(pool, *route as usize)).collect();
        routes.extend(&chosen);
        if chosen.is_empty() {
            return Err(Problem::new(
                at,
                format!("`{text}` is on nothing: no route is all of that"),
            )
            .expected("expected routes such as \"azure\", \"azure:chat\" or \"azure/key-2\""));
        }
    }
    if routes.is_empty() {
        return Err(Problem::new(at.clone(), format!("`{at}` is on nothing"))
            .expected("expected routes such as \"azure\" or \"*\""));
    }
    Ok(routes.into_iter().collect())
}

/// One selector taken apart; `None` = any.
struct Selector<'a> {
    text: &'a str,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    key: Option<&'a str>,
    region: Option<&'a str>,
}

impl<'a> Selector<'a> {
    fn parse(text: &'a str, at: &At) -> Result<Self, Problem> {
        let signs = [':', '/', '@'];
        let end = text.find(signs).unwrap_or(text.len());
        let provider = Some(&text[..end]).filter(|name| *name != "*");
        let mut selector = Self { text, provider, model: None, key: None, region: None };
        let mut rest = &text[end..];
        while let Some(sign) = rest.chars().next() {
            let after = &rest[1..];
            let end = after.find(signs).unwrap_or(after.len());
            let slot = match sign {
                ':' => &mut selector.model,
                '/' => &mut selector.key,
                _ => &mut selector.region,
            };
            if slot.replace(&after[..end]).is_some() {
                return Err(Problem::new(
                    at.clone(),
                    format!("`{text}` has two parts with `{sign}`"),
                )
                .expected("expected at most one each, such as \"azure:chat/key-2@eastus\"")
                .help("several places are written as a list"));
            }
            rest = &after[end..];
        }
        Ok(selector)
    }

    /// Every name it has must exist.
    fn check(&self, at: &At, pool: &Pool) -> Result<(), Problem> {
        let of_provider = |index: usize| {
            let provider = usize::from(pool.routes[index].provider.0);
            self.provider.is_none_or(|name| pool.providers[provider] == name)
        };
        let own = || (0..pool.routes.len()).filter(|index| of_provider(*index));
        let model = |index: usize| pool.models[usize::from(pool.routes[index].model.0)].as_str();
        let known: [(&str, Option<&str>, Vec<&str>); 4] = [
            ("provider", self.provider, pool.providers.iter().map(String::as_str).collect()),
            ("model", self.model, own().map(model).collect()),
            ("key", self.key, own().map(|index| pool.routes[index].key.as_str()).collect()),
            (
                "region",
                self.region,
                own().map(|index| pool.routes[index].region.as_str()).collect(),
            ),
        ];
        for (what, name, known) in known {
            let Some(name) = name.filter(|name| !known.contains(name)) else { continue };
            let mut distinct: Vec<&str> = Vec::new();
            for name in known {
                if !name.is_empty() && distinct.len() < 100 && !distinct.contains(&name) {
                    distinct.push(name);
                }
            }
            return Err(Problem::new(
                at.clone(),
                format!("`{}`: there is no {what} `{name}`", self.text),
            )
            .expected("expected such as \"azure\", \"azure:chat\", \"azure/key-2\", \"*\"")
            .help(suggest::help(name, &distinct)));
        }
        Ok(())
    }

    fn takes(&self, pool: &Pool, index: usize) -> bool {
        let route = &pool.routes[index];
        let is = |wanted: Option<&str>, name: &str| wanted.is_none_or(|wanted| wanted == name);
        is(self.provider, &pool.providers[usize::from(route.provider.0)])
            && is(self.model, &pool.models[usize::from(route.model.0)])
            && is(self.key, &route.key)
            && is(self.region, &route.region)
    }
}

struct OnVisitor;

impl<'de> Visitor<'de> for OnVisitor {
    type Value = On;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "routes such as \"azure\", \"azure/key-2\", \"azure:chat\", \
            \"bedrock@us-east-1\", \"*\", or a list",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<On, E> {
        Ok(On::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<On, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(On::Several)
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OnVisitor)
    }
}

impl JsonSchema for On {
    fn schema_name() -> Cow<'static, str> {
        "On".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ],
            "examples": ["azure", "azure/key-2", "azure:chat", "bedrock@us-east-1", "*"],
        })
    }
}
