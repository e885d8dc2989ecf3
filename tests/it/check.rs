//! `windtunnel check` through the binary: exit codes, the files it leaves, and what it refuses.

use crate::program::{Desk, Ended};

/// The short world with an expectation that holds and a gate.
fn desk() -> Desk {
    let desk = Desk::new();
    let world = desk.read("short.toml").replace("bifrost-published", "windtunnel");
    let expect = "[[expect]]\nmetric = \"slo_attainment\"\nstat = \"mean\"\nmin = \"50%\"\n\
                  [[expect]]\nmetric = \"leak_ratio\"\ngate = true\nslack = 0.001\n";
    desk.write("s/short.toml", format!("{world}{expect}"));
    desk
}

/// Learns nothing, so it is worse in a fault.
const SLOW: &str = "random";

fn ended(desk: &Desk, code: i32, args: &[&str]) -> Ended {
    let ended = desk.run(args);
    assert_eq!(ended.code, Some(code), "{args:?}: {}{}", ended.stdout, ended.stderr);
    ended
}

#[test]
fn a_baseline_is_written_compared_with_and_found_worse() {
    let desk = desk();
    let base = ["check", "s", "--baseline", "b.json", "-R", "8"];
    ended(&desk, 2, &base);
    let written = ended(&desk, 0, &[&base[..], &["--update"]].concat());
    assert!(written.stdout.contains("1 entries written to b.json"), "{}", written.stdout);
    let stored = desk.read("b.json");
    let schema = serde_json::from_str(&desk.data(&["schema", "baseline"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&stored).unwrap()));
    let same = ended(&desk, 0, &["check", "s", "--baseline", "b.json"]);
    assert!(same.stdout.contains("the same events as the reference"), "{}", same.stdout);
    // Written again it is the same bytes.
    ended(&desk, 0, &["check", "s", "--baseline", "b.json", "--update"]);
    assert_eq!(desk.read("b.json"), stored);
    for (from, to, says) in [
        ("\"schema_version\": 1", "\"schema_version\": 9", "schema version 9"),
        ("rps = 200", "rps = 100", "`rps` was 100, is 200"),
        ("\"seed\": 1", "\"seed\": 1, \"more\": 2", "no baseline"),
    ] {
        let (digest, damaged) = (stored.find("scenario_digest").unwrap(), stored.replace(from, to));
        let damaged = match from {
            "rps = 200" => damaged.replace(&stored[digest + 18..digest + 34], "0000000000000000"),
            _ => damaged,
        };
        desk.write("c.json", damaged);
        let refused = ended(&desk, 2, &["check", "s", "--baseline", "c.json"]);
        assert!(refused.stderr.contains(says) && refused.stdout.is_empty(), "{}", refused.stderr);
    }
    let seed = ended(&desk, 2, &["check", "s", "--baseline", "b.json", "--seed", "5"]);
    assert!(seed.stderr.contains("has seed 1, and this check has 5"), "{}", seed.stderr);
    let policy = ended(&desk, 2, &["check", "s", "--baseline", "b.json", "--policy", SLOW]);
    assert!(policy.stderr.contains("under `windtunnel`, not under"), "{}", policy.stderr);
}

#[test]
fn a_slower_engine_is_a_regression_in_every_output() {
    let desk = desk();
    let args = ["check", "s", "--policy", SLOW, "--against", "windtunnel", "-R", "8"];
    let files = ["--junit", "out/j.xml", "--markdown", "out/m.md", "--annotations"];
    let red = ended(&desk, 98, &[&args[..], &files].concat());
    assert!(red.stdout.contains("regression"), "{}", red.stdout);
    assert!(red.stderr.contains("undecided: more of 1 scenario"), "{}", red.stderr);
    assert!(
        red.stderr.contains("::error file=s/short.toml,title=short%3A regression of leak_ratio::")
    );
    let again =
        "reproduce: windtunnel check s/short.toml --policy random --against windtunnel -R 8";
    assert!(red.stderr.trim_end().ends_with(again), "{}", red.stderr);
    assert!(desk.read("out/j.xml").contains("type=\"regression\""));
    assert!(desk.read("out/m.md").starts_with("## windtunnel check: regression\n"));
    // The other way round it is none.
    let swapped = ["check", "s", "--policy", "windtunnel", "--against", SLOW, "-R", "8"];
    ended(&desk, 0, &swapped);
}

#[test]
fn parts_are_merged_to_the_same_bytes_and_json_keeps_its_schema() {
    let desk = desk();
    desk.write("s/other.toml", desk.read("s/short.toml").replace("rps = 200", "rps = 150"));
    let args = ["check", "s", "--policy", SLOW, "--against", "windtunnel", "-R", "6"];
    let json = ["--format", "json"];
    let whole = ended(&desk, 98, &[&args[..], &json, &["--threads", "1"]].concat()).stdout;
    for part in ["1/2", "2/2"] {
        let shard = desk.run(&[&args[..], &json, &["--shard", part]].concat());
        desk.write(&format!("part-{}.json", &part[..1]), shard.stdout);
    }
    let parts = ["check", "--merge", "part-2.json", "part-1.json"];
    assert_eq!(ended(&desk, 98, &[&parts[..], &json].concat()).stdout, whole);
    let schema = serde_json::from_str(&desk.data(&["schema", "check"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&whole).unwrap()));
    let missing = ended(&desk, 2, &["check", "--merge", "part-1.json"]);
    assert!(missing.stderr.contains("part 2 of 2 is missing"), "{}", missing.stderr);
    ended(&desk, 2, &[&parts[..], &["part-1.json"]].concat());
    ended(&desk, 2, &["check", "s", "--shard", "3/2"]);
}

