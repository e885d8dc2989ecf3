//! Bifrost's `config.json`: providers with their keys, and how often each is asked again.
//!
//! Source: docs.getbifrost.ai (Provider Configuration; Retries and Fallbacks) and maximhq/bifrost,
//! `docs/configuration` and `core/schemas/provider.go`, 2025–26; older files call `retry_backoff_initial`
//! `retry_backoff_initial_ms`.

use super::book::Book;
use super::draft::{Draft, Provider, vendor};
use super::node::Node;
use super::{governance, safe};

const CREDENTIAL: &str = "a credential or an address: never read";

pub(super) fn read(root: &Node<'_>, book: &mut Book) -> Draft {
    let mut draft = Draft { policy: "bifrost-oss", ..Draft::default() };
    for (key, node) in root.entries() {
        match key {
            "providers" => {
                for (name, node) in node.chosen() {
                    provider(name, &node, &mut draft, book);
                }
            }
            // Read when all providers are known.
            "governance" => {}
            "plugins" => book.missing(&node.key, "plugins are not modelled"),
            "load_balancer" | "load_balancer_config" | "adaptive_load_balancing" => book.missing(
                &node.key,
                "the adaptive balancer is closed: `policy = \"bifrost-2026\"` follows its documents",
            ),
            "encryption_key" => book.ignored(&node.key, CREDENTIAL),
            _ => book.ignored(&node.key, "the gateway's own housekeeping: never read"),
        }
    }
    if let Some(node) = root.get("governance") {
        governance::read(&node, &mut draft, book);
    }
    draft
}

fn provider(name: &str, node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let mut provider = Provider::default();
    let word = vendor(name, "").0;
    book.understood(&node.key, "a provider");
    for (key, node) in node.entries() {
        match key {
            "keys" => {
                for item in node.items() {
                    one_key(&item, &mut provider, book);
                }
            }
            "network_config" => network(&node, draft, book),
            "concurrency_and_buffer_size" => {
                for (key, node) in node.entries() {
                    match key {
                        "concurrency" => {
                            provider.concurrency = node
                                .take(book, "concurrency: the gateway's, taken for the provider's");
                        }
                        "buffer_size" => provider.queue = node.take(book, "queue"),
                        _ => book.ignored(&node.key, "not a key that we know"),
                    }
                }
            }
            "custom_provider_config" => {
                book.missing(&node.key, "a provider of one's own: its profile is a guess");
            }
            _ => book.ignored(&node.key, CREDENTIAL),
        }
    }
    let model = provider.models.first().cloned().unwrap_or_default();
    provider.profile = vendor(name, &model).1;
    if provider.models.is_empty() {
        // An empty list serves every model; the name of the provider stands for what it has.
        provider.models = vec!["chat".to_owned()];
    }
    provider.name = draft.free_name(safe::name(name), word);
    draft.providers.push(provider);
}

fn one_key(item: &Node<'_>, provider: &mut Provider, book: &mut Book) {
    let nth = provider.keys.len() + 1;
    let (mut name, mut weight) = (None, None);
    for (key, node) in item.entries() {
        match key {
            "name" => {
                name = node.text().and_then(safe::name);
                book.understood(&node.key, "the key's name");
            }
            "weight" => weight = node.take(book, "the key's weight"),
            "models" => {
                book.understood(&node.key, "models of the provider");
                for (at, item) in node.items().iter().enumerate() {
                    let model = super::draft::model_name(item.text(), at + 1);
                    if item.text() != Some("*") && !provider.models.contains(&model) {
                        provider.models.push(model);
                    }
                }
            }
            _ => book.ignored(&node.key, CREDENTIAL),
        }
    }
    let taken = |name: &String| provider.keys.iter().any(|(known, _)| known == name);
    let name = name.filter(|name| !taken(name)).unwrap_or_else(|| format!("key-{nth}"));
    provider.keys.push((name, weight));
}

fn network(node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    for (key, node) in node.entries() {
        let (parameter, seconds) = match key {
            "max_retries" => ("retry.max", None),
            "default_request_timeout_in_seconds" => ("timeout.request", Some(1.0)),
            "retry_backoff_initial" | "retry_backoff_initial_ms" => {
                ("retry.backoff_first", Some(1e-3))
            }
            "retry_backoff_max" | "retry_backoff_max_ms" => ("retry.backoff_max", Some(1e-3)),
            _ => {
                book.ignored(&node.key, CREDENTIAL);
                continue;
            }
        };
        let is_set = draft.params.iter().any(|(known, _)| known == parameter);
        let Some(number) = node.number() else {
            node.take(book, "");
            continue;
        };
        let value = draft.params.iter().find(|(known, _)| known == parameter).cloned();
        match seconds {
            Some(unit) => draft.set_seconds(parameter, number * unit),
            None => draft.set(parameter, format!("{number:.0}")),
        }
        // One policy serves all providers: the first value stands.
        if let (true, Some((_, first))) = (is_set, value) {
            let same = draft.params.iter().any(|(p, v)| p == parameter && *v == first);
            draft.set(parameter, first);
            if !same {
                book.missing(&node.key, "another value than the first provider's, which is used");
                continue;
            }
        }
        book.understood(&node.key, format!("policy.{parameter}"));
    }
}
