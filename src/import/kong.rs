//! Kong's declarative YAML: every `ai-proxy-advanced` (or `ai-proxy`) is a balancer of its own, its
//! targets are who answers.
//!
//! Source: developer.konghq.com/plugins/ai-proxy-advanced/reference (schema 3.13 to 3.15) and
//! /gateway/entities/plugin (where plugins stand).

use super::book::Book;
use super::draft::{Draft, Provider, model_name, vendor};
use super::node::Node;
use super::owners::{Limits, Tenant};
use super::safe;

const ALGORITHMS: [&str; 7] = [
    "round-robin",
    "consistent-hashing",
    "least-connections",
    "lowest-latency",
    "lowest-usage",
    "semantic",
    "priority",
];

const CRITERIA: [&str; 10] = [
    "error",
    "timeout",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "non_idempotent",
];

const CREDENTIAL: &str = "a credential or an address: never read";

pub(super) fn read(root: &Node<'_>, book: &mut Book) -> Draft {
    let mut draft = Draft { policy: "kong-default", ..Draft::default() };
    let mut balancers = 0;
    level(root, None, &mut draft, &mut balancers, book);
    draft
}

/// Plugins stand at the top, in services, in routes, in consumers; all may be nested.
fn level(
    node: &Node<'_>,
    owner: Option<&str>,
    draft: &mut Draft,
    balancers: &mut usize,
    book: &mut Book,
) {
    for (key, node) in node.entries() {
        match key {
            "plugins" => {
                for item in node.items() {
                    plugin(&item, owner, draft, balancers, book);
                }
            }
            "services" | "routes" => {
                for item in node.items() {
                    let name = item.get("name").and_then(|name| name.text());
                    level(&item, name, draft, balancers, book);
                }
            }
            "consumers" => {
                for item in node.items() {
                    consumer(&item, draft, book);
                }
            }
            "consumer_groups" => {
                book.missing(&node.key, "groups have limits of their own, which tenants do not");
            }
            "name" if owner.is_some() => book.understood(&node.key, "the model's name"),
            "_format_version" | "_transform" | "_info" => {
                book.ignored(&node.key, "about the file itself");
            }
            _ => book.ignored(&node.key, "has no part in balancing between models"),
        }
    }
}

fn plugin(
    item: &Node<'_>,
    owner: Option<&str>,
    draft: &mut Draft,
    balancers: &mut usize,
    book: &mut Book,
) {
    let name = item.get("name").and_then(|name| name.text()).unwrap_or_default();
    let Some(config) = item.get("config") else {
        book.ignored(&item.key, "a plugin without configuration");
        return;
    };
    match name {
        "ai-proxy-advanced" | "ai-proxy" => {}
        "ai-rate-limiting-advanced" | "rate-limiting-advanced" | "rate-limiting" => {
            book.missing(&item.key, format!("{name}: limits of clients are not read"));
            return;
        }
        "ai-semantic-cache" => {
            book.missing(&item.key, "ai-semantic-cache: the gateway's cache is not read");
            return;
        }
        _ => {
            book.ignored(&item.key, "a plugin that does not balance");
            return;
        }
    }
    book.understood(&format!("{}.name", item.key), "a balancer");
    *balancers += 1;
    let enabled = item.get("enabled").and_then(|enabled| enabled.truth());
    if enabled == Some(false) {
        book.ignored(&config.key, "the plugin is switched off");
        return;
    }
    let model = model_name(owner, *balancers);
    if name == "ai-proxy" {
        target(&config, &model, draft, book);
        return;
    }
    for (key, node) in config.entries() {
        match key {
            "targets" => {
                for item in node.items() {
                    target(&item, &model, draft, book);
                }
            }
            "balancer" if *balancers == 1 => balancer(&node, draft, book),
            "balancer" => book.missing(
                &node.key,
                "a second balancer: one policy routes the whole scenario, with the first one's values",
            ),
            "embeddings" | "vectordb" => book.missing(
                &node.key,
                "what prompts are about: give `topics` and `about` by hand for semantic routing",
            ),
            _ => book.ignored(&node.key, "has no part in balancing"),
        }
    }
}

/// A consumer is a tenant that may use everything; its plugin `rate-limiting` is a limit of requests.
fn consumer(item: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let nth = draft.owners.tenants.len() + 1;
    let mut tenant = Tenant { name: format!("consumer-{nth}"), ..Tenant::default() };
    for (key, node) in item.entries() {
        match key {
            "username" => match node.text().and_then(safe::name) {
                Some(name) if draft.owners.tenants.iter().all(|known| known.name != name) => {
                    tenant.name = name;
                    book.understood(&node.key, "the tenant's name");
                }
                _ => book.ignored(&node.key, "no plain name: numbered instead"),
            },
            "plugins" => {
                for item in node.items() {
                    limits_of(&item, &mut tenant, book);
                }
            }
            _ => book.ignored(&node.key, CREDENTIAL),
        }
    }
    draft.owners.tenants.push(tenant);
}

