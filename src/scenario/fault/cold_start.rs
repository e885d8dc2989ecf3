//! The first requests after a pause wait for a machine.

use crate::engine::Span;
use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F14.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F14",
    name: "cold-start",
    doc: "the first requests after an idle time are cold",
    anchor: "Replicate in LLMPerf's raw requests, December 2023: time to first token \
        lognormal(0.64, 1.05) seconds",
    keys: &[
        KindKey {
            name: "median",
            default: r#"1.9s"#,
            doc: "median time to first token of a cold request",
        },
        KindKey { name: "sigma", default: r#"1.05"#, doc: "standard deviation of its logarithm" },
        KindKey { name: "requests", default: r#"20"#, doc: "how many are cold, on each route" },
        KindKey { name: "idle", default: r#"5m"#, doc: "after so long without requests" },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let sigma = file.sigma.map_or(1.05, |number| number.0);
    if !(0.0..=5.0).contains(&sigma) {
        return Err(Problem::new(scene.at.key("sigma"), format!("sigma cannot be {sigma}"))
            .expected("expected a number from 0 to 5, such as 1.05"));
    }
    let requests = file.requests.map_or(20, |count| count.0);
    let mu = match file.median {
        None => 0.64,
        Some(median) if median.0 > Span::ZERO => libm::log(median.0.as_secs_f64()),
        Some(_) => {
            return Err(Problem::new(scene.at.key("median"), "a cold start takes time")
                .expected("expected a length of time above zero, such as \"1.9s\""));
        }
    };
    Ok(vec![Part::new(Effect::ColdStart {
        mu,
        sigma,
        requests: u32::try_from(requests).unwrap_or(u32::MAX),
        idle: file.idle.map_or(Span::from_secs(300), |length| length.0),
    })])
}
