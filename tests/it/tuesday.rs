//! The guide from a log and a configuration to a report: its commands run, and its findings hold.

use std::fs;
use std::path::Path;

use crate::program::Desk;

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/your-own-tuesday.md");
    fs::read_to_string(path).unwrap()
}

/// Blocks of code in a language.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_guide_s_commands_run_and_its_findings_hold() {
    let guide = guide();
    let desk = Desk::new();
    desk.write("config.yaml", blocks(&guide, "yaml").concat());
    let commands = blocks(&guide, "sh").concat();
    let mut said = Vec::new();
    for line in commands.lines() {
        let line = line.strip_prefix("windtunnel ").unwrap();
        let (args, into) = line.split_once(" > ").unwrap_or((line, ""));
        let args: Vec<&str> = args.split(' ').collect();
        let ended = desk.run(&args);
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.stderr);
        if into.is_empty() {
            said.push(ended.stdout);
        } else {
            desk.write(into, ended.stdout);
        }
    }
    let [info, _, fit, ..] = said.as_slice() else { panic!("{said:?}") };
    // Finding 1: refusals are Azure's alone.
    assert!(info.contains("672 (11.22 %)") && info.contains("672 of 429"), "{info}");
    assert!(fit.contains("413910 tokens/min"), "{fit}");
    assert!(
        fit.contains("measured in the log              azure-eastus, openai-main, anthropic-main")
    );
    assert!(fit.contains("gamma cv 2.") && fit.contains("poisson, curve"), "{fit}");
    let scenario = desk.read("tuesday.toml");
    assert!(scenario.starts_with("# tuesday: ") && scenario.contains("litellm-latency-based"));
    // Finding 2: one basket.
    let now = desk.summary("now");
    let attempts = |provider: &str| {
        let routes = now["routes"].as_array().unwrap().iter();
        let own = routes.filter(|route| route["provider"].as_str().unwrap().starts_with(provider));
        own.map(|route| route["attempts"].as_u64().unwrap()).sum::<u64>()
    };
    let all = attempts("");
    assert!(attempts("openai") * 2 > all && attempts("anthropic") * 10 < all, "{all}");
    // Finding 3: what is lost, and that a weighted draw loses less.
    let offered = now["requests"]["offered"].as_u64().unwrap();
    let lost = offered - now["requests"]["good"].as_u64().unwrap();
    assert!(lost * 400 > offered, "{lost} of {offered}");
    let report = desk.read("compared/README.md");
    let place = |policy: &str| {
        report.find(&format!("| {policy}")).unwrap_or_else(|| panic!("{policy}: {report}"))
    };
    assert!(place("litellm-simple-shuffle") < place("litellm-latency-based"), "{report}");
}