fn limits_of(item: &Node<'_>, tenant: &mut Tenant, book: &mut Book) {
    let name = item.get("name").and_then(|name| name.text()).unwrap_or_default();
    let (Some(config), "rate-limiting") = (item.get("config"), name) else {
        return match name {
            "ai-rate-limiting-advanced" | "rate-limiting-advanced" => book.missing(
                &item.key,
                format!("{name}: counts by provider or in windows that tenants do not have"),
            ),
            _ => book.ignored(&item.key, "a plugin that limits nobody"),
        };
    };
    for (key, node) in config.entries() {
        let window = match key {
            "minute" => "1m",
            "hour" => "1h",
            "day" => "1d",
            "month" => "1M",
            "year" => "1Y",
            "second" => {
                book.missing(&node.key, "limits per second are none that tenants have");
                continue;
            }
            _ => {
                book.ignored(&node.key, CREDENTIAL);
                continue;
            }
        };
        if let Some(number) = node.take(book, "a limit of requests") {
            Limits::put(&mut tenant.limits.requests, window, number.min(1e15) as u64);
        }
    }
}

fn balancer(node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    for (key, node) in node.entries() {
        match key {
            "algorithm" => match ALGORITHMS.iter().find(|known| node.text() == Some(**known)) {
                Some(algorithm) => {
                    let value = algorithm.replace('-', "_");
                    book.understood(&node.key, format!("policy.algorithm = {value}"));
                    draft.set("algorithm", format!("\"{value}\""));
                }
                None => book.missing(&node.key, "an algorithm that we do not know"),
            },
            "retries" => {
                if let Some(number) = node.take(book, "policy.retries") {
                    draft.set("retries", format!("{number:.0}"));
                }
            }
            "max_fails" => {
                if let Some(number) = node.take(book, "policy.breaker.max_fails") {
                    draft.set("breaker.max_fails", format!("{number:.0}"));
                }
            }
            "slots" => {
                if let Some(number) = node.take(book, "policy.slots") {
                    draft.set("slots", format!("{number:.0}"));
                }
            }
            "fail_timeout" => {
                if let Some(millis) = node.take(book, "policy.breaker.fail_timeout") {
                    draft.set_seconds("breaker.fail_timeout", millis / 1e3);
                }
            }
            "read_timeout" => {
                if let Some(millis) = node.take(book, "policy.timeout.read") {
                    draft.set_seconds("timeout.read", millis / 1e3);
                }
            }
            "failover_criteria" => criteria(&node, draft, book),
            "latency_strategy" | "tokens_count_strategy" => strategy(key, &node, draft, book),
            "connect_timeout" | "write_timeout" => {
                book.missing(&node.key, "timeouts to connect and to write are not modelled");
            }
            "hash_on_header" => book.ignored(&node.key, "sessions are what is hashed on"),
            _ => book.missing(&node.key, "not a key of the balancer that we know"),
        }
    }
}

fn criteria(node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let given: Vec<_> = node.items().iter().filter_map(Node::text).collect();
    for known in CRITERIA {
        draft.set(&format!("criteria.{known}"), given.contains(&known).to_string());
    }
    book.understood(&node.key, "policy.criteria.*");
    let beyond = given.iter().filter(|text| !CRITERIA.contains(text)).count();
    if beyond > 0 {
        book.missing(&format!("{}[]", node.key), "criteria that are not modelled");
    }
}

fn strategy(key: &str, node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let values: [(&str, &str, &str); 6] = [
        ("latency_strategy", "tpot", "tpot"),
        ("latency_strategy", "e2e", "e2e"),
        ("tokens_count_strategy", "total-tokens", "total_tokens"),
        ("tokens_count_strategy", "prompt-tokens", "prompt_tokens"),
        ("tokens_count_strategy", "completion-tokens", "completion_tokens"),
        ("tokens_count_strategy", "cost", "cost"),
    ];
    let found = values.iter().find(|(of, text, _)| *of == key && node.text() == Some(*text));
    let parameter = if key == "latency_strategy" { "latency.strategy" } else { "usage.what" };
    match found {
        Some((_, _, value)) => {
            book.understood(&node.key, format!("policy.{parameter}"));
            draft.set(parameter, format!("\"{value}\""));
        }
        None => book.missing(&node.key, "a strategy that is not modelled"),
    }
}

fn target(item: &Node<'_>, model: &str, draft: &mut Draft, book: &mut Book) {
    let mut provider = Provider { models: vec![model.to_owned()], ..Provider::default() };
    let (mut word, mut wanted) = ("provider", None);
    provider.profile = "plain";
    for (key, node) in item.entries() {
        match key {
            "model" => {
                let of = node.get("provider").and_then(|of| of.text()).unwrap_or_default();
                let name = node.get("name").and_then(|name| name.text()).unwrap_or_default();
                (word, provider.profile) = vendor(of, name);
                wanted = safe::name(name).map(|name| format!("{word}-{name}"));
                for (key, node) in node.entries() {
                    match key {
                        "provider" => book.understood(&node.key, "the provider's profile"),
                        "name" => book.understood(&node.key, "the provider's name"),
                        "options" => book.ignored(&node.key, "arguments of requests"),
                        _ => book.ignored(&node.key, "not a key of a model that we know"),
                    }
                }
            }
            "weight" => provider.weight = node.take(book, "weight"),
            "description" => book.missing(
                &node.key,
                "what the target is about: give `about` by hand for semantic routing",
            ),
            "route_type" | "logging" | "metadata" => {
                book.ignored(&node.key, "has no part in balancing");
            }
            _ => book.ignored(&node.key, CREDENTIAL),
        }
    }
    provider.name = draft.free_name(wanted, word);
    draft.providers.push(provider);
}
