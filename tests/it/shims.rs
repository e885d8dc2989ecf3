//! Balancers in other languages: the examples keep what every policy keeps, and a process that fails, lies or
//! hangs up gives one clear error. Each test needs the language's own program, and says so where it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use windtunnel::experiment::shim;
use windtunnel::policy::PolicySpec;

use crate::conformance;
use crate::program::Desk;

/// The Python shim as a command, where there is Python.
fn python() -> Option<String> {
    let is_there = Command::new("python3").arg("--version").output().is_ok();
    let path = example("python/shim.py");
    is_there.then(|| format!("python3 {}", path.display())).or_else(|| skipped("python3"))
}

/// The Go shim, built, where there is Go.
fn go(desk: &Desk) -> Option<String> {
    let binary = desk.path("go-shim");
    let build = Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(".")
        .current_dir(example("go"))
        .env("GOFLAGS", "-mod=mod")
        .output()
        .ok();
    let Some(build) = build else { return skipped("go") };
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    Some(binary.display().to_string())
}

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shims").join(path)
}

#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn skipped(program: &str) -> Option<String> {
    eprintln!("skipped: there is no `{program}`");
    None
}

/// What every policy keeps.
fn conforms(command: &str) {
    let spec: &'static PolicySpec = shim::policy(command);
    conformance::legal(spec);
    conformance::few_or_many(spec);
    conformance::forgives(spec);
    conformance::comes_and_goes(spec);
    conformance::avoids(spec);
}

#[test]
fn the_python_shim_conforms() {
    if let Some(command) = python() {
        conforms(&command);
    }
}

#[test]
fn the_go_shim_conforms() {
    if let Some(command) = go(&Desk::new()) {
        conforms(&command);
    }
}

#[test]
fn a_shim_runs_compares_and_is_checked_the_same_twice() {
    let Some(command) = python() else { return };
    let desk = Desk::new();
    let policy = format!("cmd:{command}");
    let run = |out: &str, threads: &str| {
        let args = ["run", "short.toml", "--policy", &policy, "-R", "3", "--out", out];
        desk.data(&[&args[..], &["--threads", threads, "--verify"]].concat());
        desk.summary(out)
    };
    let (one, two) = (run("one", "1"), run("two", "2"));
    assert_eq!(one, two, "neither threads nor a second time change anything");
    assert_eq!(one["policy"], serde_json::json!(policy));
    // It works: what fails is left alone and tried elsewhere.
    assert!(one["slo_attainment"]["mean"].as_f64().unwrap() > 0.95, "{}", one["slo_attainment"]);
    let args = ["compare", "short.toml", "-R", "2", "--format", "json", "--policies"];
    let table = desk.data(&[&args[..], &[&policy]].concat());
    assert!(table.contains("shim.py"), "{table}");
    let expect = "[[expect]]\nmetric = \"leak_ratio\"\nmax = 1\ngate = true\n";
    desk.write("short.toml", desk.read("short.toml") + expect);
    let args = ["check", "short.toml", "-R", "4", "--against", "random", "--policy", &policy];
    let text = desk.data(&args);
    assert!(text.contains("1 pass"), "{text}");
}

/// A shim that answers as it is told, in Python.
fn liar(desk: &Desk, ready: &str, decide: &str) -> String {
    let text = format!(
        "import json, sys\nfor line in sys.stdin:\n    m = json.loads(line)\n    \
         if m['type'] == 'hello': print({ready}, flush=True)\n    \
         elif m['type'] == 'decide': {decide}\n    elif m['type'] == 'tick': print('{{\"type\":\"seen\"}}', flush=True)\n"
    );
    desk.write("liar.py", text);
    format!("cmd:python3 {}", desk.path("liar.py").display())
}

#[test]
fn a_process_that_fails_is_one_clear_error() {
    if python().is_none() {
        return;
    }
    let desk = Desk::new();
    let fails = |policy: &str, says: &[&str]| {
        let ended = desk.run(&["run", "short.toml", "--policy", policy, "--out", "x"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
        for words in says {
            assert!(ended.stderr.contains(words), "{words} in {}", ended.stderr);
        }
    };
    let ready = "'{\"type\":\"ready\",\"protocol\":1}'";
    let say = |line: &str| format!("print('{line}', flush=True)");
    fails("cmd:./not-there", &["cannot start `./not-there`"]);
    fails("cmd:", &["no command"]);
    fails("cmd:true", &["its process ended before it answered question 1"]);
    fails(&liar(&desk, "'hello'", "pass"), &["answered `hello` with `hello`", "\"protocol\":1"]);
    let newer = "'{\"type\":\"ready\",\"protocol\":7}'";
    fails(&liar(&desk, newer, "pass"), &["version 7 of the protocol, and this program version 1"]);
    for (answer, says) in [
        ("{\"type\":\"send\",\"route\":99}", "it chose route 99, and routes are numbered 0 to 7"),
        ("{\"type\":\"send\",\"rout\":1}", "unknown field `rout`"),
        ("{\"type\":\"wait\",\"ns\":0}", "waits for no time at all"),
        ("{\"type\":\"stop\",\"status\":9}", "HTTP status 9"),
        ("nonsense", "answered `decide` with `nonsense`"),
    ] {
        fails(&liar(&desk, ready, &say(answer)), &[says]);
    }
    let dies = "raise SystemExit('out of cheese')";
    fails(
        &liar(&desk, ready, dies),
        &["ended before it answered", "exit status: 1", "out of cheese"],
    );
}
