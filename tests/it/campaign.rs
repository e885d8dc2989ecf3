//! `windtunnel campaign`: any split, any order, any retry makes the bytes that one machine makes.

use std::process::Stdio;
use std::time::Duration;

use crate::program::{Desk, Ended};

const SWEEP: [&str; 8] = [
    "sweep",
    "short.toml",
    "--vary",
    "rps=40,60,80",
    "--vary",
    "policy.state.failed=2%,10%",
    "-R",
    "4",
];
const COMPARE: [&str; 6] = ["compare", "short.toml", "--policies", "random,windtunnel", "-R", "3"];

fn plan(desk: &Desk, of: &[&str]) {
    desk.data(&[&["campaign", "plan", "plan.json"], of].concat());
}

fn shard(desk: &Desk, shard: &str, out: &str) -> Ended {
    desk.run(&["campaign", "run", "plan.json", "--shard", shard, "--out", out])
}

fn merged(desk: &Desk, parts: &[&str], out: &str) -> Ended {
    desk.run(&[&["campaign", "merge"], parts, &["--out", out]].concat())
}

/// Several worker processes at once, one of them killed without grace in the middle and begun again.
#[test]
fn a_sweep_in_parts_with_a_worker_killed_is_the_sweep_of_one_machine() {
    let desk = Desk::new();
    let whole = desk.data(&[&SWEEP[..], &["--out", "whole"]].concat());
    plan(&desk, &SWEEP);
    let start = |shard: &str, out: &str| {
        let args =
            ["campaign", "run", "plan.json", "--shard", shard, "--out", out, "--threads", "1"];
        desk.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut workers: Vec<_> =
        [("1/3", "a"), ("2/3", "b"), ("3/3", "c")].map(|(shard, out)| start(shard, out)).into();
    let rows = desk.path("b/rows.csv");
    for _ in 0..4_000 {
        let lines = std::fs::read_to_string(&rows).map_or(0, |text| text.lines().count());
        if lines > 2 || workers[1].try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    workers[1].kill().unwrap();
    for worker in &mut workers {
        worker.wait().unwrap();
    }
    assert_eq!(shard(&desk, "2/3", "b").code, Some(0), "it goes on");
    // In any order, and what stands twice is there once.
    assert_eq!(shard(&desk, "1/2", "d").code, Some(0));
    let ended = merged(&desk, &["d", "c", "a", "b"], "merged");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("twice, with equal results"), "{}", ended.stderr);
    assert_eq!(ended.stdout, whole);
    assert!(desk.files("merged") == desk.files("whole"), "the same bytes");
}

#[test]
fn a_comparison_in_parts_is_the_comparison_of_one_machine() {
    let desk = Desk::new();
    desk.write("mine.toml", "policy = \"windtunnel\"\nstate.failed = \"9%\"\n");
    let compare = [&COMPARE[..], &["--config", "mine.toml"]].concat();
    let whole = desk.data(&[&compare[..], &["--out", "whole"]].concat());
    assert!(whole.contains("mine"), "{whole}");
    plan(&desk, &compare);
    // What the plan needs of this machine is in it.
    std::fs::remove_file(desk.path("mine.toml")).unwrap();
    for part in ["1/4", "2/4", "3/4", "4/4"] {
        assert_eq!(shard(&desk, part, &part[..1]).code, Some(0));
    }
    let ended = merged(&desk, &["4", "1", "3", "2"], "merged");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, whole);
    assert!(desk.files("merged") == desk.files("whole"), "the same bytes");
}

