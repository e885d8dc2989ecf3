//! What a check cries wolf about, and what it sees, as numbers: a campaign of minutes, on demand.
//!
//! `cargo test --release --test it check_power -- --ignored` renews the tables of `docs/check-power.md`; WINDTUNNEL
//! names another program than the one that was built for the test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::program::{Desk, Ended};

/// A world of a minute and a half; its fault follows.
const WORLD: &str = r#"# Who notices?
rps = 60
duration = "90s"
policy = "windtunnel"
[workload]
models = { chat = 1 }
client = { deadline = "6s" }
[provider]
azure = { profile = "azure/gpt-4o", keys = 2, tpm = "200%" }
openai = { profile = "openai/gpt-4o", keys = 2, tpm = "200%" }
mistral = { profile = "plain", tpm = "200%" }
[[fault]]
on = "azure"
start = "62s"
"#;

/// Three short faults: all answers fail, a fifth of them, and all are slow.
const FAULTS: [(&str, &str); 3] = [
    ("dead", "kind = \"hard-outage\"\nlasts = \"8s\"\nerror = { rate = \"100%\", status = 503 }\n"),
    ("grey", "kind = \"error-burst\"\nlasts = \"15s\"\nerror = { rate = \"20%\", status = 500 }\n"),
    ("slow", "kind = \"brown-out\"\nlasts = \"15s\"\nttft = 5\ndecode = 5\n"),
];

/// Independent checks of two builds that differ in nothing but luck. With none red among so many, Wilson's upper
/// end for the rate is below 1 %.
const CHECKS: u64 = 400;
/// Checks of each injected regression.
const TRIES: u64 = 20;

/// Regressions by the engine's own parameters.
const INJECTED: [(&str, &str); 4] = [
    ("keys come back too soon", "windtunnel{backoff.first=1s,backoff.cap=2s}"),
    ("forgets at once", "windtunnel{error.tau_fast=1s,error.tau_slow=1s}"),
    ("ticks a sixth as often", "windtunnel{interval=30s,state.window=30s,momentum.window=30s}"),
    ("needs many errors", "windtunnel{state.min_errors=40,state.min_attempts=80}"),
];

/// Gates, as many as a scenario may have at once.
const GATES: [[&str; 3]; 2] = [
    ["leak_ratio", "time_to_detect", "time_to_recover_user"],
    ["slo_attainment", "regret", "false_alarms"],
];

fn check(desk: &Desk, args: &[&str]) -> Ended {
    let program =
        std::env::var_os("WINDTUNNEL").unwrap_or_else(|| env!("CARGO_BIN_EXE_windtunnel").into());
    let ended = Ended::of(Command::new(program).arg("check").args(args).current_dir(desk.path("")));
    assert!(matches!(ended.code, Some(0 | 98)), "{args:?}: {}", ended.stderr);
    ended
}

fn write_worlds(desk: &Desk, folder: &str, gates: &[&str]) {
    let gate = |metric: &&str| format!("[[expect]]\nmetric = \"{metric}\"\ngate = true\n");
    let gates: String = gates.iter().map(gate).collect();
    for (name, fault) in FAULTS {
        desk.write(&format!("{folder}/{name}.toml"), format!("{WORLD}{fault}{gates}"));
    }
}

fn read(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

/// All gates of a report.
fn gates(report: &serde_json::Value) -> Vec<&serde_json::Value> {
    let subjects = report["subjects"].as_array().unwrap();
    subjects.iter().flat_map(|subject| subject["gates"].as_array().unwrap()).collect()
}

/// Checks of two builds with other luck: each on a seed of its own, so that they are independent.
fn false_alarms() -> String {
    let desk = Desk::new();
    write_worlds(&desk, "s", &["leak_ratio", "time_to_recover_user", "slo_attainment"]);
    let [mut red, mut compared, mut suspicious, mut undecided, mut same] = [0; 5];
    for nth in 0..CHECKS {
        let (seed, keys) = ((1_000 + nth).to_string(), [2 * nth + 1, 2 * nth + 2]);
        let [one, two] = keys.map(|key| key.to_string());
        let base = ["s", "--baseline", "b.json", "--luck-key"];
        let update = ["--update", "--seed", &seed, "-R", "10", "--max-replications", "20"];
        let _ = std::fs::remove_file(desk.path("b.json"));
        check(&desk, &[&base[..], &[&one], &update].concat());
        let ended = check(&desk, &[&base[..], &[&two, "--format", "json"]].concat());
        let report = read(&ended);
        red += u64::from(ended.code == Some(98));
        for gate in gates(&report) {
            let outcome = &gate["outcome"];
            compared += 1;
            suspicious += u64::from(outcome["replications"] != 10);
            undecided += u64::from(outcome["verdict"] == "undecided");
            same += u64::from(gate["values"] == gate["reference"]);
        }
    }
    let (low, high) = wilson(red, CHECKS);
    let share = |n: u64| format!("{n} ({:.1} %)", 100.0 * n as f64 / compared as f64);
    format!(
        "| checks | red | rate, 95 % | gates compared | looked at twice | undecided at the end | equal on both sides |\n\
         |---|---|---|---|---|---|---|\n| {CHECKS} | {red} | {:.2} % to {:.2} % | {compared} | {} | {} | {} |\n",
        100.0 * low,
        100.0 * high,
        share(suspicious),
        share(undecided),
        share(same),
    )
}

/// Wilson's interval of a share.
fn wilson(hits: u64, of: u64) -> (f64, f64) {
    let (n, z) = (of as f64, 1.959_964);
    let p = hits as f64 / n;
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((centre - half) / scale).max(0.0), (centre + half) / scale)
}

