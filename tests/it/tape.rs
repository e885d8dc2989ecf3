//! A scenario's text, run once under a policy.

use std::path::Path;

use windtunnel::experiment::{RunPlan, Silent, tapes};
use windtunnel::metrics::Tape;
use windtunnel::policy::registry;
use windtunnel::scenario;

/// What the run leaves; seed 3.
pub fn tape(policy: &str, text: &str) -> Tape {
    let scenario = scenario::parse("test.toml", text, Path::new(""), &[])
        .unwrap_or_else(|error| panic!("{error}: {}", error.expected()));
    let policy = registry::find(policy).unwrap();
    let settings = policy.settings();
    let plan =
        RunPlan { scenario: &scenario, policy, settings: &settings, seed: 3, replications: 1 };
    tapes(&plan, &Silent).unwrap_or_else(|error| panic!("{}: {error}", policy.name)).remove(0)
}
