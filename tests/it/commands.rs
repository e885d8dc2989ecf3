//! Every command in the docs runs: blocks marked `sh` in the README and in the written pages, line by line, in a folder
//! of its own, with the program under test.
//!
//! Readers' commands are run as they stand but for two things: what only says *how much* is run is lowered ([`SMALL`]), and
//! the scenarios in the folder offer [`RPS`] requests per second. A block that cannot run here says why in its fence
//! (`sh no-run: why`); of its commands, and of those in running text, the arguments are read all the same.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::docs::{blocks, page, pages, root};
use crate::program::{Desk, Ended, SHORT};

/// Requests per second, at most.
const RPS: u64 = 20;

/// Subcommand, argument and its greatest value; it is added where it is missing.
const SMALL: [(&str, &str, Option<u64>); 9] = [
    ("bench", "--quick", None),
    ("check", "-R", Some(3)),
    ("compare", "-R", Some(2)),
    ("hunt", "--budget", Some(8)),
    ("hunt", "--keep", Some(1)),
    ("solve", "-R", Some(2)),
    ("sweep", "-R", Some(2)),
    ("tune", "-R", Some(2)),
    ("tune", "--trials", Some(3)),
];

/// Pages that the program writes, whose commands are in running text only.
const GENERATED: [&str; 3] = ["docs/metrics.md", "docs/policies.md", "docs/scenarios.md"];

/// These pages have tests of their own, which run their commands as they stand and read the answers.
const ELSEWHERE: [&str; 2] = ["docs/prompt-cache.md", "docs/your-own-tuesday.md"];

/// The command with less of everything.
fn small(command: &str) -> String {
    let command = command.replace(" --quick", " -R 10");
    let mut words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let lower = |word: &str, most: u64| match word.replace('_', "").parse::<u64>() {
        Ok(number) => number.min(most).to_string(),
        Err(_) => word.to_owned(),
    };
    for word in &mut words {
        if let Some(rate) = word.strip_prefix("rps=") {
            *word = format!("rps={}", lower(rate, RPS));
        }
    }
    for (verb, flag, most) in SMALL {
        let Some(at) = words.iter().position(|word| word == verb) else { continue };
        if let Some(at) = words.iter().position(|word| word == "--swarm") {
            words[at + 1] = lower(&words[at + 1], 20);
            continue;
        }
        if words.iter().any(|word| word == "--merge") {
            continue;
        }
        let known = words.iter().position(|word| word == flag);
        match (known, most) {
            (Some(at), Some(most)) => words[at + 1] = lower(&words[at + 1], most),
            (Some(_), None) => {}
            (None, most) => {
                let value = most.map(|most| most.to_string());
                words.splice(at + 1..at + 1, [flag.to_owned()].into_iter().chain(value));
            }
        }
    }
    words.join(" ")
}

/// Runs a line in a shell, with the program under test as `windtunnel`.
fn shell(desk: &Desk, line: &str) -> Ended {
    let program = Path::new(env!("CARGO_BIN_EXE_windtunnel")).parent().unwrap();
    let mut command = Command::new("sh");
    command.arg("-euc").arg(format!("PATH=\"$0:$PATH\"\n{line}")).arg(program);
    command.current_dir(desk.path("")).stdin(Stdio::null()).env_remove("COLUMNS");
    Ended::of(&mut command)
}

/// What is wrong with the arguments of a command, which is not run.
fn misread(desk: &Desk, command: &str) -> Option<String> {
    let own = command.split([';', '|', '>', '&']).next().unwrap_or_default();
    let ended = shell(desk, &format!("{own} --help"));
    (ended.code != Some(0)).then_some(ended.stderr)
}

/// A folder with what a page takes for granted.
fn desk(path: &str) -> Desk {
    let desk = Desk::new();
    copy(&desk, "scenarios");
    copy(&desk, "examples/shims");
    copy(&desk, "results");
    match path {
        // Scenarios of one's own, with the expectations of the page.
        "docs/ci.md" => {
            fs::remove_dir_all(desk.path("scenarios")).unwrap();
            let expects = blocks(&page(path)).into_iter().find(|block| block.is("toml")).unwrap();
            let world = SHORT.replace("bifrost-published", "windtunnel");
            desk.write("scenarios/mine.toml", format!("{world}{}", expects.text));
        }
        "docs/replay-your-trace.md" => {
            let scenario = blocks(&page(path)).into_iter().find(|block| block.is("toml")).unwrap();
            desk.write("mine.toml", scenario.text);
        }
        "docs/explain.md" => desk.write("incident.flight", crate::explain::record()),
        "docs/bring-your-own-policy.md" => desk.write("mine/short.toml", gated()),
        "docs/shim-protocol.md" => {
            desk.write("mine/short.toml", gated());
            desk.write("my-shim", page("examples/shims/python/shim.py"));
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(desk.path("my-shim"), executable).unwrap();
        }
        _ => {}
    }
    desk
}

