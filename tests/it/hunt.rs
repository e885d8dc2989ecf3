//! `windtunnel hunt`: what it writes replays, and mistakes cost nothing.

use std::path::Path;

use crate::program::Desk;

/// A world of a minute, three routes, and a rule that never reacts.
const WORLD: &str = r#"# Who suffers?
rps = 40
duration = "60s"
policy = "random"
[workload]
models = { chat = 1 }
client = { deadline = "5s" }
[provider]
azure = { profile = "azure/gpt-4o" }
openai = { profile = "openai/gpt-4o" }
mistral = { profile = "plain" }
"#;

fn hunted(desk: &Desk, extra: &[&str]) -> serde_json::Value {
    let mut args = vec!["hunt", "world.toml", "--budget", "20", "--keep", "1", "--format", "json"];
    args.extend(extra);
    serde_json::from_str(&desk.data(&args)).unwrap()
}

#[test]
fn a_found_file_replays_to_the_same_events_and_the_same_harm() {
    let desk = Desk::new();
    desk.write("world.toml", WORLD);
    let hunt = hunted(&desk, &["--by", "slo_attainment", "--out", "h"]);
    let schema = serde_json::from_str(&windtunnel::record::Hunt::schema()).unwrap();
    assert!(jsonschema::is_valid(&schema, &hunt));
    let found = hunt["found"].as_array().unwrap();
    assert!(!found.is_empty());
    for one in found {
        let file = one["file"].as_str().unwrap();
        let path = format!("h/{file}");
        let text = desk.read(&path);
        assert!(windtunnel::scenario::question(&text).unwrap().ends_with('?'), "{text}");
        assert!(text.contains("# reproduce: windtunnel run found-"), "{text}");
        desk.data(&["run", &path, "--out", "replay"]);
        let summary = desk.summary("replay");
        assert_eq!(summary["digest"], one["digest"], "{file}");
        assert_eq!(summary["slo_attainment"], one["value"], "{file}");
        // Shrinking keeps four fifths of the harm; a blind draw among three loses much to an outage.
        let (searched, value) = (one["searched"].as_f64().unwrap(), one["value"].as_f64().unwrap());
        assert!(value <= 0.2 + 0.8 * searched + 1e-6 && value < 0.97, "{searched} {value}");
    }
}

#[test]
fn the_period_with_which_a_policy_walks_into_a_fault_again_stands_in_the_row_of_its_kind() {
    let desk = Desk::new();
    desk.write("world.toml", WORLD);
    let args = ["--policy", "helicone", "--kinds", "hard-outage,error-burst-hang", "--out", "h"];
    let hunt = hunted(&desk, &args);
    let kinds = hunt["kinds"].as_array().unwrap();
    let row = kinds.iter().find(|kind| kind["kind"] == "hard-outage").unwrap();
    // Its counter forgets at every whole minute, so a provider that is down gets its traffic back for a check.
    assert_eq!(row["returns"]["every_s"], 60.0, "{row:#}");
}

#[test]
fn a_hunt_is_the_same_bytes_on_one_thread_and_on_two() {
    let desk = Desk::new();
    desk.write("world.toml", WORLD);
    let one = hunted(&desk, &["--threads", "1", "--out", "one"]);
    let two = hunted(&desk, &["--threads", "2", "--out", "two"]);
    assert_eq!(one, two);
    assert!(desk.files("one") == desk.files("two"));
    assert_eq!(one["by"], "regret");
}

#[test]
fn committed_finds_say_how_they_were_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("found-") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains("# Found by `windtunnel hunt`"), "{name}");
            assert!(text.contains(&format!("# reproduce: windtunnel run {name}")), "{name}");
        }
    }
}

#[test]
fn mistakes_cost_nothing_and_say_what_to_do() {
    let desk = Desk::new();
    desk.write("world.toml", WORLD);
    desk.write("short-run.toml", WORLD.replace("60s", "30s"));
    for (args, says) in [
        (&["hunt", "world.toml", "--by", "regert"][..], "did you mean `regret`"),
        (&["hunt", "world.toml", "--kinds", "hard-outag"], "did you mean `hard-outage`"),
        (&["hunt", "world.toml", "--kinds", "cold-start"], "hunt does not try `cold-start`"),
        (&["hunt", "world.toml", "--kinds", "regional"], "no place"),
        (&["hunt", "world.toml", "--policy", "windtunel"], "did you mean `windtunnel`"),
        (&["hunt", "short-run.toml"], "at least 60s"),
        (&["hunt", "nowhere.toml"], "nowhere.toml"),
        (&["hunt", "--seed", "18446744073709551615"], "seed"),
    ] {
        let ended = desk.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
}
