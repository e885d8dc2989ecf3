//! `windtunnel compare`: the same bytes however it is run, and it goes on where it was interrupted.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Desk, Ended};

const LIST: &str = "windtunnel,random,kong-default";

fn compared(desk: &Desk, extra: &[&str]) -> Ended {
    let mut args = vec!["compare", "short.toml", "--policies", LIST, "-R", "3"];
    args.extend(extra);
    desk.run(&args)
}

#[test]
fn a_comparison_is_the_same_bytes_on_one_thread_and_on_two() {
    let desk = Desk::new();
    let one = compared(&desk, &["--threads", "1", "--out", "one"]);
    let two = compared(&desk, &["--threads", "2", "--out", "two"]);
    assert_eq!((one.code, two.code), (Some(0), Some(0)), "{} {}", one.stderr, two.stderr);
    assert_eq!(one.stdout, two.stdout);
    let (one, two) = (desk.files("one"), desk.files("two"));
    assert!(one == two, "{:?} {:?}", one.keys(), two.keys());
    for name in ["comparison.json", "runs.csv", "paired.csv", "README.md", "regret.svg"] {
        assert!(one.contains_key(name), "{name} is missing");
    }
    assert!(!one.contains_key("journal.csv"), "what is complete needs no journal");
}

#[test]
fn a_comparison_goes_on_where_it_was_interrupted() {
    let desk = Desk::new();
    // The journal of a comparison that was killed after a few runs.
    let mut child: std::process::Child = desk
        .command(&["compare", "short.toml", "--policies", LIST, "-R", "40", "--out", "again"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let journal = desk.path("again/journal.csv");
    let lines = || std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
    for _ in 0..2_000 {
        if lines() > 5 {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let kept = lines();
    assert!(kept > 5, "{kept}");
    let args = ["compare", "short.toml", "--policies", LIST, "-R", "40"];
    let again = desk.run(&[&args[..], &["--out", "again"]].concat());
    assert!(again.stderr.contains("kept from before"), "{}", again.stderr);
    desk.data(&[&args[..], &["--out", "whole"]].concat());
    assert!(desk.files("again") == desk.files("whole"), "the parts make the same whole");
}

fn interrupt(child: &std::process::Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
}

#[test]
fn the_table_says_who_is_better_and_by_how_much() {
    let desk = Desk::new();
    let ended = compared(&desk, &["--format", "json", "--tables", "shipped"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&windtunnel::record::Comparison::schema()).unwrap();
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&json)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let cells = json["tables"][0]["scenarios"][0]["cells"].as_array().unwrap();
    let of = |policy: &str| cells.iter().find(|cell| cell["policy"] == policy).unwrap();
    assert_eq!(cells.len(), 4, "the oracle comes by itself");
    assert_eq!(of("oracle")["metrics"]["regret"]["mean"], 0.0);
    assert_eq!(of("oracle")["letters"], "");
    let regret = |policy: &str| of(policy)["metrics"]["regret"]["mean"].as_f64().unwrap();
    assert!(regret("random") > regret("windtunnel") + 0.02, "random feels a burst");
    assert_ne!(of("random")["letters"], of("windtunnel")["letters"]);
    // A blind draw has no detection to speak of: censored in every run, not dropped.
    assert_eq!(of("random")["metrics"]["time_to_detect"]["censored"], 3);
}

#[test]
fn parts_of_the_engine_are_switched_off_one_at_a_time() {
    let desk = Desk::new();
    let args = ["compare", "short.toml", "--ablate", "windtunnel", "-R", "2"];
    let text = desk.data(&[&args[..], &["--tables", "shipped"]].concat());
    for part in ["error", "latency", "momentum", "exploration", "provider-level"] {
        assert!(text.contains(&format!("windtunnel without {part}")), "{text}");
    }
    let wrong = desk.run(&["compare", "short.toml", "--ablate", "random"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("does not have the engine's parts"), "{}", wrong.stderr);
}

#[test]
fn values_that_are_our_choice_are_moved_and_give_a_range_of_places() {
    let desk = Desk::new();
    let args =
        ["compare", "short.toml", "--policies", "bifrost-v0,linkerd-breaker,random", "-R", "2"];
    let args = [&args[..], &["--set", "rps=100", "--tables", "shipped"]].concat();
    let plain = desk.run(&[&args[..], &["--out", "plain"]].concat());
    assert!(!plain.stdout.contains("place"), "{}", plain.stdout);
    assert!(!desk.read("plain/comparison.json").contains("our_choices"));
    let moved = desk.run(&[&args[..], &["--our-choices", "--out", "moved"]].concat());
    assert_eq!(moved.code, Some(0), "{}", moved.stderr);
    // What it costs is said before it begins.
    let said = "10 policies (6 of them with a value moved that is our choice) × 1 tables × 2 replications = 20 runs";
    assert!(moved.stderr.replace('\n', " ").contains(said), "{}", moved.stderr);
    let json: serde_json::Value =
        serde_json::from_str(&desk.read("moved/comparison.json")).unwrap();
    let standings = json["tables"][0]["standings"].as_array().unwrap();
    let of = |policy: &str| standings.iter().find(|found| found["policy"] == policy).unwrap();
    // A value moved by name in a comparison of its own gives the same regret.
    let named = ["bifrost-v0{window.min_attempts=5}", "bifrost-v0{window.min_attempts=20}"];
    let list = format!("bifrost-v0,linkerd-breaker,random,{}", named.join(","));
    let alone = desk.run(&[
        "compare",
        "short.toml",
        "--policies",
        &list,
        "-R",
        "2",
        "--set",
        "rps=100",
        "--tables",
        "shipped",
        "--format",
        "json",
    ]);
    let alone: serde_json::Value = serde_json::from_str(&alone.stdout).unwrap();
    let regrets: Vec<f64> = alone["tables"][0]["standings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|standing| standing["policy"].as_str().unwrap().starts_with("bifrost-v0"))
        .map(|standing| standing["regret"]["mean"].as_f64().unwrap())
        .collect();
    assert_eq!(regrets.len(), 3, "{alone:#}");
    let range = &of("bifrost-v0")["our_choices"];
    let least = regrets.iter().copied().fold(f64::INFINITY, f64::min);
    let most = regrets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    assert_eq!(range["regret"], serde_json::json!([least, most]), "{range}");
    assert_eq!(range["tried"], 2);
    // Nothing of a blind draw is our choice: it has the one place that the table gives it.
    let place = standings.iter().position(|found| found["policy"] == "random").unwrap() + 1;
    assert_eq!(of("random")["our_choices"]["place"], serde_json::json!([place, place]));
    // The rest of the comparison is what it is without them.
    assert_eq!(desk.read("plain/runs.csv"), desk.read("moved/runs.csv"));
    assert!(moved.stdout.lines().all(|line| line.chars().count() <= 80), "{}", moved.stdout);
    assert!(
        moved.stdout.contains("place")
            && desk.read("moved/README.md").contains("Values that are our choice")
    );
    desk.data(&["report", "moved"]);
    assert!(desk.read("moved/report.html").contains("Values that are our choice, as shipped"));
}

#[test]
fn mistakes_cost_nothing_and_say_what_to_do() {
    let desk = Desk::new();
    desk.write("empty/readme.txt", "");
    for (args, says) in [
        (&["compare", "short.toml", "--policies", "windtunel"][..], "did you mean"),
        (
            &["compare", "short.toml", "--policies", "random{x=1}"],
            "list parameters --policy random",
        ),
        (&["compare", "short.toml", "--policies", "p2c{"], "`}` is missing"),
        (&["compare", "nowhere.toml"], "nowhere.toml"),
        (&["compare", "short.toml", "short.toml"], "two scenarios are called"),
        (&["compare", "short.toml", "--quick", "-R", "3"], "cannot be used with"),
    ] {
        let ended = desk.run(args);
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
    assert_eq!(desk.run(&["compare", "empty"]).code, Some(4), "nothing to run");
}
