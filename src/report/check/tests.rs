//! What a reader sees of a check whose figures are known.

use super::*;
use crate::record::Quantity;
use crate::record::check::{CHECK_VERSION, CheckFacts, GateOutcome};
use crate::record::claims::Verdict as Holds;

fn figure(verdict: Holds) -> Evidence {
    Evidence {
        metric: "time_to_drain".to_owned(),
        unit: "s".to_owned(),
        fault: None,
        stat: "mean".to_owned(),
        value: Quantity::Number(12.5),
        low: Some(12.0),
        high: Some(13.0),
        n: 10,
        censored: 0,
        n_a: 0,
        min: None,
        max: Some(9.0),
        verdict,
        close: false,
    }
}

fn subject(place: usize, verdict: Verdict) -> Checked {
    let gate = |verdict| GateResult {
        metric: "leak_ratio".to_owned(),
        unit: String::new(),
        fault: Some("burst".to_owned()),
        better: "lower".to_owned(),
        slack: 0.01,
        values: vec![Quantity::Number(0.2); 20],
        reference: vec![Quantity::Number(0.1); 20],
        outcome: GateOutcome {
            verdict,
            replications: 20,
            pairs: 20,
            mean: Some(0.2),
            reference_mean: Some(0.1),
            difference: Some(0.1),
            low: Some(0.09),
            high: Some(0.11),
            p: 1e-6,
            p_corrected: 2e-6,
            level: 0.005,
            smallest_effect: Some(0.02),
        },
    };
    let expectations = match verdict {
        Verdict::Failed => vec![figure(Holds::Fails)],
        Verdict::Pass => vec![figure(Holds::Holds)],
        _ => Vec::new(),
    };
    let gates = match verdict {
        Verdict::Regression | Verdict::Undecided => vec![gate(verdict)],
        _ => Vec::new(),
    };
    Checked {
        place,
        scenario: format!("s{place}"),
        file: "a,b:c.toml".to_owned(),
        sets: Vec::new(),
        policy: "windtunnel".to_owned(),
        scenario_digest: "0".to_owned(),
        digest: Some("1".to_owned()),
        reference_digest: Some("2".to_owned()),
        replications: 20,
        verdict,
        expectations,
        gates,
        reproduce: format!("windtunnel check s{place}.toml"),
    }
}

fn report(verdicts: &[Verdict]) -> CheckReport {
    let subjects = verdicts.iter().enumerate().map(|(place, verdict)| subject(place, *verdict));
    CheckReport {
        schema_version: CHECK_VERSION,
        tool_version: "0".to_owned(),
        plan: CheckFacts {
            digest: "0".to_owned(),
            seed: 1,
            replications: 10,
            replications_max: 40,
            alpha: 0.01,
            gates: 2,
            subjects: verdicts.len(),
            reference: Some(Reference::Policy { policy: "random".to_owned() }),
        },
        shard: None,
        verdict: verdicts.iter().copied().max().unwrap_or(Verdict::NotApplicable),
        notes: vec!["a <b> | c".to_owned()],
        subjects: subjects.collect(),
    }
}

const ALL: [Verdict; 5] =
    [Verdict::Pass, Verdict::Regression, Verdict::Undecided, Verdict::Failed, Verdict::NotRun];

#[test]
fn the_terminal_has_eighty_columns_and_every_failure_again() {
    let text = text(&report(&ALL));
    assert!(text.lines().all(|line| line.starts_with("reproduce") || line.chars().count() <= 80));
    for words in [
        "time_to_drain mean 12.5 s (12–13), expected ≤ 9 s",
        "leak_ratio of burst 0.2, was 0.1",
        "1 pass, 1 failed, 1 regression, 1 undecided, 1 not run",
        "2 gates against the policy random",
        "reproduce: windtunnel check s3.toml\nreproduce: windtunnel check s1.toml\n",
    ] {
        let found = text.contains(words) || text.replace('\n', " ").contains(words);
        assert!(found, "{words} in\n{text}");
    }
}

#[test]
fn markdown_is_escaped_short_enough_and_has_the_worst_first() {
    let page = markdown(&report(&ALL));
    assert!(page.starts_with("## windtunnel check: failed\n"), "{page}");
    assert!(page.contains("a &lt;b> \\| c"), "{page}");
    let (failed, worse) = (page.find("| s3 |"), page.find("| s1 |"));
    assert!(failed.is_some() && failed < worse, "{page}");
    let many = markdown(&report(&[Verdict::Regression; 2_000]));
    assert!(many.chars().count() < 65_536, "{}", many.chars().count());
    assert!(many.contains("…and ") && many.ends_with("</details>\n"));
}

#[test]
fn annotations_are_escaped_and_ten_at_most() {
    let lines = annotations(&report(&ALL));
    let errors: Vec<&str> = lines.lines().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(errors.len(), 2, "{lines}");
    assert!(
        errors[0].starts_with("::error file=a%2Cb%3Ac.toml,title=s3%3A failed of time_to_drain::")
    );
    assert!(errors[0].contains("%0Areproduce: windtunnel check s3.toml"), "{}", errors[0]);
    assert!(lines.contains("::warning title=windtunnel check::1 undecided"), "{lines}");
    let many = annotations(&report(&[Verdict::Failed; 30]));
    assert_eq!(many.lines().count(), 10);
    assert!(many.contains("…and 21 more failures"), "{many}");
    assert_eq!(annotations(&report(&[Verdict::Pass])), "");
}

#[test]
fn junit_has_a_case_a_figure() {
    let xml = junit(&report(&ALL));
    let read = quick_junit::Report::deserialize_from_str(&xml).expect("it is JUnit");
    assert_eq!((read.tests, read.failures), (5, 2), "{xml}");
    assert!(xml.contains("type=\"regression\"") && xml.contains("type=\"failed\""), "{xml}");
    assert!(xml.contains("reproduce: windtunnel check s3.toml"), "{xml}");
    assert!(xml.contains("not run, because something failed before"), "{xml}");
    assert!(!xml.contains("time="), "the same check is the same bytes");
}
