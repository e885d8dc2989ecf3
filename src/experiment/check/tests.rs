//! Checks of a world of seconds, from the plan to the verdict.

use std::path::Path;

use super::*;
use crate::experiment::Silent;
use crate::experiment::compare::Contender;
use crate::policy::registry;
use crate::record::check::{CheckReport, Shard, Verdict};
use crate::record::{Baseline, to_json};
use crate::scenario::{self, Scenario};

/// Two providers, one of them broken for six seconds of half a minute.
const WORLD: &str = r#"# What is worse?
rps = 60
duration = "30s"
policy = "windtunnel"
[workload]
models = { chat = 80, small = 20 }
client = { deadline = "5s" }
[provider]
azure = { profile = "azure/gpt-4o", keys = 2, tpm = "200%" }
openai = { profile = "openai/gpt-4o", keys = 2, tpm = "200%" }
[[fault]]
kind = "error-burst"
on = "azure"
start = "8s"
lasts = "6s"
error = { rate = "100%", status = 503 }
[[expect]]
metric = "slo_attainment"
stat = "mean"
min = "50%"
[[expect]]
metric = "leak_ratio"
stat = "worst-phase"
max = 5
gate = true
"#;

fn world(name: &str, extra: &str) -> Scenario {
    // A second fault-free line changes nothing; a drawn phase is what the worst phase needs.
    let text =
        WORLD.replace("start = \"8s\"", "start = { at = \"8s\", phase = \"random\" }") + extra;
    let text = text.replace("duration = \"30s\"", "duration = \"90s\"");
    scenario::parse(name, &text, Path::new(""), &[]).unwrap_or_else(|error| panic!("{error:?}"))
}

fn ours() -> Contender {
    Contender::of(registry::find("windtunnel").expect("ours"))
}

/// Learns nothing, so it is worse in a fault.
fn blind() -> Contender {
    Contender::of(registry::find("random").expect("a classic"))
}

fn plan<'a>(scenarios: &'a [Scenario], policy: &Contender, source: Source<'a>) -> CheckPlan<'a> {
    let subject = |scenario: &'a Scenario| Subject {
        scenario,
        file: "x.toml".to_owned(),
        sets: Vec::new(),
        policy: policy.clone(),
        expects: Subject::expects(scenario, policy.spec),
        reproduce: "windtunnel check x.toml".to_owned(),
    };
    CheckPlan {
        subjects: scenarios.iter().map(subject).collect(),
        seed: 1,
        replications: 6,
        replications_max: 24,
        source,
        luck_key: 0,
        shard: None,
        fail_fast: false,
    }
}

fn run(plan: CheckPlan<'_>) -> CheckReport {
    let mut check = Check::new(plan, Vec::new());
    while let Some(work) = check.pending() {
        check.advance(&work, &Silent).expect("it runs");
    }
    check.report()
}

fn stored(plan: CheckPlan<'_>) -> Baseline {
    let mut check = Check::new(plan, Vec::new());
    while let Some(work) = check.pending_for_baseline() {
        check.advance(&work, &Silent).expect("it runs");
    }
    check.baseline()
}

#[test]
fn the_same_build_is_identical_and_a_slower_one_is_a_regression() {
    let scenarios = [world("one.toml", "")];
    let ours = ours();
    let baseline = stored(plan(&scenarios, &ours, Source::None));
    assert_eq!(baseline.subjects[0].gates[0].values.len(), 24);
    let source = Source::Baseline { file: "b.json", baseline: &baseline };
    let same = run(plan(&scenarios, &ours, source));
    assert_eq!(same.verdict, Verdict::Pass, "{same:?}");
    assert!(same.subjects[0].is_identical());
    assert_eq!((same.subjects[0].replications, same.subjects[0].gates[0].outcome.p), (6, 1.0));
    let slow = blind();
    let worse = run(plan(&scenarios, &slow, Source::Policy(&ours)));
    let gate = &worse.subjects[0].gates[0];
    assert_eq!(worse.verdict, Verdict::Regression, "{worse:?}");
    assert!(gate.outcome.difference.is_some_and(|difference| difference > 0.0), "{gate:?}");
    assert!(gate.outcome.p_corrected <= gate.outcome.level);
    // The other way round it is no regression.
    let better = run(plan(&scenarios, &ours, Source::Policy(&slow)));
    assert_eq!(better.verdict, Verdict::Pass, "{better:?}");
}

