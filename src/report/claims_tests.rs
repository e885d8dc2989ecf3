//! The pages of a scorecard made by hand.

use super::*;
use crate::record::quantity::Censored;

fn figure(verdict: Verdict) -> Evidence {
    Evidence {
        metric: "time_to_failed".to_owned(),
        unit: "s".to_owned(),
        fault: None,
        stat: "p95".to_owned(),
        value: Quantity::Number(7.25),
        low: Some(6.0),
        high: Some(8.5),
        n: 10,
        censored: 0,
        n_a: 0,
        min: None,
        max: Some(8.0),
        verdict,
        close: true,
    }
}

fn claim(name: &str, verdict: Verdict, evidence: Vec<Evidence>) -> ClaimResult {
    let test = if evidence.is_empty() {
        TestFacts::Documents { says: "Not so.".to_owned(), source: "Kong, page | B".to_owned() }
    } else {
        TestFacts::Scenario {
            policy: "kong-default".to_owned(),
            file: "worlds/x.toml".to_owned(),
            sets: vec!["rps=5".to_owned()],
            replications: 10,
            digest: "0123456789abcdef".to_owned(),
        }
    };
    ClaimResult {
        claim: name.to_owned(),
        system: "Kong".to_owned(),
        says: format!("It {}.", verdict.name()),
        source: "Kong, page | A, 2026".to_owned(),
        verdict,
        test,
        evidence,
        note: Some("Mind this.".to_owned()),
    }
}

fn scorecard() -> Scorecard {
    let mut never = figure(Verdict::Fails);
    (never.value, never.high) = (Quantity::Censored(Censored { censored_at_s: 60.0 }), None);
    (never.censored, never.close, never.min) = (4, false, Some(1.0));
    let claims = vec![
        claim("kong-a", Verdict::Holds, vec![figure(Verdict::Holds)]),
        claim("kong-b", Verdict::Fails, vec![figure(Verdict::Holds), never]),
        claim("kong-c", Verdict::Contradicted, Vec::new()),
        claim("kong-d", Verdict::Untestable, Vec::new()),
    ];
    Scorecard { schema_version: 1, tool_version: "0".to_owned(), seed: 1, claims }
}

#[test]
fn the_terminal_shows_each_figure_with_bound_and_verdict() {
    let text = text(&scorecard());
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows[1], words("kong-a time_to_failed p95 7.25 s (6–8.5) * ≤ 8 s holds"));
    assert_eq!(rows[2], words("kong-b time_to_failed p95 7.25 s (6–8.5) * ≤ 8 s fails"));
    assert_eq!(rows[3], words("time_to_failed p95 > 60 s, 4 of 10 not reached 1 to 8 s"));
    assert_eq!(rows[4], words("kong-c – – contradicted"));
    assert!(text.contains("4 claims: 1 hold, 2 fail (1 of them by the vendor's own documents), 1"));
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
}

#[test]
fn the_page_has_a_row_and_a_section_a_claim() {
    let page = markdown(&scorecard());
    let row = page.lines().find(|line| line.contains("(#kong-b)")).unwrap();
    assert!(row.starts_with("| Kong | It fails. (Kong, page \\| A, 2026; [details](#kong-b))"));
    assert!(row.contains("<br>") && row.ends_with("| **fails** |"), "{row}");
    assert_eq!(page.matches("\n## kong-").count(), 4);
    assert!(page.contains("`worlds/x.toml` with `rps=5` under `kong-default`, 10 replications"));
    assert!(page.contains("- test: Not so. (Kong, page | B)"));
    assert!(page.contains("- beware: Mind this.\n- verdict: **untestable**\n"));
}

#[test]
fn a_bound_is_written_as_it_is_meant() {
    let with = |min, max| bound(&Evidence { min, max, ..figure(Verdict::Holds) });
    assert_eq!(with(Some(5.0), Some(5.0)), "= 5 s");
    assert_eq!(with(Some(5.0), None), "≥ 5 s");
    let undefined = Quantity::from(crate::metrics::Value::Undefined { reason: "no traffic" });
    let none =
        Evidence { value: undefined, n: 0, n_a: 10, low: None, ..figure(Verdict::Untestable) };
    assert!(measured(&none).starts_with("time_to_failed p95 n/a: no traffic"));
}
