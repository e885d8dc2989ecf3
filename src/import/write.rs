//! A draft as the text of a scenario.

use std::fmt::Write;

use super::draft::{Draft, Fallbacks, Provider};
use super::read::Gateway;

/// The scenario. What a configuration cannot say, who asks and what goes wrong, is made up and marked so.
pub(super) fn scenario(draft: &Draft, gateway: Gateway, name: &str) -> String {
    let mut text = format!(
        "# {name}: what does a minute without the first provider do to this {gateway} configuration?\n\
         # Made by `windtunnel new {name} --from …`. Traffic and faults are made up: `windtunnel trace fit \
         LOG --onto THIS`\n# puts your own traffic, latencies and limits in.\n\
         rps = 50                                  # made up\n\
         duration = \"4m\"\n"
    );
    policy(&mut text, draft);
    let models = draft.models();
    let models: Vec<_> = models.iter().map(|model| format!("{} = 1", quote(model))).collect();
    let _ =
        writeln!(text, "[workload]                                # made up, but for the models");
    let _ = writeln!(text, "models = {{ {} }}", models.join(", "));
    for provider in &draft.providers {
        let _ = writeln!(text, "[provider.{}]", quote(&provider.name));
        write_provider(&mut text, provider);
    }
    super::owners::write(&mut text, draft);
    for fallbacks in &draft.fallbacks {
        write_fallbacks(&mut text, fallbacks);
    }
    if let Some(first) = draft.providers.first() {
        let _ = write!(
            text,
            "[[fault]]                                 # made up\nkind = \"hard-outage\"\non = {}\n\
             start = {{ at = \"90s\", phase = \"random\" }}\nlasts = \"60s\"\n",
            literal(&first.name)
        );
    }
    text
}

fn policy(text: &mut String, draft: &Draft) {
    if draft.params.is_empty() {
        let _ = writeln!(text, "policy = \"{}\"", draft.policy);
        return;
    }
    let params: Vec<_> =
        draft.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let _ = writeln!(text, "policy = {{ name = \"{}\", {} }}", draft.policy, params.join(", "));
}

fn write_provider(text: &mut String, provider: &Provider) {
    let Provider { name: _, profile, models, keys, weight, tpm, rpm, concurrency, queue } =
        provider;
    let _ = writeln!(text, "profile = \"{profile}\"");
    let models: Vec<_> = models.iter().map(|model| literal(model)).collect();
    let _ = writeln!(text, "models = [{}]", models.join(", "));
    if !keys.is_empty() {
        let keys: Vec<_> = keys
            .iter()
            .map(|(name, weight)| match weight {
                None => literal(name),
                Some(weight) => format!("{{ name = {}, weight = {weight} }}", literal(name)),
            })
            .collect();
        let _ = writeln!(text, "keys = [{}]", keys.join(", "));
    }
    if let Some(weight) = weight {
        let _ = writeln!(text, "weight = {weight}");
    }
    let whole = [("tpm", tpm), ("rpm", rpm), ("concurrency", concurrency), ("queue", queue)];
    for (key, value) in whole {
        // A queue needs the concurrency that it is behind.
        let alone = key == "queue" && concurrency.is_none_or(|number| number < 1.0);
        match value {
            Some(value) if *value >= 1.0 && !alone => {
                let _ = writeln!(text, "{key} = {value:.0}");
            }
            _ => {}
        }
    }
}

fn write_fallbacks(text: &mut String, Fallbacks { model, then }: &Fallbacks) {
    let then: Vec<_> = then.iter().map(|model| format!("\"*:{model}\"")).collect();
    let _ = writeln!(
        text,
        "[[rule]]\nname = \"fallbacks of {model}\"\nwhen = \"model == '{model}'\"\nto = \"*:{model}\"\nfallbacks = [{}]",
        then.join(", ")
    );
}

/// A key of TOML.
pub(super) fn quote(name: &str) -> String {
    let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if bare && !name.is_empty() { name.to_owned() } else { literal(name) }
}

/// A text of TOML; names have no signs that would need more.
pub(super) fn literal(name: &str) -> String {
    format!("\"{name}\"")
}
