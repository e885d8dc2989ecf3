//! `windtunnel report`: one file that needs nothing but itself, the same bytes twice, and clear words where it
//! cannot be made.

use std::collections::BTreeSet;

use crate::program::Desk;

/// A desk with a run and a comparison.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.data(&["run", "short.toml", "--out", "one"]);
    let policies = "windtunnel,random,kong-default,cloudflare-fallback,litellm-simple-shuffle";
    desk.data(&["compare", "short.toml", "--policies", policies, "-R", "3", "--out", "many"]);
    desk
}

/// Values of an attribute.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!(" {name}=\"");
    html.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// What is wrong with the nesting of a page's elements.
fn nesting(html: &str) -> Option<String> {
    const VOID: [&str; 2] = ["meta", "!doctype"];
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = rest.find('>')?;
        let (tag, behind) = (&rest[..end], &rest[end + 1..]);
        rest = behind;
        let name = |tag: &str| tag.split([' ', '\n', '/']).next().unwrap().to_owned();
        match tag.strip_prefix('/') {
            Some(closed) => {
                if open.pop().as_deref() != Some(closed) {
                    return Some(format!(
                        "</{closed}> closes what is not open, before {behind:.60}"
                    ));
                }
            }
            None if tag.ends_with('/') || VOID.contains(&name(tag).as_str()) => {}
            None => {
                let name = name(tag);
                if ["script", "style"].contains(&name.as_str()) {
                    rest = &rest[rest.find(&format!("</{name}>"))? + name.len() + 3..];
                } else {
                    open.push(name);
                }
            }
        }
    }
    open.pop().map(|open| format!("<{open}> is never closed"))
}

#[test]
fn a_report_is_one_file_that_needs_nothing_but_itself() {
    let desk = desk();
    for results in ["one", "many"] {
        let printed = desk.data(&["report", results]);
        assert!(printed.starts_with("short"), "{printed}");
        assert!(printed.lines().all(|line| line.chars().count() <= 80), "{printed}");
        let html = desk.read(&format!("{results}/report.html"));
        assert_eq!(nesting(&html), None, "{results}");
        assert!(html.len() < 2_000_000, "{} bytes", html.len());
        assert!(!html.contains("http:") && !html.contains("https:"), "nothing is fetched");
        for word in ["<img", "<link", "<iframe", "@import", "url(h", "src="] {
            assert!(!html.contains(word), "{word}");
        }
        let ids: Vec<&str> = attributes(&html, "id");
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "names in links are unique: {ids:?}");
        for link in attributes(&html, "href") {
            assert!(known.contains(link.trim_start_matches('#')), "{link} leads nowhere");
        }
        // Each figure says in words what it shows, and each has a share of faults that is shaded.
        assert!(html.contains("class=\"shade\"") && html.matches("role=\"img\"").count() > 5);
    }
}

#[test]
fn findings_come_first_and_carry_their_intervals() {
    let desk = desk();
    desk.data(&["report", "many"]);
    let html = desk.read("many/report.html");
    let at = |what: &str| html.find(what).unwrap_or_else(|| panic!("{what} is missing"));
    assert!(at("id=\"findings\"") < at("<figure") && at("<figure") < at("<table"));
    assert!(at("<table") < at("id=\"method\"") && at("id=\"method\"") < at("id=\"limits\""));
    assert!(
        at("id=\"limits\"") < at("id=\"warnings\"") && at("id=\"warnings\"") < at("id=\"again\"")
    );
    let findings = desk.data(&["report", "many", "--format", "json"]);
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    let first = findings["findings"][0]["sentence"].as_str().unwrap();
    assert!(first.contains("`windtunnel`") && first.contains(" s"), "{first}");
    let evidence = findings["findings"][0]["evidence"].as_str().unwrap();
    assert!(evidence.contains("n = 3"), "{evidence}");
    assert!(html.contains("class=\"whisker\""), "intervals are drawn");
    assert!(html.contains("fill faint"), "so are bands");
}

#[test]
fn the_same_input_gives_the_same_bytes_and_a_run_is_found_again_by_its_command() {
    let desk = desk();
    desk.data(&["report", "one", "many", "--out", "a", "--papers"]);
    desk.data(&["report", "one", "many", "--out", "b", "--papers"]);
    assert!(desk.files("a") == desk.files("b"));
    // The command behind a figure makes the very run that it shows.
    let html = desk.read("a/report.html");
    let line = html.split("<code>windtunnel run ").nth(1).unwrap().split("</code>").next().unwrap();
    let command = html
        .split("<code>windtunnel run ")
        .skip(1)
        .map(|rest| rest.split("</code>").next().unwrap())
        .find(|line| line.contains("--only"))
        .unwrap_or_else(|| panic!("no replication in {line}"));
    let mut words = vec!["run"];
    words.extend(command.split(' '));
    words.extend(["--out", "again", "--format", "json"]);
    let again: serde_json::Value = serde_json::from_str(&desk.data(&words)).unwrap();
    let policy = words[words.iter().position(|word| *word == "--policy").unwrap() + 1];
    let shown = desk.read(&format!("many/series/short/{policy}/summary.json"));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(again["digest"], shown["digest"], "{command}");
    // So does the command that explains a request of it.
    let explains = html.split("<code>windtunnel explain ").skip(1);
    let explains: Vec<&str> = explains.map(|rest| rest.split("</code>").next().unwrap()).collect();
    for folder in ["one", "many/series/"] {
        let line = explains.iter().find(|line| line.starts_with(folder)).unwrap();
        let words: Vec<&str> = ["explain"].into_iter().chain(line.split(' ')).collect();
        assert!(desk.data(&words).contains("request"), "{line}");
    }
}

