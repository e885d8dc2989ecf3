//! Configurations written by hand after the documentation of each gateway; secrets in every place.

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::*;
use crate::experiment::{RunPlan, Silent, tapes};

const LITELLM: &str = include_str!("../../tests/data/litellm-config.yaml");
const KONG: &str = include_str!("../../tests/data/kong.yaml");
const BIFROST: &str = include_str!("../../tests/data/bifrost.json");

fn imported(text: &str) -> Import {
    let import = read(text, "mine").unwrap();
    let parsed = crate::scenario::parse("mine", &import.scenario, Path::new(""), &[]);
    parsed.unwrap_or_else(|error| panic!("{error:?}\n{}", import.scenario));
    import
}

fn verdicts(import: &Import) -> String {
    import.lines.iter().map(|line| format!("{line:?}\n")).collect()
}

#[test]
fn litellm_s_deployments_weights_and_cooldowns_are_taken_over() {
    let import = imported(LITELLM);
    assert_eq!(import.gateway, Gateway::LiteLlm);
    let scenario = &import.scenario;
    for part in [
        "name = \"litellm-latency-based\"",
        "num_retries = 3",
        "cooldown.allowed_fails = 5",
        "cooldown.time = \"30s\"",
        "timeout = \"60s\"",
        "redis = true",
        "latency.buffer = \"50%\"",
        "[provider.azure-eastus]\nprofile = \"azure/gpt-4o\"\nmodels = [\"chat\"]\nweight = 1\n\
         tpm = 150000\nrpm = 900\n",
        "[provider.anthropic-main]\nprofile = \"anthropic/sonnet\"",
    ] {
        assert!(scenario.contains(part), "{part}\nin\n{scenario}");
    }
    let verdicts = verdicts(&import);
    for part in [
        "\"router_settings.fallbacks[].*[]\", times: 1, verdict: NotRepresented(\"a fallback that is no model",
        "\"router_settings.fallbacks[].*\", times: 1, verdict: NotRepresented(\"it leads from no model",
        "\"litellm_settings.cache\", times: 1, verdict: NotRepresented",
        "\"model_list[].litellm_params.api_key\", times: 3, verdict: Ignored",
        "\"general_settings.master_key\", times: 1, verdict: Ignored",
    ] {
        assert!(verdicts.contains(part), "{part}\nin\n{verdicts}");
    }
}

/// Three models at a provider each; the first one's is gone for a minute.
const FALLBACKS: &str = "
model_list:
- { model_name: chat, litellm_params: { model: azure/gpt-4o }, model_info: { id: azure } }
- { model_name: large, litellm_params: { model: openai/gpt-4o }, model_info: { id: openai } }
- { model_name: small, litellm_params: { model: openai/gpt-4o-mini }, model_info: { id: mini } }
router_settings:
  num_retries: 1
  fallbacks: [{ chat: [elsewhere, small, large] }]
  context_window_fallbacks: [{ chat: [large] }]
litellm_settings:
  default_fallbacks: [small]
";

#[test]
fn litellm_s_fallbacks_are_rules_that_lead_to_other_models() {
    let import = imported(FALLBACKS);
    in_order(
        &import.scenario,
        &[
            "[tenant.everybody]",
            "when = \"model == 'chat'\"\nto = \"*:chat\"\nfallbacks = [\"*:small\", \"*:large\"]\n",
            "when = \"model == 'large'\"\nto = \"*:large\"\nfallbacks = [\"*:small\"]\n",
        ],
    );
    assert_eq!(import.scenario.matches("[[rule]]").count(), 2, "small has no other model to go to");
    let said = verdicts(&import);
    for part in [
        "\"router_settings.fallbacks[].*[]\", times: 1, verdict: NotRepresented(\"a fallback that is no model",
        "\"router_settings.fallbacks[].*\", times: 1, verdict: Understood",
        "\"litellm_settings.default_fallbacks\", times: 1, verdict: Understood",
        "\"router_settings.context_window_fallbacks\", times: 1, verdict: NotRepresented(\"prompts that",
    ] {
        assert!(said.contains(part), "{part}\nin\n{said}");
    }
    // What they are for: whoever asked for chat is answered by another model while Azure is gone.
    let overrides = ["rps=5".to_owned()];
    let with = |text: &str| {
        let parsed = crate::scenario::parse("mine", text, Path::new(""), &overrides).unwrap();
        let (policy, settings) = (parsed.policy.spec, &parsed.policy.settings);
        let plan = RunPlan { scenario: &parsed, policy, settings, seed: 1, replications: 1 };
        tapes(&plan, &Silent).unwrap().remove(0)
    };
    let (then, without) = import.scenario.split_once("[[rule]]").unwrap();
    let fault = &without[without.find("[[fault]]").unwrap()..];
    let (led, alone) = (with(&import.scenario), with(&format!("{then}{fault}")));
    assert!(led.rules[0].fell_back > 50, "{:?}", led.rules);
    assert_eq!(led.rules[1].fell_back, 0, "OpenAI was well");
    let failed = |tape: &crate::metrics::Tape| tape.tenants[0].failed;
    assert!(failed(&led) * 10 < failed(&alone), "{} {}", failed(&led), failed(&alone));
}