#[test]
fn an_expectation_that_fails_is_99_and_nothing_expected_is_4() {
    let desk = desk();
    let good = desk.read("s/short.toml");
    desk.write("s/short.toml", good.replace("min = \"50%\"", "max = \"50%\""));
    let failed = ended(&desk, 99, &["check", "s", "-R", "3"]);
    assert!(failed.stdout.contains("expected ≤ 0.5") && failed.stdout.contains("failed"));
    assert!(failed.stderr.contains("reproduce: windtunnel check s/short.toml --policy windtunnel"));
    ended(&desk, 4, &["check", "short.toml"]);
    ended(&desk, 4, &["check", "short.toml", "--against", "random"]);
    desk.write("empty/x.txt", "");
    ended(&desk, 4, &["check", "empty"]);
    ended(&desk, 2, &["check"]);
    ended(&desk, 2, &["check", "s", "--retries", "3"]);
}

#[test]
fn a_bad_expectation_is_shown_at_its_place() {
    let desk = desk();
    let good = desk.read("s/short.toml");
    for (from, to, says) in [
        ("leak_ratio", "leek_ratio", "did you mean `leak_ratio`?"),
        ("leak_ratio\"", "leak_ratio\"\npolicy = \"windtunel\"", "did you mean `windtunnel`?"),
        ("min = \"50%\"", "min = \"50s\"", "not in the unit of `slo_attainment`"),
        ("min = \"50%\"", "min = \"50%\"\nslack = 1", "there is no gate to be slack"),
        ("stat = \"mean\"", "stat = \"worst-phase\"", "no fault has phases"),
        ("gate = true", "gate = false", "expects nothing"),
        (
            "slack = 0.001\n",
            "slack = 0.001\n[check]\nset = [\"expect.0.min=0\"]\n",
            "what it checks",
        ),
    ] {
        desk.write("s/short.toml", good.replace(from, to));
        let ended = ended(&desk, 2, &["check", "s"]);
        assert!(ended.stderr.contains(says), "{says} in {}", ended.stderr);
        assert!(ended.stderr.contains("short.toml:"), "{}", ended.stderr);
    }
    let gate = |metric: &str| format!("[[expect]]\nmetric = \"{metric}\"\ngate = true\n");
    let more = ["slo_attainment", "time_to_drain", "flaps"].map(gate).concat();
    desk.write("s/short.toml", format!("{good}{more}"));
    let ended = ended(&desk, 2, &["check", "s"]);
    assert!(ended.stderr.contains("more than 3 gates"), "{}", ended.stderr);
}

#[test]
fn regret_is_expected_and_gated_against_the_oracle_on_the_same_luck() {
    let desk = desk();
    let good = desk.read("s/short.toml").replace("leak_ratio", "regret");
    let bound = "[[expect]]\nmetric = \"regret\"\nstat = \"max\"\nmin = 0\nmax = \"100%\"\n";
    desk.write("s/short.toml", format!("{good}{bound}"));
    let json = |code: i32, policy: &str| -> serde_json::Value {
        let args = ["check", "s", "-R", "8", "--policy", policy, "--against", "windtunnel"];
        let ended = ended(&desk, code, &[&args[..], &["--format", "json"]].concat());
        serde_json::from_str(&ended.stdout).unwrap()
    };
    // The oracle loses nothing against itself; a rule that learns nothing loses more than our engine.
    let best = json(0, "oracle");
    let of = |report: &serde_json::Value| report["subjects"][0]["gates"][0].clone();
    assert!(
        of(&best)["values"].as_array().unwrap().iter().all(|value| value.as_f64() == Some(0.0))
    );
    let worse = json(98, SLOW);
    assert_eq!(of(&worse)["outcome"]["verdict"], "regression", "{worse:#}");
    let first = |report| of(report)["reference"].as_array().unwrap()[..8].to_vec();
    assert_eq!(first(&worse), first(&best), "the same luck on both sides");
}

#[test]
fn a_check_runs_with_the_overrides_of_its_scenario() {
    let desk = desk();
    let text = desk.read("s/short.toml") + "[check]\nset = [\"rps=50\"]\n";
    desk.write("s/short.toml", text);
    let json = |more: &[&str]| -> serde_json::Value {
        let args = [&["check", "s", "-R", "2", "--format", "json"][..], more].concat();
        serde_json::from_str(&desk.data(&args)).unwrap()
    };
    let own = json(&[]);
    assert_eq!(own["subjects"][0]["sets"], serde_json::json!(["rps=50"]));
    let text = desk.data(&["check", "s", "-R", "2"]);
    assert!(text.contains("\n    with rps=50\n"), "{text}");
    let digest = |report: &serde_json::Value| report["subjects"][0]["digest"].clone();
    assert_ne!(digest(&own), digest(&json(&["--set", "rps=60"])));
    assert_eq!(digest(&own), digest(&json(&["--set", "rps=50"])));
}
