//! Routing rules in scenarios: who is led where, what happens when that fails, and what a wrong rule is told.

use std::path::Path;

use windtunnel::metrics::{DENIALS, RuleTape, Tape};
use windtunnel::scenario::{self, ScenarioError};

use crate::tape::tape;

const BASE: &str = r#"
rps = 60
duration = "20s"
policy = "windtunnel"
[workload]
models = { chat = 80, small = 20 }
prompt = { median = 1_000, p90 = 1_500 }
output = { median = 100, p90 = 200, max_tokens = 400 }
[provider]
azure = { profile = "azure/gpt-4o", keys = 2 }
mistral = { profile = "mistral/small", keys = 2 }
[team.research]
[tenant.lab]
team = "research"
[tenant.shop]
"#;

fn parse(tables: &str) -> Result<scenario::Scenario, ScenarioError> {
    scenario::parse("test.toml", &format!("{BASE}{tables}"), Path::new(""), &[])
}

fn run_under(policy: &str, tables: &str) -> Tape {
    tape(policy, &format!("{BASE}{tables}"))
}

fn run(tables: &str) -> Tape {
    run_under("windtunnel", tables)
}

/// First attempts by provider and model: azure:chat, azure:small, mistral:chat, mistral:small.
fn first(tape: &Tape) -> [u32; 4] {
    let of = |at: usize| tape.route_totals[2 * at].first + tape.route_totals[2 * at + 1].first;
    [of(0), of(1), of(2), of(3)]
}

fn rule(tape: &Tape, at: usize) -> &RuleTape {
    &tape.rules[at]
}

#[test]
fn a_rule_that_never_matches_changes_nothing_and_one_that_does_leads() {
    let plain = run("");
    let never = run("[[rule]]\nwhen = \"budget_used > 0\"\nto = \"mistral\"\n");
    assert_eq!(never.digest, plain.digest);
    assert_eq!(rule(&never, 0).matched, 0);
    for policy in ["windtunnel", "random", "kong-default", "litellm-simple-shuffle"] {
        let tape = run_under(policy, "[[rule]]\nwhen = \"model == 'chat'\"\nto = \"mistral\"\n");
        let [azure_chat, azure_small, mistral_chat, _] = first(&tape);
        assert_eq!((azure_chat, azure_small > 50), (0, true), "{policy}");
        assert_eq!(rule(&tape, 0).matched, u64::from(mistral_chat), "{policy}");
        assert!(rule(&tape, 0).good > 9 * rule(&tape, 0).matched / 10, "{policy}");
    }
}

#[test]
fn the_cheap_provider_serves_once_most_of_the_budget_is_used() {
    let tape = run("[team.research.limits]\nbudget = { \"1d\" = \"2 USD\" }\n\
                    [[rule]]\nname = \"dear\"\nteam = \"research\"\nwhen = \"budget_used <= 50\"\nto = \"azure\"\n\
                    [[rule]]\nname = \"cheap\"\nteam = \"research\"\nwhen = \"true\"\nto = \"mistral\"\n");
    let (dear, cheap) = (rule(&tape, 0), rule(&tape, 1));
    // Half a cent each, so two hundred of them; the rest of some six hundred is cheap and stays within the budget.
    assert!((200..420).contains(&dear.matched), "{dear:?}");
    assert!(cheap.matched > 150, "{cheap:?}");
    let lab = &tape.tenants[0];
    assert_eq!(dear.matched + cheap.matched, lab.offered);
    assert_eq!(lab.refusals(), 0);
}

#[test]
fn the_narrowest_scope_decides_and_then_the_priority() {
    let tape = run("[[rule]]\nwhen = \"true\"\nto = \"azure\"\n\
                    [[rule]]\nteam = \"research\"\npriority = 9\nwhen = \"true\"\nto = \"azure\"\n\
                    [[rule]]\nteam = \"research\"\npriority = 2\nwhen = \"stream\"\nto = \"mistral\"\n\
                    [[rule]]\ntenant = \"shop\"\nwhen = \"virtual_key_name == 'shop' && team_name == ''\"\nto = { azure = 1, mistral = 3 }\n");
    let matched: Vec<u64> = tape.rules.iter().map(|rule| rule.matched).collect();
    let (lab, shop) = (tape.tenants[0].offered, tape.tenants[1].offered);
    assert_eq!((matched[0], matched[1] + matched[2], matched[3]), (0, lab, shop));
    let [a, b, c, d] = first(&tape).map(f64::from);
    assert!(matched[2] > matched[1]);
    let expected = matched[2] as f64 + 0.75 * shop as f64;
    assert!(((c + d) - expected).abs() < 0.05 * (a + b + c + d), "{c} + {d}, not {expected}");
}

#[test]
fn another_model_is_asked_for_and_rules_that_chain_see_it() {
    let tape = run(
        "[[rule]]\nwhen = \"model == 'chat' && prompt_tokens > 1000\"\nto = \"*:small\"\nchain = true\n\
                    [[rule]]\npriority = 1\nwhen = \"model == 'small'\"\nto = \"mistral\"\n",
    );
    let [azure_chat, azure_small, mistral_chat, mistral_small] = first(&tape);
    assert_eq!(azure_small, 0);
    assert!(azure_chat + mistral_chat > 300, "short prompts go on as they were");
    assert_eq!(rule(&tape, 1).matched, u64::from(mistral_small));
    assert!(rule(&tape, 0).matched > 300 && rule(&tape, 1).matched > rule(&tape, 0).matched);
}

