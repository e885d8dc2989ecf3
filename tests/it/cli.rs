//! Every command through the binary. That a debug and a release build print the same bytes cannot be
//! seen from here: `.ci/run` compares the two.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::{Desk, Ended};

const TABLES: [&str; 7] = [
    "arrivals.csv",
    "made.json",
    "manifest.json",
    "series.csv",
    "summary.json",
    "timing.json",
    "transitions.csv",
];
const FIGURES: [&str; 6] = ["goodput", "latency", "parts", "recovery", "share", "weights"];

/// Files that a run leaves, in alphabetical order.
fn documented(figures: &[&str]) -> Vec<String> {
    let both = |figure: &&str| [format!("{figure}.png"), format!("{figure}.svg")];
    let mut names: Vec<String> = figures.iter().flat_map(both).collect();
    names.extend(TABLES.map(str::to_owned));
    names.sort();
    names
}

fn names(desk: &Desk, folder: &str) -> Vec<String> {
    desk.files(folder).into_keys().collect()
}

#[test]
fn a_run_leaves_the_documented_files_and_prints_its_summary() {
    let desk = Desk::new();
    let ended = desk.run(&["run", "short.toml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(names(&desk, "results/short"), documented(&FIGURES));
    let digest = desk.summary("results/short")["digest"].as_str().unwrap().to_owned();
    assert!(ended.stdout.starts_with("short under bifrost-published\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains(&digest) && ended.stdout.contains("seed 1"));
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    for part in ["short · bifrost-published · 20s virtual · seed 1", "headroom", "results/short"]
    {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
    assert_eq!(desk.files("results/short")["share.png"][..4], *b"\x89PNG");
}

#[test]
fn a_figure_of_an_earlier_run_does_not_stay_behind() {
    let desk = Desk::new();
    desk.data(&["run", "short.toml", "--out", "r"]);
    desk.data(&["run", "short.toml", "--out", "r", "--set", "fault=[]"]);
    assert_eq!(names(&desk, "r"), documented(&["goodput", "latency", "parts", "share", "weights"]));
}

#[test]
fn json_on_stdout_is_the_stored_summary_and_keeps_its_schema() {
    let desk = Desk::new();
    for sets in [&[][..], &["--set", "fault=[]"], &["-R", "3"]] {
        let args = [&["run", "short.toml", "--out", "r", "--format", "json"][..], sets].concat();
        let printed = desk.data(&args);
        assert_eq!(printed, desk.read("r/summary.json"));
        let schema = serde_json::from_str(include_str!("../../docs/summary.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let summary = serde_json::from_str(&printed).unwrap();
        let wrong: Vec<_> =
            validator.iter_errors(&summary).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{sets:?}: {wrong:?}");
    }
}

#[test]
fn the_same_run_has_the_same_bytes_with_any_number_of_threads() {
    let desk = Desk::new();
    let run = |folder: &str, threads: &str| {
        let args = ["run", "short.toml", "-R", "4", "--out", folder, "--threads", threads];
        let printed = desk.data(&args);
        let mut files = desk.files(folder);
        files.remove("timing.json");
        (printed, files)
    };
    let (first, again, two) = (run("a", "1"), run("b", "1"), run("c", "2"));
    assert_eq!(first.1.keys().collect::<Vec<_>>(), two.1.keys().collect::<Vec<_>>());
    let equal = |other: &(String, _)| first == *other;
    assert!(equal(&again) && equal(&two), "stdout or a file differs");
}

#[test]
fn a_seed_a_policy_and_an_override_change_the_run_and_are_told() {
    let desk = Desk::new();
    let digest = |args: &[&str]| {
        desk.data(&[&["run", "short.toml", "--out", "r"][..], args].concat());
        let summary = desk.summary("r");
        let [digest, policy] = ["digest", "policy"].map(|key| summary[key].as_str().unwrap());
        (digest.to_owned(), policy.to_owned(), summary["seed"].as_u64().unwrap())
    };
    let (base, policy, seed) = digest(&[]);
    assert_eq!((policy.as_str(), seed), ("bifrost-published", 1));
    assert_eq!(digest(&["--seed", "1"]).0, base);
    let (other, _, seed) = digest(&["--seed", "2"]);
    assert!(other != base && seed == 2);
    let (other, policy, _) = digest(&["--policy", "random"]);
    assert!(other != base && policy == "random");
    let (other, policy, _) = digest(&["--set", "policy.state.failed=50%"]);
    assert!(other != base && policy == "bifrost-published { state.failed=50% }", "{policy}");
    assert_ne!(digest(&["--set", "rps=150", "--set", "fault.0.lasts=3s"]).0, base);
    // A scenario may bring its seed; the command line has the last word.
    assert_eq!(digest(&["--set", "seed=2"]).0, digest(&["--seed", "2"]).0);
    assert_eq!(digest(&["--set", "seed=2", "--seed", "1"]).0, base);
    assert_eq!(digest(&["--verify"]).0, base);
}

#[test]
fn replications_give_intervals() {
    let desk = Desk::new();
    desk.data(&["run", "short.toml", "-R", "3", "--out", "r"]);
    let summary = desk.summary("r");
    assert_eq!(summary["replications"], 3);
    let goodput = &summary["goodput_rps"];
    let [low, mean, high] = ["low", "mean", "high"].map(|key| goodput[key].as_f64().unwrap());
    assert!(low < mean && mean < high && low > 100.0, "{goodput}");
}

#[test]
fn a_reader_who_goes_away_early_is_no_error() {
    let desk = Desk::new();
    for args in [&["run", "short.toml", "--out", "r"][..], &["schema"], &["list", "metrics"]] {
        let mut child =
            desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("pipe"), "{stderr}");
    }
    assert_eq!(names(&desk, "r"), documented(&FIGURES));
}

#[test]
fn every_registry_can_be_listed_for_people_and_for_programs() {
    let desk = Desk::new();
    desk.write("scenarios/one.toml", crate::program::SHORT);
    let lists = [
        ("policies", "name", "bifrost-published"),
        ("parameters", "parameter", "state.window"),
        ("faults", "id", "error-burst"),
        ("profiles", "name", "azure/gpt-4o"),
        ("metrics", "metric", "time_to_recover_user"),
        ("scenarios", "scenario", "Does anybody notice?"),
    ];
    for (what, first, known) in lists {
        let text = desk.data(&["list", what]);
        assert!(text.trim_start().starts_with(first), "{what} begins with its names: {text}");
        assert!(text.contains(known), "{what}: {text}");
        let json: serde_json::Value =
            serde_json::from_str(&desk.data(&["list", what, "--format", "json"])).unwrap();
        let rows = json.as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row[first].is_string()), "{what}");
        assert!(json.to_string().contains(known), "{what}");
    }
    let of = |policy| desk.data(&["list", "parameters", "--policy", policy, "--format", "json"]);
    assert_ne!(of("bifrost-2026"), of("windtunnel"));
}

#[test]
fn schemas_are_the_published_ones() {
    let desk = Desk::new();
    let scenario = include_str!("../../docs/scenario.schema.json");
    assert_eq!(desk.data(&["schema"]).trim(), scenario.trim());
    assert_eq!(desk.data(&["schema", "summary"]), include_str!("../../docs/summary.schema.json"));
}

#[test]
fn a_new_scenario_runs_as_it_is_written() {
    let desk = Desk::new();
    assert_eq!(desk.data(&["new", "mine"]), "mine.toml\n");
    let ended = desk.run(&["run", "mine.toml", "--set", "rps=300"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(desk.summary("results/mine")["faults"][0]["name"], "error-burst");
    assert_eq!(desk.run(&["new", "mine"]).code, Some(2), "an author's file is not overwritten");
    desk.write("scenarios/other.toml", "");
    assert_eq!(desk.data(&["new", "third.toml"]), "scenarios/third.toml\n");
}

#[test]
fn completions_know_every_command() {
    let script = Desk::new().data(&["completions", "bash"]);
    for word in ["_windtunnel", "run", "bench", "trace", "list", "schema", "--replications"] {
        assert!(script.contains(word), "{word}");
    }
}

#[test]
fn the_small_trace_is_made_and_described() {
    let desk = Desk::new();
    let trace = desk.data(&["trace", "synth"]);
    assert!(trace == include_str!("../../scenarios/data/azure-small.csv"), "other bytes");
    assert_ne!(desk.data(&["trace", "synth", "--seed", "2"]), trace);
    desk.write("small.csv", &trace);
    let info = desk.data(&["trace", "info", "small.csv"]);
    let rows = format!("\nrows                             {}\n", trace.lines().count() - 1);
    assert!(info.contains(&rows), "{info}");
    assert!(info.contains("requests: var/mean 1,10,60 s"), "{info}");
}

#[test]
fn a_wrong_command_line_is_a_usage_error_and_help_is_not() {
    let desk = Desk::new();
    for args in [&["fly"][..], &["run"], &["run", "short.toml", "--fast"], &[]] {
        let ended = desk.run(args);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(ended.stderr.contains("Usage: windtunnel"), "{}", ended.stderr);
    }
    let help = desk.data(&["--help"]);
    let codes = ["0  done", "1  something", "2  wrong usage", "4  nothing", "97  an", "130  inter"];
    for code in codes {
        assert!(help.contains(code), "{code} in {help}");
    }
    assert!(desk.data(&["--version"]).starts_with("windtunnel "));
}

#[test]
fn nothing_is_coloured_without_a_terminal_and_pages_fit_the_columns() {
    let desk = Desk::new();
    let narrow = |args: &[&str]| {
        let mut command = desk.command(args);
        Ended::of(command.env("COLUMNS", "60").env("NO_COLOR", "1"))
    };
    for args in [&["--help"][..], &["run", "--help"], &["list", "faults"], &["list", "metrics"]] {
        let ended = narrow(args);
        assert_eq!(ended.code, Some(0));
        let too_long = ended.stdout.lines().find(|line| line.chars().count() > 60);
        assert_eq!(too_long, None, "{args:?}");
    }
    let wrong = ["run", "short.toml", "--set", "policy.state.failed=lots"];
    for ended in [narrow(&wrong), desk.run(&wrong), desk.run(&["run", "short.toml"])] {
        assert!(!ended.stderr.contains('\x1b') && !ended.stdout.contains('\x1b'), "{ended:?}");
    }
    let page = narrow(&wrong).stderr;
    assert!(page.contains("`state.failed`"), "{page}");
}

/// Sends Ctrl-C once the run says that it has begun. The shell's own `kill` needs no further program.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_earlier_results_whole() {
    let desk = Desk::new();
    desk.data(&["run", "short.toml", "--out", "r"]);
    let earlier = desk.files("r");
    let long = ["--set", "duration=30d", "--set", "rps=300"];
    let args = [&["run", "short.toml", "--out", "r"][..], &long].concat();
    let mut child =
        desk.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("headroom") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "it ended by itself: {said}");
    }
    let kill = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    while stderr.read_line(&mut said).unwrap() > 0 {}
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(output.stdout.is_empty());
    let reproduce =
        "reproduce: windtunnel run short.toml --seed 1 --set duration=30d --set rps=300";
    assert!(
        said.contains("interrupted; nothing was written") && said.contains(reproduce),
        "{said}"
    );
    assert!(desk.files("r") == earlier, "a file of the earlier run has changed or gone");
}