/// A scenario of one's own with a gate.
fn gated() -> String {
    format!("{SHORT}[[expect]]\nmetric = \"leak_ratio\"\ngate = true\n")
}

/// Copies a folder of the repository; scenarios with fewer requests.
fn copy(desk: &Desk, folder: &str) {
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            let full = root().join(&path);
            if full.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(full).unwrap();
            if path.starts_with("scenarios") && path.extension().is_some_and(|e| e == "toml") {
                bytes = fewer(&String::from_utf8(bytes).unwrap()).into_bytes();
            }
            desk.write(path.to_str().unwrap(), bytes);
        }
    }
}

/// A scenario with its rate lowered.
fn fewer(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("rps = ") {
        Some(rest) => {
            let number = rest.split(['#', ' ']).next().unwrap_or_default();
            let rate = number.replace('_', "").parse::<u64>().unwrap_or(u64::MAX).min(RPS);
            format!("rps = {rate}\n")
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Runs all commands of a page; what is wrong, and how many there were.
fn wrong(path: &str, text: &str) -> (Vec<String>, usize) {
    let (mut wrong, mut count) = (Vec::new(), 0);
    let desk = desk(path);
    for block in blocks(text) {
        let place = format!("{path}:{}", block.line);
        match block.info.split([' ', ':']).next().unwrap_or_default() {
            "sh" if block.is("sh") => {}
            "sh" if block.excuse().is_some() => {}
            "sh" | "bash" | "shell" | "console" => {
                wrong.push(format!("{place}: neither `sh` nor `sh no-run: why`: {}", block.info));
                continue;
            }
            _ => continue,
        }
        for command in block.commands() {
            count += 1;
            if block.excuse().is_some() {
                if command.starts_with("windtunnel ") {
                    let found = misread(&desk, &command);
                    wrong.extend(found.map(|error| format!("{place}: {command}\n{error}")));
                }
                continue;
            }
            let ended = shell(&desk, &small(&command));
            // A check that is red has done what it is for.
            let judged =
                command.contains("windtunnel check") && matches!(ended.code, Some(98 | 99));
            if ended.code != Some(0) && !judged {
                let Ended { code, stdout, stderr } = ended;
                wrong.push(format!("{place}: {command}\n{code:?} {stdout}{stderr}"));
            }
        }
    }
    (wrong, count)
}

#[test]
fn every_command_in_the_docs_runs() {
    let (mut all, mut count) = (Vec::new(), 0);
    let is_here =
        |path: &String| !GENERATED.contains(&path.as_str()) && !ELSEWHERE.contains(&path.as_str());
    for path in pages().into_iter().filter(is_here) {
        let text = page(&path);
        if text.contains("cmd:python3") && !has_python() {
            skipped(&path);
            continue;
        }
        let (found, commands) = wrong(&path, &text);
        all.extend(found);
        count += commands;
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
    assert!(count >= 40, "{count} commands were found");
}

#[test]
fn commands_in_running_text_have_arguments_that_exist() {
    let desk = Desk::new();
    let mut all = Vec::new();
    for path in pages() {
        let page = page(&path);
        let spans = page.split('`').filter(|span| span.starts_with("windtunnel "));
        let is_command = |span: &&str| {
            span["windtunnel ".len()..].starts_with(|c: char| c.is_ascii_lowercase())
                && !span.contains('\n')
        };
        for span in spans.filter(is_command) {
            let found = misread(&desk, span);
            all.extend(found.map(|error| format!("{path}: {span}\n{error}")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn what_no_longer_exists_is_found_and_a_block_is_not_left_out_for_nothing() {
    let found = |text: &str| wrong("docs/x.md", text).0.concat();
    let renamed = found("```sh\nwindtunnel run short.toml --policies random # why\n```\n");
    assert!(
        renamed.contains("docs/x.md:1: windtunnel run short.toml")
            && renamed.contains("--policies")
    );
    assert!(
        found("```sh no-run: it takes an hour\nwindtunnel tune x --trial 3\n```\n")
            .contains("--trial")
    );
    assert_eq!(
        found("```sh no-run: it takes an hour\nwindtunnel tune x \\\n  --trials 3\n```\n"),
        ""
    );
    assert!(found("```sh no-run\nwindtunnel list policies\n```\n").contains("neither"));
    assert!(found("```console\n$ windtunnel list policies\n```\n").contains("neither"));
    let command = "windtunnel campaign plan p.json sweep s.toml --set rps=200 -R 10 > log";
    assert_eq!(
        small(command),
        "windtunnel campaign plan p.json sweep s.toml --set rps=20 -R 2 > log"
    );
    assert_eq!(small("windtunnel compare s.toml"), "windtunnel compare -R 2 s.toml");
    assert_eq!(small("windtunnel check --swarm 1000"), "windtunnel check --swarm 20");
    assert_eq!(fewer("rps = 5_000 # many\nduration = \"1s\""), "rps = 20\nduration = \"1s\"\n");
}

fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok()
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped(path: &str) {
    eprintln!("skipped: {path}: there is no python3 here");
}