#[test]
fn a_target_that_fails_is_followed_by_its_fallbacks_under_any_policy() {
    let outage =
        "[[fault]]\nkind = \"hard-outage\"\non = \"azure\"\nstart = \"0s\"\nlasts = \"20s\"\n";
    let rules = |fallbacks| {
        format!("[[rule]]\nwhen = \"true\"\nto = \"azure\"\nfallbacks = {fallbacks}\n{outage}")
    };
    for policy in ["windtunnel", "random", "bifrost-oss"] {
        let alone = run_under(policy, &rules("[]"));
        assert_eq!((alone.totals.good, rule(&alone, 0).fell_back), (0, 0), "{policy}");
        let tape = run_under(policy, &rules("[\"mistral:small\"]"));
        let rule = rule(&tape, 0);
        assert!(tape.totals.good > 8 * tape.totals.offered / 10, "{policy}: {:?}", tape.totals);
        assert_eq!(rule.good, tape.totals.good, "{policy}");
        assert!(rule.fell_back >= rule.good, "{policy}: {rule:?}");
        assert!(tape.route_totals[4].attempts == 0, "mistral:chat was not named");
    }
}

#[test]
fn no_rule_leads_where_a_key_may_not_go_and_used_up_providers_are_passed_over() {
    let only = "[tenant.shop.provider]\nazure = { weight = 1 }\n";
    let rules = "[[rule]]\ntenant = \"shop\"\nwhen = \"true\"\nto = \"mistral\"\n";
    let tape = run(&format!("{only}{rules}"));
    let blocked = DENIALS.iter().position(|name| *name == "provider_blocked").unwrap();
    assert_eq!(tape.tenants[1].denied[blocked], tape.tenants[1].offered);
    let rules = rules.replace("\"mistral\"\n", "\"mistral\"\nfallbacks = [\"azure\"]\n");
    let tape = run(&format!("{only}{rules}"));
    assert_eq!(tape.tenants[1].refusals(), 0);
    let rules = "[governance.provider]\nmistral = { requests = { \"1m\" = 10 } }\n\
                 [[rule]]\nwhen = \"true\"\nto = \"mistral\"\nfallbacks = [\"azure\"]\n";
    let tape = run(rules);
    // One that fails is taken back.
    assert!((10..=12).contains(&(first(&tape)[2] + first(&tape)[3])));
    assert_eq!(tape.tenants[0].refusals() + tape.tenants[1].refusals(), 0);
}

#[test]
fn weights_lead_to_the_next_provider_when_the_first_fails() {
    let tables = "[tenant.lab.provider]\nazure = { weight = 9 }\nmistral = { weight = 0 }\n\
                  [tenant.shop.provider]\nazure = { weight = 9 }\n\
                  [[fault]]\nkind = \"hard-outage\"\non = \"azure\"\nstart = \"0s\"\nlasts = \"20s\"\n";
    for policy in ["random", "litellm-simple-shuffle"] {
        let tape = run_under(policy, tables);
        let (lab, shop) = (&tape.tenants[0], &tape.tenants[1]);
        assert!(lab.good > 8 * lab.offered / 10, "{policy}: {} of {}", lab.good, lab.offered);
        assert_eq!(shop.good, 0, "{policy}: there is nobody else");
        if policy == "random" {
            let cheap = first(&tape)[2] + first(&tape)[3];
            assert_eq!(cheap, 0, "a weight of 0 is never first while the other is tried at all");
        }
    }
}

#[test]
fn a_wrong_rule_is_shown_with_its_place_in_the_expression() {
    let refused = |tables: &str| parse(tables).unwrap_err();
    let place = |when: &str| {
        let error = refused(&format!("[[rule]]\nto = \"azure\"\nwhen = {when}\n"));
        let (line, column) = error.line_column().unwrap();
        (line - BASE.lines().count(), column, format!("{error} {}", error.help().unwrap_or("")))
    };
    let (line, column, said) = place("\"true && budget_usd > 80\"");
    assert_eq!((line, column), (3, 17), "{said}");
    assert!(said.contains("did you mean `budget_used`"), "{said}");
    let (line, column, said) = place("\"model == \\\"a\\\" && > 80\"");
    assert_eq!(line, 3);
    assert!(column >= 26, "{column}: {said}");
    let (line, column, _) = place("'''\ntrue &&\nbudgets > 1'''");
    assert_eq!((line, column), (5, 1));
    let (line, _, said) = place("\"budget_used\"");
    assert!(line == 3 && said.contains("not true or false"), "{said}");
    let cases = [
        ("[[rule]]\nwhen = \"true\"\nto = \"azrue\"\n", "did you mean `azure`"),
        ("[[rule]]\nwhen = \"true\"\nto = \"*\"\n", "no place to lead to"),
        ("[[rule]]\nwhen = \"true\"\nto = { azure = 0 }\n", "leads nowhere"),
        ("[[rule]]\nwhen = \"true\"\nto = \"azure\"\nfallbacks = [\"mistral:smal\"]\n", "`small`"),
        ("[[rule]]\nwhen = \"true\"\nto = \"azure\"\nteam = \"reserch\"\n", "`research`"),
        (
            "[[rule]]\nwhen = \"true\"\nto = \"azure\"\nteam = \"research\"\ntenant = \"lab\"\n",
            "one scope",
        ),
        ("[[rule]]\nwhen = \"true\"\nto = 5\n", "a provider such as"),
    ];
    for (tables, part) in cases {
        let error = refused(tables);
        let said = format!("{error} {} {}", error.expected(), error.help().unwrap_or_default());
        assert!(said.contains(part), "{tables}: {said}");
    }
}
