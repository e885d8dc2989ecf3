//! `docs/scenarios.md`: a guide written by hand, and every key, value, kind of fault and profile from
//! the very types and tables that read a scenario.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::fault::FAULTS;
use super::profile::PROFILES;

/// The page.
pub fn markdown() -> String {
    let schema = super::schema();
    let mut page = include_str!("guide.md").to_owned();
    let mut keys = Keys { schema: &schema, told: BTreeSet::new(), values: BTreeSet::new() };
    page.push_str("\n# Keys\n\nKeys in bold must be there.\n");
    keys.table(&mut page, "", &schema);
    page.push_str("\n# Values\n");
    for name in &keys.values {
        value(&mut page, name, &schema["$defs"][name]);
    }
    faults(&mut page);
    profiles(&mut page);
    page
}

/// Keys of the file in the order in which they are explained; a new one comes last until it is put
/// in its place.
const ORDER: [&str; 21] = [
    "rps",
    "duration",
    "history",
    "seed",
    "policy",
    "workload",
    "class",
    "trace",
    "provider",
    "fault",
    "incidents",
    "gateway",
    "node_event",
    "start",
    "tenant",
    "team",
    "customer",
    "governance",
    "rule",
    "expect",
    "check",
];

/// Walks the schema from the top.
struct Keys<'a> {
    schema: &'a Value,
    /// Tables that have been written, by type.
    told: BTreeSet<String>,
    /// Types of values that keys refer to.
    values: BTreeSet<String>,
}

impl<'a> Keys<'a> {
    /// Writes one table of keys, and after it the tables inside it.
    fn table(&mut self, page: &mut String, path: &str, schema: &'a Value) {
        let heading = if path.is_empty() { "The file" } else { path };
        let _ = write!(page, "\n## {heading}\n\n{}\n\n", words(schema));
        page.push_str("| key | value | meaning |\n| --- | --- | --- |\n");
        let required: Vec<&str> = list(&schema["required"]).filter_map(Value::as_str).collect();
        let mut inside = Vec::new();
        let mut keys: Vec<_> = properties(schema).collect();
        if path.is_empty() {
            keys.sort_by_key(|(key, _)| ORDER.iter().position(|known| *key == known).unwrap_or(99));
        }
        for (key, schema) in keys {
            let shown = if required.contains(&key.as_str()) {
                format!("**`{key}`**")
            } else {
                format!("`{key}`")
            };
            let below = if path.is_empty() {
                key.clone()
            } else {
                format!("{}.{key}", path.trim_matches(['[', ']']))
            };
            let kind = self.kind(schema, &below, &mut inside);
            let _ = writeln!(page, "| {shown} | {} | {} |", cell(&kind), cell(&words(schema)));
        }
        for (path, schema) in inside {
            self.table(page, &path, schema);
        }
    }

