//! The page on prompt caches: its commands run, and its findings hold.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::docs::{Block, blocks, page};
use crate::program::Desk;

/// A figure of a stored summary.
fn number(summary: &Value, path: &str) -> f64 {
    summary.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {summary}"))
}

#[test]
fn the_commands_of_the_page_run_and_its_findings_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let blocks = blocks(&page("docs/prompt-cache.md"));
    let desk = Desk::new();
    for name in ["prompt-cache", "session-affinity"] {
        let path = format!("scenarios/{name}.toml");
        desk.write(&path, fs::read(root.join(&path)).unwrap());
    }
    for line in blocks.iter().filter(|block| block.is("sh")).flat_map(Block::commands) {
        let args: Vec<&str> = line.strip_prefix("windtunnel ").unwrap().split(' ').collect();
        let ended = desk.run(&args);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
    }
    let [spread, sticky, account] = ["spread", "sticky", "account"].map(|of| desk.summary(of));
    let hits = |of: &Value| number(of, "/prompt_cache/hit_ratio");
    let cost = |of: &Value| number(of, "/cost_usd");
    // Spreading reads half of what one account reads, and costs twice as much; affinity gets nearly all of it back.
    assert!(hits(&spread) < 0.6 && hits(&account) > 0.85, "{} {}", hits(&spread), hits(&account));
    assert!(cost(&spread) > 1.9 * cost(&account), "{} {}", cost(&spread), cost(&account));
    assert!(cost(&sticky) < 1.03 * cost(&account), "{} {}", cost(&sticky), cost(&account));
    assert!(number(&sticky, "/ttft_ms/p50") < number(&spread, "/ttft_ms/p50"));
    assert!(number(&sticky, "/jain") < number(&spread, "/jain"));
    // In an outage, sessions that stay come back later.
    let [with, without] = ["outage", "outage-without"].map(|of| desk.summary(of));
    assert!(cost(&with) < 0.7 * cost(&without), "{} {}", cost(&with), cost(&without));
    let back = |of: &Value| of.pointer("/faults/0/time_to_recover_share_s").and_then(Value::as_f64);
    assert!(back(&with).is_none() && back(&without).is_some_and(|seconds| seconds < 120.0));
}
