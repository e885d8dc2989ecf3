//! LiteLLM's `config.yaml`: `model_list` is who answers, `router_settings` and `litellm_settings` are
//! who routes.
//!
//! Source: docs.litellm.ai/docs/proxy/config_settings and /docs/routing, LiteLLM 1.106.2.

use super::book::Book;
use super::draft::{Draft, Fallbacks, Provider, model_name, vendor};
use super::node::Node;
use super::owners::{Limits, Owner, Tenant, nano_usd, window};
use super::safe;

const POLICIES: [(&str, &str); 6] = [
    ("simple-shuffle", "litellm-simple-shuffle"),
    ("least-busy", "litellm-least-busy"),
    ("latency-based-routing", "litellm-latency-based"),
    ("usage-based-routing", "litellm-usage-based-v1"),
    ("usage-based-routing-v2", "litellm-usage-based-v2"),
    ("cost-based-routing", "litellm-cost-based"),
];

const CREDENTIAL: &str = "a credential or an address: never read";

pub(super) fn read(root: &Node<'_>, book: &mut Book) -> Draft {
    let mut draft = Draft { policy: "litellm-simple-shuffle", ..Draft::default() };
    for (key, node) in root.entries() {
        match key {
            "model_list" => {
                for item in node.items() {
                    deployment(&item, &mut draft, book);
                }
            }
            "router_settings" => settings(&node, &mut draft, book),
            "litellm_settings" => settings(&node, &mut draft, book),
            "general_settings" => {
                for (key, node) in node.entries() {
                    match key {
                        "max_parallel_requests" | "global_max_parallel_requests" => {
                            book.missing(
                                &node.key,
                                "limits of requests under way are not modelled",
                            );
                        }
                        _ => book.ignored(&node.key, "the proxy's own housekeeping: never read"),
                    }
                }
            }
            "environment_variables" => book.ignored(&node.key, CREDENTIAL),
            _ => book.ignored(&node.key, "has no part in balancing"),
        }
    }
    if let Some(node) = root.get("litellm_settings") {
        budget(&node, &mut draft, book);
    }
    for node in ["router_settings", "litellm_settings"].into_iter().filter_map(|key| root.get(key))
    {
        fallbacks(&node, &mut draft, book);
    }
    if !draft.fallbacks.is_empty() && draft.owners.tenants.is_empty() {
        // Rules are somebody's.
        draft.owners.tenants.push(Tenant { name: "everybody".to_owned(), ..Tenant::default() });
    }
    weigh(&mut draft);
    draft
}

/// The proxy's own budget: that of a customer whom everybody belongs to.
fn budget(settings: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let Some(most) = settings.get("max_budget") else { return };
    let reset = settings.get("budget_duration");
    let Some(window) = reset.as_ref().and_then(Node::text).and_then(window) else {
        book.missing(&most.key, "its window is none that a scenario has: 1m 5m 1h 1d 1w 1M 1Q 1Y");
        return;
    };
    let Some(dollars) = most.take(book, "a budget").filter(|dollars| *dollars <= 1e9) else {
        return;
    };
    if let Some(reset) = reset {
        book.understood(&reset.key, "the budget's window");
    }
    let mut proxy = Owner { name: "proxy".to_owned(), ..Owner::default() };
    Limits::put(&mut proxy.limits.budget, window, nano_usd(dollars));
    draft.owners.customers.push(proxy);
    let customer = Some("proxy".to_owned());
    draft.owners.tenants.push(Tenant {
        name: "everybody".to_owned(),
        customer,
        ..Tenant::default()
    });
}

/// Other models, asked one after the other when a model's own retries have failed. What is said first of a model holds.
fn fallbacks(settings: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    for item in settings.get("fallbacks").iter().flat_map(Node::items) {
        for (model, list) in item.chosen() {
            let of: Vec<String> = match model {
                "*" => draft.models().into_iter().map(str::to_owned).collect(),
                _ => safe::name(model).into_iter().collect(),
            };
            follow(&of, &list, draft, book);
        }
    }
    if let Some(list) = settings.get("default_fallbacks") {
        let all: Vec<String> = draft.models().into_iter().map(str::to_owned).collect();
        follow(&all, &list, draft, book);
    }
}

