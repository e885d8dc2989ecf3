//! Whether two builds compute the same: a digest of a few virtual seconds under every policy.

use std::path::Path;

use crate::engine::luck::mix;
use crate::policy::POLICIES;
use crate::scenario;

use super::progress::Silent;
use super::run::{RunError, RunPlan, tape};

/// The digest. It takes milliseconds.
///
/// # Errors
/// A [`RunError`] if this build cannot even do that.
pub fn probe() -> Result<u64, RunError> {
    let sets = [
        "rps=50".to_owned(),
        "duration=10s".to_owned(),
        "fault.0.start=3s".to_owned(),
        "fault.0.lasts=4s".to_owned(),
    ];
    let text = scenario::starter("probe");
    let scenario = scenario::parse("probe.toml", &text, Path::new(""), &sets)
        .expect("the starter is a scenario; its tests say so");
    let mut digest = 0;
    for policy in POLICIES {
        let settings = policy.settings();
        let plan =
            RunPlan { scenario: &scenario, policy, settings: &settings, seed: 1, replications: 1 };
        digest = mix(digest, tape(&plan, 0, &Silent)?.digest);
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_build_agrees_with_itself() {
        assert_eq!(super::probe().unwrap(), super::probe().unwrap());
    }
}
