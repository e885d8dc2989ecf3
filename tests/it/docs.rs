//! Pages and schemas that are written by the program are those of the program.

use std::fs;
use std::path::Path;

/// Published files, and what they must be.
fn generated() -> [(&'static str, String); 13] {
    [
        ("docs/metrics.md", windtunnel::metrics::catalog::markdown()),
        ("docs/policies.md", windtunnel::policy::registry::markdown()),
        ("docs/scenarios.md", windtunnel::scenario::markdown()),
        ("docs/scenario.schema.json", format!("{:#}\n", windtunnel::scenario::schema())),
        ("docs/summary.schema.json", windtunnel::record::Summary::schema()),
        ("docs/comparison.schema.json", windtunnel::record::Comparison::schema()),
        ("docs/sweep.schema.json", windtunnel::record::Sweep::schema()),
        ("docs/claims.schema.json", windtunnel::record::Scorecard::schema()),
        ("docs/hunt.schema.json", windtunnel::record::Hunt::schema()),
        ("docs/solution.schema.json", windtunnel::record::Solution::schema()),
        ("docs/tuning.schema.json", windtunnel::record::Tuning::schema()),
        ("docs/check.schema.json", windtunnel::record::CheckReport::schema()),
        ("docs/baseline.schema.json", windtunnel::record::Baseline::schema()),
    ]
}

#[test]
fn generated_pages_are_current() {
    let stale: Vec<_> = generated()
        .into_iter()
        .filter(|(path, page)| fs::read_to_string(root().join(path)).ok().as_ref() != Some(page))
        .map(|(path, _)| path)
        .collect();
    assert!(
        stale.is_empty(),
        "{stale:?}: `cargo test --test it docs::renew -- --ignored` renews them"
    );
}

#[test]
fn the_scenario_in_the_guide_is_one() {
    let guide = fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let text = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let read = |text: &str| windtunnel::scenario::parse("guide.toml", text, root(), &[]);
    let scenario = read(text).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(scenario.spec.pool.routes.len(), 8);
    // What its comment offers works as well.
    let offered =
        text.replace("\"windtunnel\"  ", "{ name = \"windtunnel\", state.failed = \"8%\" }");
    let settings = read(&offered).unwrap_or_else(|error| panic!("{error:?}")).policy.settings;
    assert_eq!(settings.get("state.failed"), 0.08);
}

#[test]
fn the_claim_in_its_page_is_one() {
    let page = fs::read_to_string(root().join("docs/claims.md")).unwrap();
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let path = root().join("scenarios/claims/page.toml");
    let claim = windtunnel::scenario::claim::parse(&path, text);
    assert_eq!(claim.unwrap_or_else(|error| panic!("{error:?}")).expects[0].max, Some(15.0));
}

#[test]
#[ignore = "writes docs/; run it when a registry or a format changes"]
fn renew() {
    for (path, page) in generated() {
        fs::write(root().join(path), page).unwrap();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
