//! Rules of the house that the compiler does not know. Each check is a function from a path and a text
//! to what is wrong there, and is tested on a text that breaks it.

use std::fs;
use std::path::Path;

/// Layers and what each may import, itself apart. Nothing else may stand under `src`.
const LAYERS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("governance", &["engine"]),
    ("policy", &["engine"]),
    ("cluster", &["engine"]),
    ("metrics", &["engine", "policy"]),
    ("sim", &["engine", "governance", "policy", "cluster", "metrics"]),
    ("stats", &["engine", "metrics"]),
    ("trace", &["engine", "policy", "metrics", "sim"]),
    ("scenario", &["engine", "governance", "policy", "metrics", "sim", "trace"]),
    ("import", &["policy", "scenario"]),
    ("fit", &["engine", "sim", "trace", "scenario", "import"]),
    ("record", &["engine", "policy", "metrics", "stats"]),
    (
        "experiment",
        &[
            "engine",
            "governance",
            "policy",
            "metrics",
            "sim",
            "stats",
            "trace",
            "scenario",
            "record",
        ],
    ),
    // A report never runs a simulation: no `sim`, no `experiment`.
    ("report", &["engine", "policy", "metrics", "stats", "record"]),
    (
        "dashboard",
        &["engine", "policy", "metrics", "sim", "scenario", "record", "experiment", "report"],
    ),
    (
        "cli",
        &[
            "engine",
            "governance",
            "policy",
            "metrics",
            "sim",
            "stats",
            "trace",
            "scenario",
            "import",
            "fit",
            "record",
            "experiment",
            "report",
            "dashboard",
        ],
    ),
];

/// What the engine must not touch: it runs inside other people's gateways, and in virtual time.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::io",
    "std::time",
    "std::process",
    "Instant::",
    "SystemTime",
    "HashMap",
    "HashSet",
    "println!",
    "eprintln!",
    "rand::",
    ".exp()",
    ".ln()",
    ".powf(",
    ".powi(",
];

const FORBIDDEN: &[&str] = &["todo!", "FIXME", "XXX", "dbg!", "simply", "obviously"];

/// Beginnings of paths that exist on one machine only.
const PLACES: &[&str] = &["/home/", "/root/", "/Users/", "C:\\"];

const LINES_MAX: usize = 500;

/// Files of the repository below these folders, by path, with their text.
fn texts(folders: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if endings.contains(&ending.as_str()) {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<(String, String)> {
    let all = texts(&["src", "tests", "examples", "benches"], &["rs"]);
    assert!(all.len() > 100, "the sources were not found");
    all
}

/// What is wrong with a text at a path.
type Check = fn(&str, &str) -> Vec<String>;

/// Applies a check to texts and reports everything at once.
fn check(texts: &[(String, String)], wrong: Check) {
    let wrong: Vec<String> = texts.iter().flat_map(|(path, text)| wrong(path, text)).collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Lines without their comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.enumerate().map(|(index, line)| (index + 1, line))
}

/// Names after `crate::`, also several in braces.
fn imports(line: &str) -> Vec<&str> {
    let word = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let first = |text: &str| word(text).unwrap_or(text.len());
    let mut names = Vec::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default().split(',').map(str::trim);
                names.extend(list.map(|name| &name[..first(name)]).filter(|name| !name.is_empty()));
            }
            None => names.push(&rest[..first(rest)]),
        }
    }
    names
}

/// Tests of a layer may look at it through those above.
fn layers(path: &str, text: &str) -> Vec<String> {
    if path.ends_with("/tests.rs") {
        return Vec::new();
    }
    let Some((layer, _)) = path.strip_prefix("src/").and_then(|path| path.split_once('/')) else {
        return Vec::new();
    };
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{path}: `{layer}` is no layer: say in LAYERS what it may import")];
    };
    let is_layer = |name: &&str| LAYERS.iter().any(|(layer, _)| layer == name);
    let outside = |name: &&str| *name != layer && !allowed.contains(name) && is_layer(name);
    code(text)
        .flat_map(|(line, code)| imports(code).into_iter().map(move |name| (line, name)))
        .filter(|(_, name)| outside(name))
        .map(|(line, name)| format!("{path}:{line}: `{layer}` may not import `{name}`"))
        .collect()
}

fn purity(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("src/engine/") || path.ends_with("tests.rs") {
        return Vec::new();
    }
    // Tests may use threads: that the engine stands them is what they show.
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code(text)
        .flat_map(|(line, code)| {
            IMPURE.iter().filter(|bad| code.contains(**bad)).map(move |bad| (line, bad))
        })
        .map(|(line, bad)| format!("{path}:{line}: `{bad}` in the engine"))
        .collect()
}

