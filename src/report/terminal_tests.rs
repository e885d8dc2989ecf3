//! The terminal summary: width, content, and what it says where there is nothing to say.

use super::*;
use crate::record::fixture::Scene;

fn columns(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
#[ignore = "for the eye"]
fn show_every_scene() {
    for run in [Scene::default().run(), many().replicate(5), silent().run()] {
        eprint_for_the_eye(&summary(&run));
    }
}

#[expect(clippy::print_stderr, reason = "for the eye")]
fn eprint_for_the_eye(text: &str) {
    eprintln!("{text}\n{}", "=".repeat(80));
}

fn many() -> Scene {
    let faults = vec![
        ("azure error burst", 40.0, 60.0, 0),
        ("openai token limit cut to a quarter of what it was", 70.0, 200.0, 1),
    ];
    Scene { providers: 10, keys: 10, seconds: 200, faults, ..Scene::default() }
}

fn silent() -> Scene {
    Scene { rps: 0.0, seconds: 120, ..Scene::default() }
}

#[test]
fn no_line_is_wider_than_80_columns() {
    for run in [Scene::default().run(), many().run(), many().replicate(5), silent().run()] {
        let text = summary(&run);
        assert!(columns(&text) <= 80, "{text}");
        assert!(text.ends_with('\n'));
    }
}

#[test]
fn the_numbers_of_the_summary_stand_in_the_text() {
    let run = Scene::default().run();
    let text = summary(&run);
    for part in [
        "azure-error-burst under bifrost-published",
        &run.summary.digest,
        &count(run.summary.requests.offered as f64),
        "azure error burst",
        "14 s",
        "bedrock",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_was_not_reached_or_has_no_meaning_says_so() {
    let run = silent().run();
    assert!(summary(&run).contains("n/a"));
    assert!(summary(&run).contains("warning: no request was measured"));
    let faults = vec![("azure error burst", 90.0, 92.0, 0)];
    let text = summary(&Scene { faults, ..Scene::default() }.run());
    assert!(text.contains("> 2 s"), "{text}");
}

#[test]
fn shares_stand_over_time_with_the_faults_under_them() {
    let run = Scene::default().run();
    let text = summary(&run);
    let lines: Vec<&str> = text.lines().collect();
    let marked = lines.iter().position(|line| line.starts_with(" faults ")).unwrap();
    // The dip of azure, the first provider, begins under the first mark at the earliest.
    let azure: Vec<char> =
        lines.iter().rfind(|line| line.starts_with(" azure ")).unwrap().chars().collect();
    let bars = azure.iter().position(|c| ('▁'..='█').contains(c)).unwrap();
    let dip = bars + azure[bars..].iter().position(|c| *c == ' ').unwrap();
    let mark = lines[marked].chars().position(|c| c == '^').unwrap();
    assert!(bars < mark && mark <= dip, "{text}");
}