/// How often each gate finds an injected regression, by replications.
fn power() -> String {
    let mut rows = String::from(
        "| changed | fault | gate | mean change | found with R = 10 | 20 | 40 |\n|---|---|---|---|---|---|---|\n",
    );
    for (what, policy) in INJECTED {
        // (fault, gate) → (sum of changes, sum of what it was, found by R).
        let mut table: BTreeMap<(String, String), (f64, f64, [u64; 3])> = BTreeMap::new();
        for gates_of in GATES {
            let desk = Desk::new();
            write_worlds(&desk, "s", &gates_of);
            for (at, replications) in ["10", "20", "40"].into_iter().enumerate() {
                for nth in 0..TRIES {
                    let seed = (5_000 + nth).to_string();
                    let args = ["s", "--policy", policy, "--against", "windtunnel"];
                    let runs = ["-R", replications, "--max-replications", replications];
                    let more = ["--seed", &seed, "--format", "json"];
                    let report = read(&check(&desk, &[&args[..], &runs, &more].concat()));
                    for subject in report["subjects"].as_array().unwrap() {
                        for gate in subject["gates"].as_array().unwrap() {
                            let text =
                                |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                            let key = (text(&subject["scenario"]), text(&gate["metric"]));
                            let entry = table.entry(key).or_default();
                            let outcome = &gate["outcome"];
                            if at == 2 {
                                entry.0 += outcome["difference"].as_f64().unwrap_or(0.0);
                                entry.1 += outcome["reference_mean"].as_f64().unwrap_or(0.0);
                            }
                            entry.2[at] += u64::from(outcome["verdict"] == "regression");
                        }
                    }
                }
            }
        }
        for ((fault, gate), (change, was, found)) in table {
            // What got no worse is no regression by that gate.
            if found.iter().any(|n| *n > 0) {
                let relative = if was == 0.0 { "from 0".to_owned() } else { signed(change / was) };
                writeln!(
                    rows,
                    "| {what} | {fault} | `{gate}` | {relative} | {} of {TRIES} | {} | {} |",
                    found[0], found[1], found[2]
                )
                .unwrap();
            }
        }
    }
    rows
}

fn signed(share: f64) -> String {
    let sign = if share < 0.0 { '−' } else { '+' };
    format!("{sign}{:.1} %", 100.0 * share.abs())
}

/// Puts a table between its marks.
fn put(page: &str, mark: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {mark} -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    format!("{before}{begin}{table}{end}{after}")
}

/// Renews a table of the page.
fn renew(mark: &str, table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check-power.md");
    let page = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, put(&page, mark, table)).unwrap();
}

#[test]
#[ignore = "minutes; renews a table of docs/check-power.md"]
fn renew_false_alarms() {
    renew("false alarms", &false_alarms());
}

#[test]
#[ignore = "minutes; renews a table of docs/check-power.md"]
fn renew_power() {
    renew("power", &power());
}

#[test]
fn the_page_has_places_for_its_tables() {
    let page = include_str!("../../docs/check-power.md");
    for mark in ["false alarms", "power"] {
        assert!(put(page, mark, "x\n").contains(&format!("<!-- {mark} -->\nx\n<!-- end")));
    }
    // None among 400 bounds the rate below 1 %; none among 90, as it was before, does not.
    assert!(wilson(0, CHECKS).1 < 0.01 && wilson(0, 90).1 > 0.01);
}