#[test]
fn markdown_links_to_figures_that_are_there() {
    let desk = desk();
    desk.data(&["report", "many", "--papers"]);
    let page = desk.read("many/report.md");
    let links: Vec<&str> =
        page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    let links: Vec<&str> = links.into_iter().filter(|link| link.ends_with(".svg")).collect();
    assert!(links.len() > 5, "{links:?}");
    for link in &links {
        let svg = desk.read(&format!("many/{link}"));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{link}");
        let name = link.trim_start_matches("report/").trim_end_matches(".svg");
        assert!(desk.read(&format!("many/papers/{name}.svg")).contains("width=\"340\""));
        let values = desk.read(&format!("many/papers/{name}.csv"));
        assert!(
            values.starts_with("panel,series,x,y,low,high,text\n") && values.lines().count() > 1
        );
    }
    let tables = desk.read("many/papers/tables.tex");
    assert_eq!(
        tables.matches("\\begin{tabular}").count(),
        tables.matches("\\end{tabular}").count()
    );
    assert!(tables.matches("\\begin{tabular}").count() >= 3);
    // Figures of an earlier report go.
    desk.write("many/report/old.svg", "<svg/>");
    desk.data(&["report", "many"]);
    assert!(!desk.path("many/report/old.svg").exists());
}

#[test]
fn a_summary_alone_is_reported_on_and_says_what_is_missing() {
    let desk = desk();
    desk.write("kept/summary.json", desk.read("one/summary.json"));
    desk.data(&["report", "kept"]);
    let html = desk.read("kept/report.html");
    assert!(html.contains("Only the summary of this run is here"));
    assert!(
        html.contains("windtunnel run scenarios/short.toml --policy bifrost-published --seed 1")
    );
}

#[test]
fn what_cannot_be_reported_on_says_why() {
    let desk = desk();
    let refused = |results: &str, code: i32, what: &str| {
        let ended = desk.run(&["report", results]);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(what), "{}", ended.stderr);
        let line = format!("reproduce: windtunnel report {results}");
        assert_eq!(ended.stderr.trim_end().lines().last(), Some(line.as_str()));
    };
    refused("nowhere", 2, "there is no folder nowhere");
    desk.write("empty/notes.txt", "mine");
    refused("empty", 4, "no result in empty");
    let older = |name: &str| {
        let text = desk.read(name);
        text.replacen("\"schema_version\": 1", "\"schema_version\": 0", 1)
    };
    desk.write("old/summary.json", older("one/summary.json"));
    refused("old", 2, "schema version 0, not 1: make it again with this windtunnel");
    desk.write("old/comparison.json", older("many/comparison.json"));
    refused("old", 2, "comparison.json has schema version 0, not 1");
    desk.write("torn/comparison.json", "{\"schema_version\": 1,");
    refused("torn", 2, "torn/comparison.json is damaged");
}

#[test]
fn a_sweep_is_shown_as_its_curves_its_heat_map_and_what_matters() {
    let desk = Desk::new();
    let args = ["sweep", "short.toml", "--set", "rps=60", "-R", "2", "--out", "swept"];
    let axes = ["--vary", "policy.state.failed=3%,8%", "--vary", "rps=40..80/2"];
    desk.data(&[&args[..], &axes].concat());
    let printed = desk.data(&["report", "swept", "--papers"]);
    assert!(
        printed.starts_with("short swept") && printed.contains("of the variance of"),
        "{printed}"
    );
    let html = desk.read("swept/report.html");
    assert_eq!(nesting(&html), None);
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert!(!html.contains("http:") && !html.contains("https:"), "nothing is fetched");
    let page = desk.read("swept/report.md");
    for figure in ["response-rps", "response-policy-state-failed", "heat-policy-state-failed-rps"] {
        let there = desk.path(&format!("swept/report/{figure}.svg")).exists();
        assert!(there && page.contains(&format!("report/{figure}.svg")), "{figure}: {page}");
        assert!(desk.path(&format!("swept/papers/{figure}.csv")).exists(), "{figure}");
    }
    // The points are those of the sweep, each with its interval.
    let sweep: serde_json::Value = serde_json::from_str(&desk.read("swept/sweep.json")).unwrap();
    assert_eq!(sweep["points"].as_array().unwrap().len(), 4);
    let points = page.split("Points").nth(1).unwrap();
    assert_eq!(
        points.lines().filter(|line| line.starts_with("| ") && line.contains('±')).count(),
        4
    );
    assert!(html.contains("windtunnel sweep short.toml"), "the command that makes it again");
}

