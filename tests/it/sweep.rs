//! `windtunnel sweep`: designs, the same bytes however it is run, and nothing lost to kills and full disks.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::program::{Desk, Ended};

const GRID: [&str; 8] = [
    "sweep",
    "short.toml",
    "--vary",
    "policy.state.failed=2%..20%/3 log",
    "--vary",
    "rps=50,100",
    "-R",
    "3",
];

fn swept(desk: &Desk, extra: &[&str]) -> Ended {
    desk.run(&[&GRID[..], extra].concat())
}

/// Kills a child without grace once the file has more than so many lines.
fn kill_after(mut child: Child, desk: &Desk, file: &str, lines: usize) {
    let path = desk.path(file);
    let written = || std::fs::read_to_string(&path).map_or(0, |text| text.lines().count());
    for _ in 0..4_000 {
        if written() > lines || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_grid_is_the_same_bytes_on_any_number_of_threads() {
    let desk = Desk::new();
    let one = swept(&desk, &["--threads", "1", "--out", "one"]);
    let two = swept(&desk, &["--threads", "2", "--out", "two"]);
    assert_eq!((one.code, two.code), (Some(0), Some(0)), "{} {}", one.stderr, two.stderr);
    assert_eq!(one.stdout, two.stdout);
    assert!(one.stdout.lines().all(|line| line.chars().count() <= 80), "{}", one.stdout);
    assert!(one.stdout.contains("SENSITIVITY"), "{}", one.stdout);
    let (one, two) = (desk.files("one"), desk.files("two"));
    assert!(one == two, "{:?} {:?}", one.keys(), two.keys());
    for name in ["sweep.json", "runs.csv", "response-rps.svg", "heat-policy-state-failed-rps.png"] {
        assert!(one.contains_key(name), "{name} is missing from {:?}", one.keys());
    }
    assert!(!one.contains_key("journal.csv"), "what is complete needs no journal");
    let table = desk.read("one/runs.csv");
    assert_eq!(table.lines().count(), 1 + 3 * 2 * 3);
    let columns = table.lines().next().unwrap().split(',').count();
    assert!(table.lines().all(|line| line.split(',').count() == columns), "{table}");
}

#[test]
fn the_record_validates_and_has_every_point() {
    let desk = Desk::new();
    let ended = swept(&desk, &["--format", "json", "--metrics", "regret,time_to_recover_user"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let schema = serde_json::from_str(&windtunnel::record::Sweep::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&json).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(json["points"].as_array().unwrap().len(), 6);
    let metrics: Vec<&str> =
        json["metrics"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(metrics, ["regret", "time_to_recover_user", "not_recovered"]);
    assert!(json["points"][0]["metrics"]["regret"]["mean"].is_number());
    // The oracle does not route by the policy's thresholds: its runs are shared along that axis.
    let table = desk.read("results/sweep-short/runs.csv");
    let digests: Vec<&str> = (table.lines())
        .filter(|line| line.contains(",oracle,0,") && line.contains(",50,oracle"))
        .map(|line| line.split(',').nth(5).unwrap())
        .collect();
    assert_eq!(digests.len(), 3);
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

#[test]
fn a_sweep_that_was_killed_goes_on_and_a_second_one_is_refused() {
    let desk = Desk::new();
    let args = [&GRID[..6], &["-R", "30", "--out", "again"]].concat();
    let child = desk.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let journal = desk.path("again/journal.csv");
    for _ in 0..4_000 {
        if std::fs::metadata(&journal).is_ok_and(|file| file.len() > 0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let second = desk.run(&args);
    if second.code != Some(0) {
        assert_eq!(second.code, Some(2), "{}", second.stderr);
        assert!(second.stderr.contains("written by another windtunnel"), "{}", second.stderr);
    }
    kill_after(child, &desk, "again/journal.csv", 9);
    let again = desk.run(&args);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let whole = desk.run(&[&GRID[..6], &["-R", "30", "--out", "whole"]].concat());
    assert_eq!(again.stdout, whole.stdout);
    assert!(desk.files("again") == desk.files("whole"), "the parts make the same whole");
}

/// A file that may not grow is a disk that is full.
#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let desk = Desk::new();
    let line = "ulimit -f 8; trap '' XFSZ; exec \"$0\" \"$@\"";
    let grid = [&GRID[..6], &["-R", "20"]].concat();
    let args = [&grid[..], &["--out", "full", "--threads", "1"]].concat();
    let mut command = Command::new("bash");
    command.args(["-c", line, env!("CARGO_BIN_EXE_windtunnel")]).args(&args);
    let ended = Ended::of(command.current_dir(desk.path("")).stdin(Stdio::null()));
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("not full?"), "{}", ended.stderr);
    assert!(ended.stderr.contains("reproduce: windtunnel sweep short.toml"), "{}", ended.stderr);
    let journal = desk.read("full/journal.csv");
    let kept = journal.lines().count() - 1;
    assert!(journal.ends_with('\n') && kept > 2, "{journal}");
    let again = desk.run(&args);
    assert!(again.stderr.contains(&format!("{kept} of them kept")), "{}", again.stderr);
    let whole = desk.data(&[&grid[..], &["--out", "whole"]].concat());
    assert_eq!(again.stdout, whole);
    assert!(desk.files("full") == desk.files("whole"));
}

#[test]
fn designs_rank_the_axes_each_in_its_way() {
    let desk = Desk::new();
    let axes = ["--vary", "rps=50..100", "--vary", "policy.state.failed=2%..20%"];
    for (design, points, says) in [
        ("morris", "2", "mean absolute effect"),
        ("sobol", "8", "Spearman"),
        ("random", "8", "Spearman"),
        ("saltelli", "8", "Sobol' indices"),
    ] {
        let args = ["sweep", "short.toml", "--design", design, "--points", points, "-R", "1"];
        let text = desk.data(&[&args[..], &axes].concat());
        assert!(text.contains(says), "{design}: {text}");
        assert!(text.contains("rps"), "{design}: {text}");
    }
}

#[test]
fn a_boundary_is_found_by_halving() {
    let desk = Desk::new();
    // A policy that tries once is well again when the fault is over; one that outlasts the watch, which ends at 105 s,
    // is never over. Two halvings of a step of 20 s leave 5 s.
    let args = ["sweep", "short.toml", "--policy", "random", "--vary", "fault.0.lasts=5s..45s/3"];
    let set = ["--set", "fault.0.start=70s", "--set", "duration=110s", "--set", "rps=100"];
    let more = ["-R", "2", "--boundary", "fault.0.lasts", "--rounds", "2", "--format", "json"];
    let ended = desk.run(&[&args[..], &set, &more].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let edge = &json["boundary"]["edges"][0];
    let end =
        |side: &str| edge[side]["number"].as_f64().unwrap_or_else(|| panic!("{side}: {edge}"));
    assert_eq!((end("recovers"), end("stuck")), (35.0, 40.0), "{edge}");
    assert_eq!(edge["recovers"]["not_recovered"], 0.0);
    assert_eq!(edge["stuck"]["not_recovered"], 1.0);
    assert_eq!(json["points"].as_array().unwrap().len(), 5);
}

#[test]
fn mistakes_cost_nothing_and_say_what_to_do() {
    let desk = Desk::new();
    let sweep = |args: &[&str]| desk.run(&[&["sweep", "short.toml"], args].concat());
    for (args, says) in [
        (&["--vary", "policy.state.faild=1%,2%"][..], "did you mean `state.failed`"),
        (&["--vary", "policy.state.failed=1%..200%/3"], "expected"),
        (&["--vary", "provider.azrue.tpm=1M,2M"], "did you mean `azure`"),
        (&["--vary", "rsp=1,2"], "did you mean `rps`"),
        (&["--vary", "rps=10..1/3"], "the smaller end first"),
        (&["--vary", "rps=1..9/0"], "an empty grid"),
        (&["--vary", "rps=1..9"], "a grid needs a count"),
        (&["--vary", "rps=1..9/1000", "--vary", "seed=1..999/999"], "points are too many"),
        (&["--vary", "rps=1..9/9000", "-R", "1000"], "runs: expected at most"),
        (&["--vary", "rps=1,2", "--metrics", "flapps"], "did you mean `flaps`"),
        (&["--vary", "rps=1,2", "--points", "4"], "has no meaning for a grid"),
        (&["--vary", "rps=1..2", "--design", "sobol"], "needs --points"),
        (&["--vary", "rps=1,2", "--boundary", "rsp"], "did you mean `rps`"),
        (&["--vary", "rps=1,2", "--boundary", "rps"], "needs a grid along this axis"),
        (&["--vary", "rps=1,2", "--rounds", "3"], "--boundary"),
        (&[], "--vary"),
    ] {
        let ended = sweep(args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
    assert!(!desk.path("results").exists(), "nothing was begun");
}