/// A share of 1500 % is more than the policy takes.
#[test]
fn what_a_policy_does_not_take_stays_at_its_default_and_is_said() {
    let import =
        imported(&LITELLM.replace("lowest_latency_buffer: 0.5", "lowest_latency_buffer: 15"));
    assert!(!import.scenario.contains("latency.buffer"), "{}", import.scenario);
    let said = verdicts(&import);
    let part = "\"policy.latency.buffer\", times: 1, verdict: NotRepresented(\"\\\"1500%\\\" is not from 0%";
    assert!(said.contains(part), "{said}");
}

#[test]
fn kong_s_balancer_and_targets_are_taken_over() {
    let import = imported(KONG);
    assert_eq!(import.gateway, Gateway::Kong);
    for part in [
        "algorithm = \"least_connections\"",
        "retries = 3",
        "criteria.http_429 = true",
        "criteria.http_500 = false",
        "breaker.max_fails = 3",
        "breaker.fail_timeout = \"10s\"",
        "timeout.read = \"30s\"",
        "models = { chat = 1 }",
        "[provider.azure-gpt-4o]",
        "weight = 70",
        "[provider.openai-gpt-4o-mini]\nprofile = \"openai/gpt-4o-mini\"",
    ] {
        assert!(import.scenario.contains(part), "{part}\nin\n{}", import.scenario);
    }
    let verdicts = verdicts(&import);
    assert!(verdicts.contains("ai-rate-limiting-advanced: limits of clients"), "{verdicts}");
    assert!(verdicts.contains("connect_timeout"), "{verdicts}");
}

#[test]
fn bifrost_s_providers_keys_and_retries_are_taken_over() {
    let import = imported(BIFROST);
    assert_eq!(import.gateway, Gateway::Bifrost);
    for part in [
        "name = \"bifrost-oss\"",
        "retry.backoff_first = \"0.25s\"",
        "retry.backoff_max = \"4s\"",
        "timeout.request = \"20s\"",
        "keys = [{ name = \"first\", weight = 0.7 }, { name = \"second\", weight = 0.3 }]",
        "concurrency = 300",
        "queue = 900",
        "[provider.azure]\nprofile = \"azure/gpt-4o\"",
    ] {
        assert!(import.scenario.contains(part), "{part}\nin\n{}", import.scenario);
    }
    let verdicts = verdicts(&import);
    assert!(verdicts.contains("another value than the first provider's"), "{verdicts}");
}

/// Parts that stand in a scenario, in this order.
fn in_order(scenario: &str, parts: &[&str]) {
    let mut rest = scenario;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part}\nin order in\n{scenario}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn who_may_use_what_becomes_tenants_teams_and_customers() {
    let import = imported(BIFROST);
    in_order(
        &import.scenario,
        &[
            "[customer.acme]\nlimits = { budget = { \"1M\" = \"500 USD\" }, spent = \"120.5 USD\", calendar = true }\n",
            "[team.research]\ncustomer = \"acme\"\nlimits = { budget = { \"1d\" = \"20.5 USD\" } }\n",
            "[team.research-2]\n",
            "[tenant.notebooks]",
            "team = \"research\"\nlimits = { requests = { \"1h\" = 1000 }, tokens = { \"1m\" = 200000 } }\n",
            "[tenant.notebooks.provider.openai]\nweight = 0.8\nmodels = [\"gpt-4o-mini\"]\nkeys = [\"first\"]\n",
            "[tenant.notebooks.provider.azure]\nweight = 0.2\n",
            "[tenant.key-2]",
            "customer = \"acme\"\n",
        ],
    );
    assert!(!import.scenario.contains("tenant.old"), "a key that is switched off");
    let said = verdicts(&import);
    for part in [
        "\"governance.virtual_keys[].value\", times: 2, verdict: Ignored",
        "\"governance.budgets[].max_limit\", times: 2, verdict: Understood",
        "\"governance.budgets[].max_limit\", times: 1, verdict: NotRepresented",
        "\"governance.virtual_keys[].provider_configs[]\", times: 1, verdict: NotRepresented",
        "\"governance.auth_config\", times: 1, verdict: Ignored",
    ] {
        assert!(said.contains(part), "{part}\nin\n{said}");
    }
    let import = imported(KONG);
    in_order(
        &import.scenario,
        &["[tenant.shop]", "requests = { \"1m\" = 600 }", "[tenant.consumer-2]"],
    );
    assert!(
        verdicts(&import).contains("plugins[].config.second\", times: 1, verdict: NotRepresented")
    );
    let import = imported(LITELLM);
    let proxy =
        "[customer.proxy]\nlimits = { budget = { \"1M\" = \"250.5 USD\" } }\n[tenant.everybody]";
    in_order(&import.scenario, &[proxy, "customer = \"proxy\""]);
}

