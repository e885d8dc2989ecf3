//! `windtunnel claims` through the binary: every verdict, the files it leaves, and what it refuses.

use crate::program::Desk;

/// Claims on the short world, one a verdict.
fn desk() -> Desk {
    let desk = Desk::new();
    let scenario = |says: &str, policy: &str, expect: &str| {
        format!(
            "# Is it so?\n[claim]\nsystem = \"Kong\"\nsays = \"{says}\"\nsource = \"by hand\"\n\
             kind = \"scenario\"\npolicy = \"{policy}\"\n[scenario]\nfile = \"../short.toml\"\n\
             replications = 3\n[[expect]]\n{expect}\n"
        )
    };
    let good = "metric = \"slo_attainment\"\nstat = \"mean\"\nmin = \"50%\"";
    let bad = "metric = \"slo_attainment\"\nstat = \"mean\"\nmax = 0.5";
    let state = "metric = \"time_to_state\"\nstat = \"mean\"\nmax = \"9s\"";
    desk.write("claims/kong-holds.toml", scenario("Most is good.", "kong-default", good));
    desk.write("claims/kong-fails.toml", scenario("Most is bad.", "kong-default", bad));
    desk.write("claims/kong-silent.toml", scenario("It speaks.", "random", state));
    let documents = |finding: &str| {
        format!(
            "[claim]\nsystem = \"Bifrost\"\nsays = \"Yes.\"\nsource = \"A\"\nkind = \"documents\"\n\
             [documents]\nfinding = \"{finding}\"\nsays = \"No.\"\nsource = \"B\"\n"
        )
    };
    desk.write("claims/bifrost-wrong.toml", documents("contradicted"));
    desk.write("claims/bifrost-hidden.toml", documents("untestable"));
    desk
}

const ALL: &[&str] = &["claims", "claims", "--out", "r"];

#[test]
fn every_verdict_is_reported_and_none_is_an_error() {
    let desk = desk();
    let text = desk.data(ALL);
    let verdict = |claim: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(claim)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    for (claim, found) in [
        ("kong-holds", "holds"),
        ("kong-fails", "fails"),
        ("kong-silent", "untestable"),
        ("bifrost-wrong", "contradicted"),
        ("bifrost-hidden", "untestable"),
    ] {
        assert_eq!(verdict(claim), found, "{text}");
    }
    assert!(text.contains("5 claims: 1 hold, 2 fail (1 of them"), "{text}");
    let names: Vec<_> = desk.files("r").into_keys().collect();
    assert_eq!(names, ["README.md", "claims.json", "made.json"]);
    assert!(desk.read("r/README.md").contains("## kong-silent"));
}

#[test]
fn json_is_the_stored_file_keeps_its_schema_and_does_not_depend_on_threads() {
    let desk = desk();
    let printed = desk.data(&[ALL, &["--format", "json", "--threads", "1"]].concat());
    assert_eq!(printed, desk.read("r/claims.json"));
    let again = desk.data(&[ALL, &["--format", "json", "--threads", "2"]].concat());
    assert_eq!(printed, again);
    let schema = desk.data(&["schema", "claims"]);
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let scorecard = serde_json::from_str(&printed).unwrap();
    let wrong: Vec<_> = validator.iter_errors(&scorecard).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    // Bifrost comes before Kong, and names in their order.
    let order: Vec<_> = scorecard["claims"].as_array().unwrap().iter().collect();
    let order: Vec<_> = order.iter().map(|claim| claim["claim"].as_str().unwrap()).collect();
    let sorted = ["bifrost-hidden", "bifrost-wrong", "kong-fails", "kong-holds", "kong-silent"];
    assert_eq!(order, sorted);
}

#[test]
fn a_bad_file_is_refused_before_anything_runs() {
    let desk = desk();
    let good = desk.read("claims/kong-holds.toml");
    for (from, to, says) in [
        ("kong-default", "kong-defaults", "no policy `kong-defaults`"),
        ("slo_attainment", "slo_attainments", "no metric `slo_attainments`"),
        ("replications", "repetitions", "unknown key `repetitions`"),
        ("../short.toml", "../long.toml", "there is no scenario"),
    ] {
        desk.write("claims/kong-holds.toml", good.replace(from, to));
        let ended = desk.run(ALL);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
        assert!(ended.stderr.contains(says), "{says} in {}", ended.stderr);
        assert!(ended.stderr.contains("kong-holds.toml:"), "{}", ended.stderr);
    }
    assert!(desk.files("r").is_empty());
    let twice = ["claims", "claims/kong-fails.toml", "claims/kong-fails.toml"];
    assert_eq!(desk.run(&twice).code, Some(2));
    assert_eq!(desk.run(&["claims"]).code, Some(2), "the default folder is not there");
    desk.write("empty/x.txt", "");
    assert_eq!(desk.run(&["claims", "empty"]).code, Some(4));
}
