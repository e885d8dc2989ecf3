//! What a claim file may say, and where a wrong one points.

use std::fs;

use super::*;

const GOOD: &str = r#"# Is it so?
[claim]
system = "Kong"
says = "A failing target is out."
source = "Kong, a page, 2026"
kind = "scenario"
policy = { name = "kong-docs-tuned", breaker.max_fails = 2 }
[scenario]
file = "world.toml"
set = ["rps=20"]
replications = 3
[[expect]]
metric = "time_to_failed"
stat = "p50"
max = "12s"
"#;

const WORLD: &str = r#"# Who notices?
rps = 10
duration = "60s"
policy = "random"
[provider]
a = { profile = "plain" }
b = { profile = "plain" }
[[fault]]
kind = "error-burst"
on = "a"
start = "20s"
lasts = "20s"
"#;

const OVERHEAD: &str = r#"[claim]
system = "Bifrost"
says = "Fast."
source = "Maxim"
kind = "overhead"
policy = "bifrost-published"
[overhead]
routes = 12
[[expect]]
metric = "decision_time"
stat = "p99"
max = "10us"
"#;

const DOCUMENTS: &str = r#"[claim]
system = "LiteLLM"
says = "Open."
source = "BerriAI"
kind = "documents"
[documents]
finding = "contradicted"
says = "Closed."
source = "BerriAI, another page"
"#;

fn read(text: &str) -> Result<Claim, ScenarioError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("world.toml"), WORLD).unwrap();
    parse(&folder.path().join("claim.toml"), text)
}

/// One change in a good claim, what its error must point at, and what it must say.
fn refused(text: &str, from: &str, to: &str, place: &str, says: &[&str]) {
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    let error = read(&text).expect_err(to);
    let all = format!("{error} | {} | {}", error.expected(), error.help().unwrap_or_default());
    let (line, column) = error.line_column().expect("it is in the text");
    let found = &text.lines().nth(line - 1).unwrap()[column - 1..];
    assert!(found.starts_with(place), "{to}: not {place} but {found}: {all}");
    for part in says {
        assert!(all.contains(part), "{to}: {part} in {all}");
    }
}

#[test]
fn each_kind_is_read_with_its_policy_and_bounds() {
    let claim = read(GOOD).unwrap();
    assert_eq!((claim.name.as_str(), claim.system.name()), ("claim", "Kong"));
    assert_eq!((claim.expects[0].stat, claim.expects[0].max), (Stat::P50, Some(12.0)));
    let Test::Scenario { scenario, policy, replications, file, .. } = claim.test else {
        panic!("another kind")
    };
    assert_eq!((policy.settings.get("breaker.max_fails"), replications), (2.0, 3));
    assert_eq!((scenario.spec.pool.offered_rps, file.as_str()), (20.0, "world.toml"));
    let Test::Scenario { replications, .. } =
        read(&GOOD.replace("replications = 3\n", "")).unwrap().test
    else {
        panic!("another kind")
    };
    assert_eq!(replications, 10);
    let Test::Overhead { routes, .. } = read(OVERHEAD).unwrap().test else {
        panic!("another kind")
    };
    assert_eq!(routes, 12);
    let Test::Documents { finding, says, .. } = read(DOCUMENTS).unwrap().test else {
        panic!("another kind")
    };
    assert_eq!((finding, says.as_str()), (Finding::Contradicted, "Closed."));
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    let unknown = "expected a policy such as";
    let wrong = |from: &str, to: &str, place: &str, says: &[&str]| {
        refused(GOOD, from, to, place, says);
    };
    wrong("kong-docs-tuned", "kong-doc-tuned", "\"kong-doc", &["no policy", unknown, "did you"]);
    wrong("max_fails = 2", "max_fail = 2", "2 }", &["no parameter `breaker.max_fail`"]);
    wrong("time_to_failed", "time_to_fail", "\"time_to_fail\"", &["no metric", "time_to_failed"]);
    wrong("time_to_failed", "regret", "\"regret\"", &["needs a run of the oracle"]);
    wrong("stat = ", "start = ", "start", &["unknown key `start`", "did you mean"]);
    wrong("says = ", "say = ", "say", &["unknown key `say`", "did you mean `says`"]);
    wrong("\"Kong\"", "\"King\"", "\"King\"", &["unknown word `King`", "did you mean `Kong`"]);
    wrong("world.toml", "word.toml", "\"word.toml\"", &["there is no scenario", "relative to"]);
    wrong("replications = 3", "replications = 0", "0", &["from 1 to 1,000"]);
    wrong("max = \"12s\"", "", "[[expect]]", &["expects nothing"]);
    wrong("stat =", "fault = \"c\"\nstat =", "\"c\"", &["there is no fault `c`"]);
    wrong("\"scenario\"", "\"overhead\"", "scenario", &["`scenario` is not its kind"]);
    wrong("[[expect]]", "[overhead]\nroutes = 9\n[[expect]]", "overhead", &["is not its kind"]);
    wrong("\"rps=20\"", "\"fault=[]\"", "\"time_to", &["belongs to a fault", "there are 0"]);
}

#[test]
fn other_kinds_have_rules_of_their_own() {
    let overhead = |from: &str, to: &str, place: &str, says: &[&str]| {
        refused(OVERHEAD, from, to, place, says);
    };
    overhead("bifrost-published", "random", "\"random\"", &["only the adaptive engine"]);
    overhead("= 12", "= 3", "3", &["from 4 to 10,000"]);
    overhead("decision_time", "time_to_state", "\"time_to_state\"", &["decision_time"]);
    overhead("p99", "p95", "\"p95\"", &["p50"]);
    overhead("policy = \"bifrost-published\"\n", "", "claim", &["`policy` is missing"]);
    let nothing = OVERHEAD.split("[[expect]]").next().unwrap();
    refused(nothing, "Fast.", "Fast!", "claim", &["at least one [[expect]]"]);
    let word = &["unknown word", "contradicted"];
    refused(DOCUMENTS, "contradicted", "wrong", "\"wrong\"", word);
    let policy = "policy = \"random\"\n[documents]";
    refused(DOCUMENTS, "[documents]", policy, "\"random\"", &["no policy"]);
    let expect = "[[expect]]\nmetric = \"jain\"\nmax = 1\n[documents]";
    refused(DOCUMENTS, "[documents]", expect, "expect", &["expects nothing"]);
    let bare = DOCUMENTS.split("[documents]").next().unwrap();
    refused(bare, "Open.", "Open!", "\"documents\"", &["a table [documents]"]);
}

#[test]
fn a_wrong_scenario_is_shown_itself() {
    let error = read(&GOOD.replace("rps=20", "rps=-1")).unwrap_err();
    assert!(error.message().contains("`rps` cannot be -1"), "{error:?}");
    assert!(error.help().unwrap_or_default().contains("--set rps=-1"), "{error:?}");
}

#[test]
fn every_committed_claim_is_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/claims");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let claim = load(&path).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
            assert!(claim.name.starts_with(&claim.system.name().to_lowercase()), "{}", claim.name);
            assert!(claim.says.ends_with('.') && !claim.source.is_empty(), "{}", claim.name);
            assert!(claim.note.is_none_or(|note| note.ends_with('.')), "{}", claim.name);
            names.push(claim.name);
        }
    }
    assert!(names.len() >= 30, "{names:?}");
}
