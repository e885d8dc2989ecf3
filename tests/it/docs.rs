//! Pages and schemas that are written by the program are those of the program; what guides quote is what it is.

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

/// Rust in a guide is taken from an example, which compiles; `// …` stands for what is left out.
#[test]
fn rust_in_the_guides_stands_in_an_example() {
    let bare =
        |text: &str| text.lines().map(|line| format!("{}\n", line.trim())).collect::<String>();
    let files = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let examples: Vec<String> =
        files.map(|path| bare(&fs::read_to_string(path).unwrap())).collect();
    let mut pieces = 0;
    for path in pages() {
        for block in blocks(&page(&path)).into_iter().filter(|block| block.is("rust")) {
            for piece in bare(&block.text).split("// …\n").filter(|piece| !piece.is_empty()) {
                let found = examples.iter().any(|example| example.contains(piece));
                assert!(found, "{path}:{}: no example has\n{piece}", block.line);
                pieces += 1;
            }
        }
    }
    assert!(pieces >= 10, "{pieces} pieces were found");
}

#[test]
#[ignore = "writes docs/; run it when a registry or a format changes"]
fn renew() {
    for (path, page) in generated() {
        fs::write(root().join(path), page).unwrap();
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block of a page.
#[derive(Debug)]
pub(crate) struct Block {
    /// Line of its fence, from 1.
    pub(crate) line: usize,
    /// What stands behind the fence.
    pub(crate) info: String,
    pub(crate) text: String,
}

/// All fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                open = true;
                blocks.push(Block { line: index + 1, info: info.to_owned(), text: String::new() });
            }
            None if open => {
                let block = blocks.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "a fence is not closed");
    blocks
}

impl Block {
    /// Whether it is in this language and runs.
    pub(crate) fn is(&self, language: &str) -> bool {
        self.info == language
    }

    /// Its commands: continued lines joined, comments gone, the source's way to start the program replaced.
    pub(crate) fn commands(&self) -> Vec<String> {
        let joined = self.text.replace("\\\n", " ");
        let line = |line: &str| line.split(" # ").next().unwrap_or_default().trim().to_owned();
        let lines = joined.lines().map(line).filter(|line| !line.is_empty());
        lines.map(|line| line.replace("cargo run --release -- ", "windtunnel ")).collect()
    }

    /// Why its commands cannot run here, where it says so.
    pub(crate) fn excuse(&self) -> Option<&str> {
        self.info.strip_prefix("sh no-run: ").filter(|why| why.len() > 5)
    }
}

pub(crate) fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// README and docs, by path.
pub(crate) fn pages() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name());
    let docs = docs.map(|name| format!("docs/{}", name.to_string_lossy()));
    let mut pages: Vec<String> = docs.filter(|path| path.ends_with(".md")).collect();
    pages.push("README.md".to_owned());
    pages.sort();
    pages
}
