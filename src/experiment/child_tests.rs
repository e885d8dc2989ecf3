//! A process that hangs, dies or says what is no answer: one sentence each, and nothing of it is left.

use std::path::Path;

use super::*;

/// Two looks of the watcher and a bit.
const SHORT: Duration = Duration::from_millis(600);

/// A shell with these lines as its program, where there is one.
fn shell(script: &str) -> Option<Child> {
    Child::start(Command::new("sh").args(["-c", script]), SHORT).ok()
}

/// Asks once, and gives the error and the process's number.
fn fails(script: &str) -> Option<(String, u32)> {
    let mut child = shell(script)?;
    let id = child.shared.process.lock().unwrap().id();
    let error = child.ask("question\n").unwrap_err();
    Some((error, id))
}

/// Nothing of a process is left: neither does it run, nor does it wait for somebody to ask how it ended.
fn is_gone(id: u32) -> bool {
    !Path::new("/proc/self").exists() || !Path::new(&format!("/proc/{id}")).exists()
}

#[track_caller]
fn says(found: &Option<(String, u32)>, words: &[&str]) {
    let Some((error, id)) = found else { return };
    for words in words {
        assert!(error.contains(words), "{words} in {error}");
    }
    assert!(is_gone(*id), "process {id} is left: {error}");
}

#[test]
fn one_that_hangs_is_ended_and_says_what_it_said() {
    let found = fails("echo thinking >&2; read line; exec sleep 1000");
    says(&found, &["it did not answer question 1 for 0.6 s", "thinking"]);
}

#[test]
fn one_that_never_reads_is_ended_although_its_pipe_is_full() {
    let Some(mut child) = shell("exec sleep 1000") else { return };
    let id = child.shared.process.lock().unwrap().id();
    let error = child.ask(&"x".repeat(1 << 20)).unwrap_err();
    drop(child);
    says(&Some((error, id)), &["it did not answer question 1"]);
}

#[test]
fn one_that_dies_says_how() {
    says(&fails("echo out of cheese >&2; exit 3"), &["ended before", "exit status: 3", "cheese"]);
    says(&fails("kill -9 $$"), &["ended before it answered question 1", "signal: 9"]);
    // It closes its output and lives on.
    says(&fails("exec 1>&-; exec sleep 1000"), &["ended before it answered question 1"]);
}

#[test]
fn one_that_says_what_is_no_answer_is_told_apart() {
    says(&fails("printf '\\377\\376\\n'; exec sleep 1000"), &["bytes that are not UTF-8"]);
    let endless =
        "while :; do printf xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
    says(&fails(endless), &["it answered with more than 1048576 bytes"]);
}

#[test]
fn one_that_is_needed_no_longer_is_ended() {
    // It neither reads nor cares that its input ended.
    let Some(mut child) = shell("read line; echo answer; exec sleep 1000") else { return };
    let id = child.shared.process.lock().unwrap().id();
    assert_eq!(child.ask("question\n"), Ok("answer\n".to_owned()));
    drop(child);
    assert!(is_gone(id), "process {id} is left");
}
