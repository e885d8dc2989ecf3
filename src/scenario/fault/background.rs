//! The noise between incidents.

use crate::sim::fault::{Effect, Failure};

use super::super::error::Problem;
use super::error::{Usual, errors};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F0.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F0",
    name: "background",
    doc: "a few errors and timeouts, independent of each other (on top of the provider's own)",
    anchor: "probes see 0.015 %, fleets 1.4 to 2 % with clients' faults in it (J. Wrede 2026; \
        Datadog 2026)",
    keys: &[
        KindKey {
            name: "error",
            default: r#"{ rate = "0.05%", status = 500 }"#,
            doc: "share, status and delay of the failures",
        },
        KindKey { name: "rate", default: r#"0.02%"#, doc: "share of attempts that never answer" },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 0.000_5, failure: Failure::Status(500) };
    let (rate, error, after) = errors(file.error.as_ref(), &usual, scene)?;
    let hang = scene.part("rate", file.rate, 0.000_2)?;
    let hang = Effect::Errors { rate: hang, error: Failure::Hang, after };
    let hang = Part { suffix: "timeouts".to_owned(), ..Part::new(hang) };
    Ok(vec![Part::new(Effect::Errors { rate, error, after }), hang])
}