#[test]
fn what_is_missing_foreign_or_contradicts_itself_is_refused() {
    let desk = Desk::new();
    plan(&desk, &SWEEP);
    for part in ["1/2", "2/2"] {
        assert_eq!(shard(&desk, part, &part[..1]).code, Some(0));
    }
    let missing = merged(&desk, &["1"], "merged");
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("units are missing"), "{}", missing.stderr);
    let again = "reproduce: windtunnel campaign run 1/plan.json --out 1";
    assert!(missing.stderr.contains(again), "{}", missing.stderr);
    assert!(!desk.path("merged").exists(), "no half result");

    // The same unit with another result: written as a machine that computes something else would.
    let rows = desk.read("1/rows.csv");
    let line = rows.lines().nth(1).unwrap();
    let fields: Vec<&str> = line.split(',').collect();
    let body = line.rsplit_once(',').unwrap().0;
    let wrong = body.replacen(&format!(",{},", fields[4]), &format!(",{}9,", fields[4]), 1);
    assert_ne!(wrong, body);
    let check = windtunnel::engine::luck::name(&wrong);
    let header = rows.lines().next().unwrap();
    desk.write("3/rows.csv", format!("{header}\n{wrong},{check:016x}\n"));
    desk.write("3/plan.json", desk.read("plan.json"));
    let broken = merged(&desk, &["1", "2", "3"], "merged");
    assert_eq!(broken.code, Some(97), "{}", broken.stderr);
    assert!(broken.stderr.contains("gave one result in 1 and another in 3"), "{}", broken.stderr);
    assert!(broken.stderr.contains("reproduce: windtunnel campaign run"), "{}", broken.stderr);

    desk.data(&["campaign", "plan", "other.json", "sweep", "short.toml", "--vary", "rps=41,61"]);
    let foreign = desk.run(&["campaign", "run", "other.json", "--shard", "1/2", "--out", "1"]);
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.stderr.contains("part of another plan"), "{}", foreign.stderr);
    assert_eq!(desk.run(&["campaign", "run", "other.json", "--out", "4"]).code, Some(0));
    let foreign = merged(&desk, &["1", "2", "4"], "merged");
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.stderr.contains("different plans"), "{}", foreign.stderr);

    let probe = desk.read("plan.json").replacen("\"probe\": \"", "\"probe\": \"0", 1);
    desk.write("changed.json", probe);
    let changed = desk.run(&["campaign", "run", "changed.json", "--out", "5"]);
    assert_eq!(changed.code, Some(2));
    assert!(changed.stderr.contains("another build"), "{}", changed.stderr);
}

#[test]
fn a_plan_is_emitted_for_those_who_schedule() {
    let desk = Desk::new();
    plan(&desk, &SWEEP);
    let emitted = |target: &str| {
        desk.data(&["campaign", "emit", "plan.json", "--target", target, "--shards", "3"])
    };
    assert!(emitted("slurm").contains("--shard \"$SLURM_ARRAY_TASK_ID/3\""));
    assert!(emitted("k8s").contains("shard=$((JOB_COMPLETION_INDEX + 1))"));
    assert!(emitted("github").contains("--shard ${{ matrix.shard }}/3"));
    assert!(emitted("parallel").contains("--shard '{}/3'"));
    // What Slurm would run, run as it would.
    let script = emitted("slurm");
    desk.write("campaign.sbatch", &script);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_windtunnel")).parent().unwrap();
    for task in ["1", "2", "3"] {
        let mut command = std::process::Command::new("bash");
        command.arg("campaign.sbatch").current_dir(desk.path("")).env("SLURM_ARRAY_TASK_ID", task);
        let path = std::env::join_paths([folder, "/usr/bin".as_ref(), "/bin".as_ref()]).unwrap();
        let ended = Ended::of(command.env("PATH", path).stdin(Stdio::null()));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }
    assert_eq!(merged(&desk, &["parts/1", "parts/2", "parts/3"], "merged").code, Some(0));
}

#[test]
fn mistakes_say_what_to_do() {
    let desk = Desk::new();
    plan(&desk, &COMPARE);
    desk.write("no.json", "{}");
    let boundary = ["--vary", "rps=40..80/3", "--boundary", "rps"];
    for (args, says) in [
        (&["run", "nowhere.json"][..], "`windtunnel campaign plan PLAN"),
        (&["run", "no.json"], "is no plan"),
        (&["run", "plan.json", "--shard", "0/3"], "count from 1"),
        (&["run", "plan.json", "--shard", "4/3"], "does not exist"),
        (&["run", "plan.json", "--units", "x"], "has no unit `x`"),
        (&["merge", "nothing"], "cannot read the plan"),
        (&["emit", "plan.json", "--target", "k8s", "--shards", "9999"], "at most one shard a unit"),
        (&["plan", "p.json", "compare", "short.toml", "--out", "x"], "--out belongs to"),
        (&[&["plan", "p.json", "sweep", "short.toml"][..], &boundary].concat(), "without it"),
        (&["run", "plan.json", "--engine", "ray", "--python", "no-such-python"], "cannot start"),
    ] {
        let ended = desk.run(&[&["campaign"], args].concat());
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
    }
}
