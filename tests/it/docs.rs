//! Pages and schemas that are written by the program are those of the program.

use std::fs;
use std::path::Path;

/// Published files, and what they must be.
fn generated() -> [(&'static str, String); 5] {
    [
        ("docs/metrics.md", windtunnel::metrics::catalog::markdown()),
        ("docs/policies.md", windtunnel::policy::registry::markdown()),
        ("docs/scenarios.md", windtunnel::scenario::markdown()),
        ("docs/scenario.schema.json", format!("{:#}\n", windtunnel::scenario::schema())),
        ("docs/summary.schema.json", windtunnel::record::Summary::schema()),
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
#[ignore = "writes docs/; run it when a registry or a format changes"]
fn renew() {
    for (path, page) in generated() {
        fs::write(root().join(path), page).unwrap();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