fn follow(models: &[String], list: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let known: Vec<String> = draft.models().into_iter().map(str::to_owned).collect();
    let mut then = Vec::new();
    for item in list.items() {
        match item.text().and_then(safe::name).filter(|name| known.contains(name)) {
            Some(name) => then.push(name),
            None => book.missing(&item.key, "a fallback that is no model of the list"),
        }
    }
    let mut any = false;
    for model in models.iter().filter(|model| known.contains(model)) {
        let then: Vec<String> = then.iter().filter(|name| *name != model).cloned().collect();
        if !then.is_empty() && draft.fallbacks.iter().all(|of| of.model != *model) {
            draft.fallbacks.push(Fallbacks { model: model.clone(), then });
            any = true;
        }
    }
    match any {
        true => book.understood(
            &list.key,
            "a rule that leads to them in this order, each with retries of its own",
        ),
        false => book.missing(&list.key, "it leads from no model of the list to another one"),
    }
}

fn deployment(item: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    let nth = draft.providers.len() + 1;
    let mut provider = Provider::default();
    let (mut vendor_word, mut id) = ("provider", None);
    provider.profile = "plain";
    for (key, node) in item.entries() {
        match key {
            "model_name" => {
                book.understood(&node.key, "a model");
                provider.models = vec![model_name(node.text(), nth)];
            }
            "litellm_params" => params(&node, &mut provider, &mut vendor_word, book),
            "model_info" => {
                for (key, node) in node.entries() {
                    match key {
                        "id" => {
                            id = node.text().and_then(safe::name);
                            match id {
                                Some(_) => book.understood(&node.key, "the provider's name"),
                                None => book.ignored(&node.key, "no plain name: numbered instead"),
                            }
                        }
                        _ => book.ignored(&node.key, "describes the model"),
                    }
                }
            }
            _ => book.ignored(&node.key, "not a key of a deployment that we know"),
        }
    }
    if provider.models.is_empty() {
        book.missing(&item.key, "a deployment without `model_name`");
        return;
    }
    provider.name = draft.free_name(id, vendor_word);
    draft.providers.push(provider);
}

fn params(node: &Node<'_>, provider: &mut Provider, word: &mut &'static str, book: &mut Book) {
    for (key, node) in node.entries() {
        match key {
            "model" => {
                let text = node.text().unwrap_or_default();
                let (of, model) = text.split_once('/').unwrap_or(("openai", text));
                (*word, provider.profile) = vendor(of, model);
                book.understood(&node.key, "the provider's profile");
            }
            "custom_llm_provider" => {
                if let (
                    word_of,
                    profile @ ("azure/gpt-4o"
                    | "anthropic/sonnet"
                    | "bedrock/sonnet"
                    | "vertex/gemini-flash"
                    | "mistral/small"
                    | "openai/gpt-4o"),
                ) = vendor(node.text().unwrap_or_default(), "")
                {
                    (*word, provider.profile) = (word_of, profile);
                }
                book.understood(&node.key, "the provider's profile");
            }
            "tpm" => provider.tpm = node.take(book, "tpm: taken for the provider's own limit"),
            "rpm" => provider.rpm = node.take(book, "rpm: taken for the provider's own limit"),
            "weight" => provider.weight = node.take(book, "weight"),
            "timeout"
            | "stream_timeout"
            | "max_retries"
            | "cooldown_time"
            | "order"
            | "tags"
            | "max_parallel_requests"
            | "max_budget"
            | "budget_duration"
            | "input_cost_per_token"
            | "output_cost_per_token" => {
                book.missing(&node.key, "of one deployment alone: the policy has it for all alike");
            }
            "temperature" | "max_tokens" | "top_p" | "stream" | "drop_params" => {
                book.ignored(&node.key, "an argument of the request");
            }
            _ => book.ignored(&node.key, CREDENTIAL),
        }
    }
}