#[test]
fn a_check_is_shown_with_verdicts_differences_and_what_it_could_have_seen() {
    let desk = Desk::new();
    let expect = "[[expect]]\nmetric = \"slo_attainment\"\nstat = \"mean\"\nmin = \"99.99%\"\n\
                  [[expect]]\nmetric = \"leak_ratio\"\ngate = true\n";
    desk.write("s/short.toml", format!("{}{expect}", desk.read("short.toml")));
    let check = [
        "check",
        "s",
        "--policy",
        "random",
        "--against",
        "windtunnel",
        "-R",
        "8",
        "--format",
        "json",
    ];
    let ended = desk.run(&check);
    assert_eq!(ended.code, Some(99), "{}", ended.stderr);
    desk.write("checked/check.json", &ended.stdout);
    let printed = desk.data(&["report", "checked"]);
    assert!(printed.starts_with("Check: failed"), "{printed}");
    let html = desk.read("checked/report.html");
    assert_eq!(nesting(&html), None);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let outcome = &json["subjects"][0]["gates"][0]["outcome"];
    assert_eq!(outcome["verdict"], "regression", "{outcome}");
    for word in ["✗ regression", "✗ failed", "could see", "class=\"whisker\""] {
        assert!(html.contains(word), "{word}");
    }
    // The difference in the table is the one that was judged, with both ends.
    let row = desk.read("checked/report.md");
    let row = row.lines().find(|line| line.contains("✗ regression") && line.contains('[')).unwrap();
    let (low, high) = (outcome["low"].as_f64().unwrap(), outcome["high"].as_f64().unwrap());
    let inside = row.split_once('[').unwrap().1.split_once(']').unwrap().0;
    let ends: Vec<f64> = inside.split(", ").map(|end| end.parse().unwrap()).collect();
    assert!(
        (ends[0] - low).abs() <= low.abs() * 0.01 && (ends[1] - high).abs() <= high.abs() * 0.01,
        "{row}"
    );
    let old = ended.stdout.replacen("\"schema_version\": 1", "\"schema_version\": 7", 1);
    desk.write("checked/check.json", old);
    let refused = desk.run(&["report", "checked"]);
    assert!(
        refused.stderr.contains("check.json has schema version 7, not 1"),
        "{}",
        refused.stderr
    );
}

/// A search of two objectives with its proof.
const TUNING: &str = r#"{
  "schema_version": 1, "tool_version": "0.1.0", "seed": 1, "policy": "kong-default",
  "scenarios": ["error-burst"], "replications": 3,
  "held_out": {"scenarios": ["flapping"], "families": ["flapping"], "seed": 2, "replications": 3, "hash": "00ff"},
  "objectives": [{"id": "regret", "unit": "", "better": "lower"}, {"id": "cost_per_good", "unit": "USD", "better": "lower"}],
  "parameters": [{"id": "retries", "low": "0", "high": "9", "start": "5", "recommended": "2", "source": "documents"}],
  "trials": [
    {"number": 0, "parameters": {"retries": "5"}, "objectives": [0.05, 0.004], "runs": 3, "fate": "dominated"},
    {"number": 1, "parameters": {"retries": "2"}, "objectives": [0.02, 0.003], "runs": 3, "fate": "front"},
    {"number": 2, "parameters": {"retries": "9"}, "objectives": [0.01, 0.006], "runs": 3, "fate": "front"},
    {"number": 3, "parameters": {"retries": "0"}, "objectives": [null, null], "runs": 0, "fate": "refused"}
  ],
  "knee": 1, "knee_because": "it is nearest to the best of each",
  "proof": [{"objective": "regret",
    "search": {"start": 0.05, "candidate": 0.02, "difference": -0.03, "low": -0.04, "high": -0.02, "pairs": 3},
    "held_out": {"start": 0.06, "candidate": 0.04, "difference": -0.02, "low": -0.03, "high": -0.01, "pairs": 3},
    "search_over_held_out": 1.5, "verdict": "better"}],
  "digest": "beef", "warnings": []
}"#;

#[test]
fn a_search_is_shown_as_its_front_and_its_proof() {
    let desk = Desk::new();
    desk.write("tuned/tuning.json", TUNING);
    let printed = desk.data(&["report", "tuned", "--papers"]);
    assert!(printed.contains("On what the search never saw, regret gets better"), "{printed}");
    let html = desk.read("tuned/report.html");
    assert_eq!(nesting(&html), None);
    for kind in ["chosen", "ring", "full"] {
        assert_eq!(html.matches(&format!("<i class=\"{kind}\"")).count(), 1, "{kind}");
    }
    assert!(desk.read("tuned/report/front.svg").contains("<circle"));
    let values = desk.read("tuned/papers/front.csv");
    assert_eq!(values.lines().count(), 4, "the refused one has no place: {values}");
}
