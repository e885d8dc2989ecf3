//! A production trace end to end: Microsoft's Azure code trace of 2023, brought to 5,000 requests per
//! second in place, against limits counted as Azure counts them, with an error burst on one provider.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::Path;

use crate::program::Desk;

const SCENARIO: &str = r#"# Real bursts against limits per minute: who is refused while a provider is down?
duration = "90s"
policy = "bifrost-published"
[trace]
file = "TRACE"
format = "azure"
scale = { to = 5_000 }
[workload]
client = { deadline = "10s", per_output_token = "40ms" }
[provider]
east = { profile = "azure/gpt-4o", keys = 4, tpm = "130%" }
west = { profile = "azure/gpt-4o", keys = 4, tpm = "130%" }
openai = { profile = "openai/gpt-4o", keys = 4, tpm = "130%" }
[[fault]]
kind = "error-burst"
on = "openai"
start = "30s"
lasts = "30s"
error = { rate = "100%", status = 503, after = "80ms" }
"#;

#[test]
fn a_real_trace_at_5000_requests_per_second_meets_azure_s_limits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let trace = root.join("../shared/data/azure_llm_2023_code.csv");
    if !trace.exists() {
        eprintln!("SKIPPED: {} is not here", trace.display());
        return;
    }
    let desk = Desk::new();
    desk.write("real.toml", SCENARIO.replace("TRACE", &trace.to_string_lossy()));
    let ended = desk.run(&["run", "real.toml", "--out", "r"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = ended.stderr.lines().find(|line| line.starts_with("trace: ")).unwrap();
    assert!(line.contains("2.57 → 5000 requests/s in-place; var/mean"), "{line}");
    let summary = desk.summary("r");
    // The trace's first 90 s have another rate than its mean; in-place scaling keeps that.
    let offered = summary["requests"]["offered"].as_u64().unwrap();
    assert!((100_000..1_500_000).contains(&offered), "{offered}");
    let limited = summary["rate_limited"].as_u64().unwrap();
    assert!(limited > 100, "bursts far above the mean must hit limits of 130 %: {limited}");
    assert_eq!(summary["faults"][0]["name"], "error-burst");
    let files = desk.files("r");
    for figure in ["goodput", "latency", "recovery", "share", "weights"] {
        assert!(files[&format!("{figure}.svg")].starts_with(b"<svg"), "{figure}");
        assert!(files[&format!("{figure}.png")].starts_with(b"\x89PNG"), "{figure}");
    }
}