fn settings(node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    for (key, node) in node.entries() {
        let of_number = match key {
            "num_retries" => Some("num_retries"),
            "allowed_fails" => Some("cooldown.allowed_fails"),
            _ => None,
        };
        let of_time = match key {
            "cooldown_time" => Some("cooldown.time"),
            "timeout" | "request_timeout" => Some("timeout"),
            "retry_after" => Some("retry_after"),
            _ => None,
        };
        match (key, of_number, of_time) {
            (_, Some(parameter), _) => {
                if let Some(number) = node.take(book, &format!("policy.{parameter}")) {
                    draft.set(parameter, format!("{number:.0}"));
                }
            }
            (_, _, Some(parameter)) => {
                if let Some(seconds) = node.take(book, &format!("policy.{parameter}")) {
                    draft.set_seconds(parameter, seconds);
                }
            }
            ("routing_strategy", ..) => {
                let text = node.text().unwrap_or_default();
                match POLICIES.iter().find(|(known, _)| *known == text) {
                    Some((_, policy)) => {
                        draft.policy = policy;
                        book.understood(&node.key, format!("policy {policy}"));
                    }
                    None => book.missing(
                        &node.key,
                        "a strategy that is not modelled; simple-shuffle instead",
                    ),
                }
            }
            ("enable_pre_call_checks" | "disable_cooldowns", ..) => match node.truth() {
                Some(truth) => {
                    book.understood(&node.key, format!("policy.{key}"));
                    draft.set(key, truth.to_string());
                }
                None => book.missing(&node.key, "neither true nor false stands here"),
            },
            ("redis_host" | "redis_url", ..) => {
                book.understood(&node.key, "policy.redis (the address is not read)");
                draft.set("redis", "true");
            }
            ("redis_password" | "redis_port" | "redis_db" | "redis_username", ..) => {
                book.ignored(&node.key, CREDENTIAL);
            }
            ("routing_strategy_args", ..) => strategy_args(&node, draft, book),
            // Read when all models are known.
            ("fallbacks" | "default_fallbacks", ..) => {}
            ("context_window_fallbacks" | "content_policy_fallbacks", ..) => book.missing(
                &node.key,
                "prompts that a model refuses for their length or content are not modelled",
            ),
            ("max_fallbacks", ..) => {
                book.missing(&node.key, "all fallbacks that are named are asked, in their order");
            }
            ("model_group_alias", ..) => {
                book.missing(&node.key, "aliases: ask for the model by its own name");
            }
            ("retry_policy" | "allowed_fails_policy" | "model_group_retry_policy", ..) => {
                book.missing(&node.key, "policies per error class are not modelled");
            }
            ("cache" | "cache_params" | "cache_responses", ..) => {
                book.missing(&node.key, "the gateway's cache is not read from a configuration");
            }
            (
                "provider_budget_config"
                | "default_team_settings"
                | "max_internal_user_budget"
                | "default_team_params",
                ..,
            ) => {
                book.missing(&node.key, "budgets are not read from a configuration");
            }
            // The proxy's own budget, read with its window.
            ("max_budget" | "budget_duration", ..) => {}
            _ => book.ignored(&node.key, "has no part in balancing"),
        }
    }
}

fn strategy_args(node: &Node<'_>, draft: &mut Draft, book: &mut Book) {
    for (key, node) in node.entries() {
        match key {
            "ttl" => {
                if let Some(seconds) = node.take(book, "policy.latency.ttl") {
                    draft.set_seconds("latency.ttl", seconds);
                }
            }
            "lowest_latency_buffer" => {
                if let Some(share) = node.take(book, "policy.latency.buffer") {
                    draft.set("latency.buffer", format!("\"{}%\"", share * 100.0));
                }
            }
            "max_latency_list_size" => {
                if let Some(number) = node.take(book, "policy.latency.samples") {
                    draft.set("latency.samples", format!("{number:.0}"));
                }
            }
            _ => book.missing(&node.key, "an argument that the policy does not have"),
        }
    }
}

/// Simple shuffle draws by the first of weight, rpm and tpm that any deployment of a group has; one that
/// lacks it is not drawn. Written out, so that the limits may be changed without the weights.
fn weigh(draft: &mut Draft) {
    for model in draft.models().iter().map(|model| (*model).to_owned()).collect::<Vec<_>>() {
        let group: Vec<usize> = draft
            .providers
            .iter()
            .enumerate()
            .filter(|(_, provider)| provider.models.contains(&model))
            .map(|(at, _)| at)
            .collect();
        let of: [fn(&Provider) -> Option<f64>; 3] = [|p| p.weight, |p| p.rpm, |p| p.tpm];
        let given = of.into_iter().find(|of| {
            group.iter().any(|at| of(&draft.providers[*at]).is_some_and(|weight| weight > 0.0))
        });
        let Some(of) = given else { continue };
        let weights: Vec<f64> =
            group.iter().map(|at| of(&draft.providers[*at]).unwrap_or(0.0)).collect();
        let most = weights.iter().copied().fold(0.0, f64::max);
        for (at, weight) in group.iter().zip(weights) {
            draft.providers[*at].weight = Some(weight / most);
        }
    }
}
