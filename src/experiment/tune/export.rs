//! What was found, as files: thresholds for `--config` and the embedded engine, and a product's own
//! configuration.

use serde_json::{Map, Value, json};

use crate::engine::{Param, Settings, Unit};
use crate::policy::PolicySpec;
use crate::policy::settable::{Product, SetBy};

/// `key = value` lines with all that differs from the policy's preset. They are TOML, and
/// [`crate::engine::Config`] reads them.
pub fn thresholds(policy: &PolicySpec, settings: &Settings, comments: &[String]) -> String {
    let mut text: String = comments.iter().map(|line| format!("# {line}\n")).collect();
    text += &format!("policy = \"{}\"\n", policy.name);
    for (param, value) in changed(policy, settings) {
        text += &format!("{} = \"{}\"\n", param.id, param.show(value));
    }
    text
}

fn changed(policy: &PolicySpec, settings: &Settings) -> Vec<(&'static Param, f64)> {
    let preset = policy.settings();
    settings
        .iter()
        .zip(preset.iter())
        .filter(|((_, now), (_, then))| now.to_bits() != then.to_bits())
        .map(|(now, _)| now)
        .collect()
}

/// The product's own configuration: name of the file, and its text. Every setting that its users can set is
/// written, also those that stay, so that the file says the whole rule; `providers` are those of the scenario.
pub fn product_file(
    product: &Product,
    settings: &Settings,
    providers: &[String],
    comments: &[String],
) -> (String, String) {
    let mut tree = Value::Object(Map::new());
    let mut environment = Vec::new();
    for knob in product.knobs {
        let Some(param) = settings.param(knob.id) else { continue };
        let value = settings.get(knob.id);
        match knob.by {
            SetBy::Key { path, scale } => {
                if let Some(shown) = shown(product, param, value, scale) {
                    put(&mut tree, path, shown);
                }
            }
            SetBy::Environment(name) => environment.push(format!("{name}={}", short(value))),
            SetBy::No(_) => {}
        }
    }
    let mut head: String = comments.iter().map(|line| format!("# {line}\n")).collect();
    if !environment.is_empty() {
        head += "# These are set in the environment of the process, before it starts:\n";
        head.extend(environment.iter().map(|line| format!("#   export {line}\n")));
    }
    match product.name {
        "bifrost" => {
            let config = tree["network_config"].take();
            let each = providers
                .iter()
                .map(|name| (name.clone(), json!({ "network_config": config.clone() })));
            let file = json!({ "providers": each.collect::<Map<String, Value>>() });
            ("bifrost.json".to_owned(), format!("{file:#}\n"))
        }
        "kong" => {
            let file = json!({
                "_format_version": "3.0",
                "plugins": [{ "name": "ai-proxy-advanced", "config": tree }],
            });
            head += "# Add your own targets to config.targets.\n";
            ("kong.yaml".to_owned(), head + &yaml(&file))
        }
        _ => ("litellm.yaml".to_owned(), head + &yaml(&tree)),
    }
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).expect("a tree of plain values is YAML")
}

/// A value as the product writes it; `None` where it means "not set".
fn shown(product: &Product, param: &Param, value: f64, scale: f64) -> Option<Value> {
    Some(match param.unit {
        Unit::Switch => json!(value != 0.0),
        Unit::Choice(words) => {
            let word = words.get(value as usize).copied().unwrap_or_default();
            json!(if product.name == "kong" { word.replace('_', "-") } else { word.to_owned() })
        }
        Unit::Count if value < 0.0 => return None,
        Unit::Count => json!(value as i64),
        Unit::Ratio | Unit::Number | Unit::Seconds => {
            let scaled = value * scale;
            // Milliseconds are whole, and so are the seconds of Bifrost's timeout.
            let is_whole = scale > 1.0 || product.name == "bifrost" || scaled.fract() == 0.0;
            if is_whole { json!(scaled.round() as i64) } else { json!(short(scaled)) }
        }
    })
}

/// Without the noise of binary fractions.
fn short(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Puts a value at a dotted path; `list+element` adds the element where the value is true.
fn put(tree: &mut Value, path: &str, value: Value) {
    let (path, element) = match path.split_once('+') {
        Some((path, element)) => (path, Some(element)),
        None => (path, None),
    };
    let mut at = tree;
    for part in path.split('.') {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        at = &mut at[part];
    }
    match element {
        None => *at = value,
        Some(element) => {
            if !at.is_array() {
                *at = Value::Array(Vec::new());
            }
            if value == Value::Bool(true)
                && let Some(list) = at.as_array_mut()
            {
                list.push(json!(element));
            }
        }
    }
}
