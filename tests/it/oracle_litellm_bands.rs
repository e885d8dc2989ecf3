//! LiteLLM left to its own luck: the means of many runs against the means of the real rules.

use std::collections::BTreeMap;

use crate::oracle_litellm::{Diary, Stage, number, table, traces};

/// Runs of each combination.
const RUNS: u64 = 20;

/// How many standard errors a mean may be off: some thousand of them are compared.
const OFF: f64 = 5.0;

/// What a run comes to: by (window, metric).
type Metrics = BTreeMap<(String, String), f64>;

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

/// The metrics of one run, over the windows that the edges of faults cut.
fn metrics(stage: &Stage, diary: &Diary) -> Metrics {
    let mut all = Metrics::new();
    let routes = stage.routes();
    for pair in stage.edges().windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let window = format!("{from}-{to}");
        let within = |at: f64| at >= from as f64 && at < to as f64;
        let attempts: Vec<_> = diary.attempts.iter().filter(|a| within(a.2)).collect();
        let asked: Vec<usize> =
            (0..diary.arrived.len()).filter(|r| within(diary.arrived[*r])).collect();
        let errors = asked.iter().filter(|r| diary.results[r].1 != 200).count();
        let mut put = |metric: String, value| all.insert((window.clone(), metric), value);
        put("request_error_rate".to_owned(), share(errors, asked.len()));
        put("attempts_per_request".to_owned(), share(attempts.len(), asked.len()));
        for route in 0..routes {
            let here = attempts.iter().filter(|a| a.4 == route);
            let failed = here.clone().filter(|a| a.5 != 200).count();
            let started = diary.cooldowns.iter().filter(|c| c.1 == route && c.2 && within(c.0));
            put(format!("attempt_share.d{route}"), share(here.count(), attempts.len()));
            put(format!("failed_attempts.d{route}"), failed as f64);
            put(format!("cooldowns_started.d{route}"), started.count() as f64);
        }
    }
    for route in 0..routes {
        let first = diary.cooldowns.iter().filter(|c| c.1 == route && c.2).map(|c| c.0);
        let metric = format!("first_cooldown_t.d{route}");
        if let Some(first) = first.reduce(f64::min) {
            all.insert(("all".to_owned(), metric), first);
        }
    }
    all
}

/// The means of shares, failures, cooldowns, errors and first detections over 20 runs lie within five standard
/// errors of the means of the real rules over 60.
#[test]
fn left_to_its_luck_it_behaves_as_the_real_rules_do_on_average() {
    let Some(root) = traces() else { return };
    let mut bands: BTreeMap<(String, String, String), Vec<BTreeMap<String, String>>> =
        BTreeMap::new();
    for row in table(&root.join("bands.csv")) {
        let key = (row["scenario"].clone(), row["strategy"].clone(), row["mode"].clone());
        bands.entry(key).or_default().push(row);
    }
    let (mut compared, mut wrong) = (0, Vec::new());
    for ((scenario, strategy, mode), rows) in &bands {
        let stage = Stage::load(&root, scenario);
        let runs: Vec<Metrics> = (0..RUNS)
            .map(|seed| {
                let router = stage.router(strategy, mode, None);
                metrics(&stage, &stage.run(router, None, seed))
            })
            .collect();
        for row in rows {
            let key = (row["window"].clone(), row["metric"].clone());
            let ours: Vec<f64> = runs.iter().filter_map(|run| run.get(&key).copied()).collect();
            if ours.is_empty() {
                continue;
            }
            compared += 1;
            let mean = ours.iter().sum::<f64>() / ours.len() as f64;
            let squares: f64 = ours.iter().map(|value| (value - mean) * (value - mean)).sum();
            let [theirs, sd, seeds] = ["mean", "sd", "n_seeds"].map(|column| number(&row[column]));
            let variance = squares / (ours.len() as f64 * ours.len() as f64) + sd * sd / seeds;
            // Their figures are rounded.
            if (mean - theirs).abs() > OFF * variance.sqrt() + 2e-3 {
                let key = format!("{scenario} {strategy} {mode} {} {}", key.0, key.1);
                wrong.push(format!("{key}: {mean:.5}, not {theirs:.5} (sd {sd:.5})"));
            }
        }
    }
    assert!(compared > 2_500, "{compared} compared");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