#[test]
fn other_luck_is_other_events_and_no_regression() {
    let scenarios = [world("one.toml", "")];
    let ours = ours();
    let baseline = stored(plan(&scenarios, &ours, Source::None));
    let source = Source::Baseline { file: "b.json", baseline: &baseline };
    let lucky = run(CheckPlan { luck_key: 7, ..plan(&scenarios, &ours, source) });
    assert!(!lucky.subjects[0].is_identical(), "the key changes what is drawn");
    assert!(!lucky.verdict.is_red(), "{lucky:?}");
}

#[test]
fn parts_make_the_whole_to_the_byte() {
    let scenarios = [world("one.toml", ""), world("two.toml", ""), world("three.toml", "")];
    let (ours, slow) = (ours(), blind());
    let whole = run(plan(&scenarios, &slow, Source::Policy(&ours)));
    let part = |index| {
        let shard = Some(Shard { index, of: 2 });
        let part = run(CheckPlan { shard, ..plan(&scenarios, &slow, Source::Policy(&ours)) });
        (format!("part-{index}"), part)
    };
    let (one, two) = (part(1), part(2));
    assert_eq!((one.1.subjects.len(), two.1.subjects.len()), (2, 1));
    let merged = merge(vec![two.clone(), one.clone()]).expect("both are there");
    assert_eq!(to_json(&merged), to_json(&whole));
    let missing = merge(vec![one.clone()]).expect_err("one is missing");
    assert_eq!(missing, MergeError::Missing { missing: vec![2], of: 2 });
    assert!(matches!(merge(vec![one.clone(), one.clone()]), Err(MergeError::Twice { .. })));
    assert!(matches!(merge(vec![("w".to_owned(), whole)]), Err(MergeError::Whole { .. })));
    let foreign =
        CheckPlan { seed: 2, shard: two.1.shard, ..plan(&scenarios, &slow, Source::None) };
    let foreign = ("f".to_owned(), run(foreign));
    assert!(matches!(merge(vec![one, foreign]), Err(MergeError::Foreign { .. })));
    assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
}

#[test]
fn a_baseline_of_another_world_policy_or_luck_is_refused() {
    let scenarios = [world("one.toml", "")];
    let ours = ours();
    let baseline =
        stored(CheckPlan { replications_max: 6, ..plan(&scenarios, &ours, Source::None) });
    let source = Source::Baseline { file: "b.json", baseline: &baseline };
    assert_eq!(plan(&scenarios, &ours, source).comparable(), Ok(Vec::new()));
    let faster = scenario::parse(
        "one.toml",
        &world("one.toml", "").source,
        Path::new(""),
        &["rps=61".to_owned()],
    );
    let other = [faster.expect("a world")];
    match plan(&other, &ours, source).comparable() {
        Err(Refused::Scenario { changes, .. }) => {
            assert!(changes.contains(&"`rps` was 60, is 61".to_owned()), "{changes:?}");
        }
        other => panic!("{other:?}"),
    }
    let slow = blind();
    assert!(matches!(plan(&scenarios, &slow, source).comparable(), Err(Refused::Policy { .. })));
    let unlucky = CheckPlan { seed: 2, ..plan(&scenarios, &ours, source) };
    assert!(matches!(unlucky.comparable(), Err(Refused::Numbers { what: "seed", .. })));
    // A scenario that is new is told, and not compared.
    let two = [world("two.toml", "")];
    let notes = plan(&two, &ours, source).comparable().expect("it harms nothing");
    assert!(notes[0].contains("`two` is not in the baseline"), "{notes:?}");
}

#[test]
fn fail_fast_stops_and_says_what_did_not_run() {
    let failing = world("a.toml", "[[expect]]\nmetric = \"slo_attainment\"\nmax = \"1%\"\n");
    let scenarios = [failing, world("b.toml", "")];
    let ours = ours();
    let plan = CheckPlan { fail_fast: true, ..plan(&scenarios, &ours, Source::None) };
    let report = run(plan);
    let verdicts: Vec<Verdict> = report.subjects.iter().map(|subject| subject.verdict).collect();
    assert_eq!(verdicts, [Verdict::Failed, Verdict::NotRun]);
    assert_eq!(report.verdict, Verdict::Failed);
}
