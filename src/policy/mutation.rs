//! Whether the tests of policies bite: each parameter's default is changed, one at a time, and some test of
//! `policy::` must fail.
//!
//! `cargo test --lib --no-default-features -- --ignored mutation` does it and writes `results/mutation.csv`. The test binary runs itself, with the change in its environment.
#![expect(clippy::disallowed_methods, reason = "the environment carries the change to the child")]

use std::process::Command;

use super::registry::{POLICIES, PolicySpec};
use crate::engine::{Param, Unit};

/// Names the changed parameter: `product|parameter|value`. It changes in all policies of the product.
const CHANGE: &str = "WINDTUNNEL_MUTATION";

/// The default of a product's parameter in this process.
pub(super) fn default_of(product: &str, param: &Param) -> f64 {
    let Ok(change) = std::env::var(CHANGE) else { return param.default };
    let mut parts = change.split('|');
    let same = parts.next() == Some(product) && parts.next() == Some(param.id);
    match parts.next().and_then(|value| value.parse().ok()) {
        Some(value) if same => value,
        _ => param.default,
    }
}

/// The values that a parameter is changed to: 20 % less and more, the other position of a switch, the next
/// word of a choice. Values that a table forbids are left out.
fn changed(param: &Param, value: f64) -> Vec<f64> {
    let values = match param.unit {
        Unit::Switch => vec![1.0 - value],
        Unit::Choice(words) => vec![(value + 1.0) % words.len() as f64],
        Unit::Count => {
            let step = (value * 0.2).max(1.0).floor();
            vec![value - step, value + step]
        }
        Unit::Ratio | Unit::Number | Unit::Seconds if value == 0.0 => {
            vec![0.2 * param.max.min(1.0)]
        }
        Unit::Ratio | Unit::Number | Unit::Seconds => vec![value * 0.8, value * 1.2],
    };
    values.into_iter().filter(|new| param.check(*new).is_ok() && *new != value).collect()
}

/// Whether all tests of policies pass with this change. The policy's own, found by the first word of its name,
/// are asked first: most changes end there.
fn survives(spec: &PolicySpec, param: &Param, value: f64) -> bool {
    let own = spec.name.split('-').next().unwrap_or(spec.name);
    passes(own, spec, param, value) && passes("policy::", spec, param, value)
}

fn passes(tests: &str, spec: &PolicySpec, param: &Param, value: f64) -> bool {
    let program = std::env::current_exe().expect("a test runs from a file");
    let mut child = Command::new(program)
        .args([tests, "--test-threads", "1", "-q"])
        .env(CHANGE, format!("{}|{}|{value}", spec.product, param.id))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    for _ in 0..PATIENCE {
        if let Some(status) = child.try_wait().expect("it is ours") {
            return status.success();
        }
        std::thread::sleep(POLL);
    }
    // A test that waits for what never happens has noticed.
    child.kill().and_then(|()| child.wait()).expect("it is ours");
    false
}

/// A child is asked so often whether it is done: for two minutes, where a good one takes five seconds.
const PATIENCE: u32 = 1_200;
const POLL: std::time::Duration = std::time::Duration::from_millis(100);

#[test]
#[ignore = "takes long; writes results/mutation.csv"]
fn every_parameter_is_held_by_a_test() {
    // Each parameter of each product once. The engine's own constants are held by its tests and by the digests
    // of whole runs.
    let mut jobs: Vec<(&PolicySpec, &Param, f64)> = Vec::new();
    let is_engine = |spec: &&PolicySpec| std::ptr::eq(spec.params, &super::adaptive::TABLE[..]);
    for spec in POLICIES.iter().filter(|spec| !is_engine(spec)) {
        for param in spec.params {
            let known = |job: &(&PolicySpec, &Param, f64)| {
                job.0.product == spec.product && job.1.id == param.id
            };
            if !jobs.iter().any(known) {
                let values = changed(param, param.default).into_iter();
                jobs.extend(values.map(|new| (spec, param, new)));
            }
        }
    }
    let at = std::sync::atomic::AtomicUsize::new(0);
    let rows = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((spec, param, new)) =
                    jobs.get(at.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let verdict = if survives(spec, param, *new) { "survived" } else { "killed" };
                    let (from, to) = (param.show(param.default), param.show(*new));
                    let row = format!("{},{},{from},{to},{verdict}", spec.name, param.id);
                    rows.lock().expect("nobody panics with it").push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("nobody panics with it");
    rows.sort_unstable();
    let survivors = rows.iter().filter(|row| row.ends_with("survived")).count();
    let text = format!("policy,parameter,from,to,verdict\n{}\n", rows.join("\n"));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("results/mutation.csv");
    std::fs::write(path, text).expect("the results folder can be written");
    assert!(survivors * 50 <= rows.len(), "{survivors} of {} changes were not noticed", rows.len());
}