fn shape(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        wrong.push(format!("{path}: {lines} lines: split it by concern"));
    }
    if !text.starts_with("//!") {
        wrong.push(format!("{path}: does not begin with what it is and why (`//!`)"));
    }
    wrong
}

/// The `mod.rs` of a layer lists and explains; what does something has a file with a name. The three
/// layers whose one entrance stands there are let be, and so are folders inside a layer.
fn table_of_contents(path: &str, text: &str) -> Vec<String> {
    let layer = path.strip_prefix("src/").and_then(|path| path.strip_suffix("/mod.rs"));
    match layer {
        Some(layer) if !layer.contains('/') && !["cli", "scenario", "trace"].contains(&layer) => {}
        _ => return Vec::new(),
    }
    let is_item = |line: &str| {
        let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        ["fn ", "impl ", "impl<"].iter().any(|item| line.starts_with(item))
    };
    code(text)
        .filter(|(_, code)| is_item(code))
        .map(|(line, code)| format!("{path}:{line}: a `mod.rs` with code: {}", code.trim()))
        .collect()
}

fn words(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let bad = FORBIDDEN.iter().chain(PLACES);
    lines
        .flat_map(|(line, text)| {
            bad.clone().filter(|bad| text.contains(**bad)).map(move |bad| (line, bad))
        })
        .map(|(line, bad)| format!("{path}:{line}: `{bad}`"))
        .collect()
}

fn question(path: &str, text: &str) -> Vec<String> {
    match windtunnel::scenario::question(text) {
        Some(question) if question.contains('?') => Vec::new(),
        _ => vec![format!("{path}: does not open with a comment that asks something")],
    }
}

#[test]
fn layers_import_only_what_is_below_them() {
    check(&sources(), layers);
}

#[test]
fn the_engine_touches_nothing_outside_itself() {
    check(&sources(), purity);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    check(&sources(), shape);
}

#[test]
fn the_mod_rs_of_a_layer_is_a_table_of_contents() {
    check(&sources(), table_of_contents);
}

#[test]
fn no_forbidden_words_and_no_paths_of_one_machine() {
    let folders = ["src", "tests", "examples", "benches", "docs", "scenarios", ".ci"];
    let mut all = texts(&folders, &["rs", "md", "toml", "json", "txt"]);
    all.retain(|(path, _)| path != "tests/it/tidy.rs");
    for name in
        ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "Cargo.toml", "clippy.toml", ".ci/run"]
    {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        all.extend(text.ok().map(|text| (name.to_owned(), text)));
    }
    check(&all, words);
}

#[test]
fn every_scenario_opens_with_its_question() {
    let scenarios = texts(&["scenarios"], &["toml"]);
    assert!(scenarios.len() >= 18);
    check(&scenarios, question);
}

#[test]
fn each_check_finds_what_it_is_for() {
    let cases: [(Check, &str, &str, &str); 9] = [
        (
            layers,
            "src/policy/mod.rs",
            "//! x\nuse crate::sim::World;\n",
            ":2: `policy` may not import `sim`",
        ),
        (
            layers,
            "src/report/x.rs",
            "use crate::{record, sim::World};",
            "`report` may not import `sim`",
        ),
        (layers, "src/new/x.rs", "", "`new` is no layer"),
        (purity, "src/engine/x.rs", "let x = y.exp();", ":1: `.exp()` in the engine"),
        (shape, "src/engine/x.rs", "use std::fmt;", "does not begin with"),
        (shape, "src/engine/x.rs", &"//!\n".repeat(501), "501 lines"),
        (table_of_contents, "src/sim/mod.rs", "//! x\npub fn run() {}", ":2: a `mod.rs` with code"),
        (words, "src/x.rs", "// it is simply\n// at /home/me/x", ":1: `simply`"),
        (question, "scenarios/x.toml", "rps = 5", "does not open with a comment"),
    ];
    for (check, path, text, finding) in cases {
        let found = check(path, text).join("\n");
        assert!(found.contains(finding), "{finding} in {found}");
    }
    assert_eq!(layers("src/sim/x.rs", "// crate::cli\nuse crate::policy::Pool;"), [""; 0]);
    assert_eq!(purity("src/engine/x.rs", "#[cfg(test)]\nmod tests {\nuse std::thread;"), [""; 0]);
}