#[test]
fn no_secret_comes_through() {
    for text in [LITELLM, KONG, BIFROST] {
        assert!(text.contains("SECRET"));
        let import = imported(text);
        let said = format!("{}{}", import.scenario, verdicts(&import));
        assert!(!said.contains("SECRET"), "{said}");
    }
}

/// Puts a secret in place of the n-th text of a configuration.
fn poisoned(value: &mut Value, left: &mut usize, secret: &str) -> bool {
    match value {
        Value::String(text) => {
            if *left == 0 {
                secret.clone_into(text);
                return true;
            }
            *left -= 1;
            false
        }
        Value::Array(list) => list.iter_mut().any(|item| poisoned(item, left, secret)),
        Value::Object(map) => map.iter_mut().any(|(_, item)| poisoned(item, left, secret)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[test]
fn a_secret_in_any_place_is_neither_copied_nor_shown() {
    let parse = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap();
    for text in [LITELLM, KONG, BIFROST] {
        for secret in [
            "sk-CANARY0123456789abcdef",
            "os.environ/CANARY",
            "env.CANARY",
            "Bearer CANARY",
            "CANARY9f8e7d6c5b4a39281706f5e4d3c2b1a0",
            "https://user:CANARY@host/path",
        ] {
            for place in 0.. {
                let mut value = parse(text);
                if !poisoned(&mut value, &mut place.clone(), secret) {
                    break;
                }
                let said = match read(&value.to_string(), "mine") {
                    Ok(import) => format!("{}{}", import.scenario, verdicts(&import)),
                    Err(error) => error.to_string(),
                };
                assert!(!said.contains("CANARY"), "{secret} in place {place}: {said}");
            }
        }
    }
}

#[test]
fn what_is_no_configuration_is_refused_in_one_sentence_that_quotes_nothing() {
    let cases = [
        ("{ \"model_list\": [ \"CANARY", "not valid YAML or JSON (line 1"),
        ("a: [CANARY", "not valid YAML or JSON"),
        ("- CANARY", "not recognised"),
        ("", "not recognised"),
        ("model_list: []", "LiteLLM: no deployment"),
        ("model_list: [{ litellm_params: { model: CANARY } }]", "LiteLLM: no deployment"),
        ("_format_version: \"3.0\"", "Kong: no deployment"),
        ("{\"providers\": {}}", "Bifrost: no deployment"),
    ];
    for (text, expected) in cases {
        let error = read(text, "mine").unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("CANARY"), "{text}: {error}");
    }
    let name_only = json!({ "model_list": [{ "model_name": "chat" }] });
    assert!(imported(&name_only.to_string()).scenario.contains("[provider.provider-1]"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_a_scenario_or_one_error(text in "\\PC{0,300}") {
        let _ = read(&text, "mine");
    }

    #[test]
    fn a_configuration_cut_or_changed_anywhere_gives_a_scenario_or_one_error(
        which in 0usize..3,
        cut in 0usize..3_000,
        byte in 32u8..127,
    ) {
        let text = [LITELLM, KONG, BIFROST][which];
        let mut bytes = text.as_bytes().to_vec();
        let at = cut % bytes.len();
        bytes[at] = byte;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        for text in [changed.as_str(), &text[..at]] {
            if let Ok(import) = read(text, "mine") {
                let parsed = crate::scenario::parse("mine", &import.scenario, Path::new(""), &[]);
                prop_assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), import.scenario);
            }
        }
    }
}