    /// What a key takes, in words; tables in it are put on `inside`.
    fn kind(
        &mut self,
        schema: &'a Value,
        path: &str,
        inside: &mut Vec<(String, &'a Value)>,
    ) -> String {
        if let Some(name) = reference(schema) {
            let target = &self.schema["$defs"][name];
            if let Some(of) = target.get("additionalProperties").filter(|of| of.is_object()) {
                let of = self.kind(of, &format!("{path}.NAME"), inside);
                let of = of.trim_start_matches("table: ");
                return format!("names, each with a {of}");
            }
            if properties(target).next().is_some() && target.get("anyOf").is_none() {
                if self.told.insert(name.to_owned()) {
                    inside.push((path.to_owned(), target));
                }
                return format!("table: {}", plain(name));
            }
            self.values.insert(name.to_owned());
            return plain(name);
        }
        if let Some(any) = schema.get("anyOf") {
            let some = list(any).filter(|one| one["type"] != "null");
            let kinds: Vec<_> = some.map(|one| self.kind(one, path, inside)).collect();
            return kinds.join(" or ");
        }
        if let Some(words) = schema.get("enum") {
            return list(words).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        }
        if let Some(parts) = schema.get("prefixItems") {
            let kinds: Vec<_> = list(parts).map(|one| self.kind(one, path, inside)).collect();
            return format!("[{}]", kinds.join(", "));
        }
        if let Some(of) = schema.get("items") {
            let is_table = reference(of)
                .is_some_and(|name| properties(&self.schema["$defs"][name]).next().is_some());
            let path = if is_table { format!("[[{path}]]") } else { path.to_owned() };
            let kind = self.kind(of, &path, inside);
            return match kind.strip_prefix("table: ") {
                Some(name) => format!("list of tables: {name}"),
                None => format!("list of {kind}"),
            };
        }
        let types = &schema["type"];
        let mut types = types.as_str().into_iter().chain(list(types).filter_map(Value::as_str));
        types
            .find(|kind| *kind != "null")
            .map_or("value", |kind| match kind {
                "string" => "text",
                "integer" => "whole number",
                other => other,
            })
            .to_owned()
    }
}

/// One type of values.
fn value(page: &mut String, name: &str, schema: &Value) {
    let _ = write!(page, "\n- **{}**: ", plain(name));
    let mut parts = Vec::new();
    if schema.get("description").is_some() {
        parts.push(words(schema));
    }
    for one in list(&schema["oneOf"]) {
        parts.push(format!("`{}`: {}", one["const"], words(one)));
    }
    let examples: Vec<_> = list(&schema["examples"]).map(|one| format!("`{one}`")).collect();
    if !examples.is_empty() {
        parts.push(format!("For example {}.", examples.join(", ")));
    }
    if parts.is_empty() {
        parts.push(forms(schema));
    }
    page.push_str(&parts.join(" "));
    page.push('\n');
}

/// What a type without any words of its own accepts.
fn forms(schema: &Value) -> String {
    if let Some(any) = schema.get("anyOf") {
        return list(any).map(forms).collect::<Vec<_>>().join(", or ");
    }
    if let Some(words) = schema.get("enum") {
        return list(words).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(name) = reference(schema) {
        return format!("a {}", plain(name));
    }
    match (schema["type"].as_str(), &schema["minimum"], &schema["maximum"]) {
        (Some("integer"), Value::Number(least), Value::Number(most)) => {
            format!("a whole number from {least} to {most}")
        }
        (Some("integer"), Value::Number(least), _) => format!("a whole number from {least}"),
        (Some("array"), ..) => format!("a list of: {}", forms(&schema["items"])),
        (Some("string"), ..) => "text".to_owned(),
        (Some(other), ..) => format!("a {other}"),
        (None, ..) => "a value".to_owned(),
    }
}

fn faults(page: &mut String) {
    page.push_str(
        "\n# Kinds of fault\n\nThe catalogue, each modelled on public incidents. All take `name`, `on`, \
         `start`, `lasts` (60 s unless given), `shape` and `in_flight`.\n",
    );
    for kind in FAULTS {
        let _ = write!(page, "\n## {} `{}`\n\n", kind.id, kind.name);
        let _ = writeln!(page, "{}. Modelled on: {}.", capital(kind.doc), kind.anchor);
        if !kind.keys.is_empty() {
            page.push_str("\n| key | default | meaning |\n| --- | --- | --- |\n");
        }
        for key in kind.keys {
            let _ = writeln!(page, "| `{}` | `{}` | {} |", key.name, key.default, cell(key.doc));
        }
    }
}

fn profiles(page: &mut String) {
    page.push_str(
        "\n# Profiles\n\nWhat is publicly known of an endpoint. Latencies come from small probes of one vantage \
         point: good for ratios between endpoints, weak as absolute numbers.\n\n\
         | profile | median first token | tokens/s | $/M prompt | $/M output | cached from | reads | writes |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let dollars = |nano: u64| format!("{}", nano as f64 / 1e9);
    for profile in PROFILES {
        let (prompt, output) = (dollars(profile.price_prompt), dollars(profile.price_output));
        let latency = &profile.latency;
        let cache = profile.caching.map_or("– | – | –".to_owned(), |cache| {
            let price = |thousandths: u32| format!("{} %", f64::from(thousandths) / 10.0);
            format!("{} tokens | {} | {}", cache.min, price(cache.read), price(cache.write))
        });
        let _ = writeln!(
            page,
            "| `{}` | {} ms | {} | {prompt} | {output} | {cache} |",
            profile.name,
            latency.ttft.as_millis(),
            latency.tokens_per_s,
        );
    }
    for profile in PROFILES {
        let _ = write!(
            page,
            "\n- `{}`: latency: {}; prices: {}; limits: {}; prompt cache: {}.\n",
            profile.name,
            profile.latency_source,
            profile.price_source,
            profile.rules_source,
            profile.caching_source
        );
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// A type's description on one line.
fn words(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

/// A type's name as people say it: `ProviderFile` is a provider, `NamedKey` a named key.
fn plain(name: &str) -> String {
    let mut words = String::new();
    for letter in name.trim_end_matches("File").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Text that may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
