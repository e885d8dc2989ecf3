//! A share of attempts fails, for a while.

use crate::sim::fault::{Effect, Failure};

use super::super::error::Problem;
use super::error::{Usual, errors};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F2.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F2",
    name: "error-burst",
    doc: "a share of attempts fails; some may hang instead",
    anchor: "OpenAI 2024-11-25: 13 % to 23 % errors at the peak, 503 and timeouts; 2025-06-10: \
        one in four",
    keys: &[
        KindKey {
            name: "error",
            default: r#"{ rate = "20%", status = 503 }"#,
            doc: "share, status and delay of the failures",
        },
        KindKey {
            name: "timeouts",
            default: r#"0%"#,
            doc: "share of the failures that never answer (20% in the anchor)",
        },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 0.2, failure: Failure::Status(503) };
    let (rate, error, after) = errors(file.error.as_ref(), &usual, scene)?;
    let hanging = rate * scene.part("timeouts", file.timeouts, 0.0)?;
    if hanging == 0.0 {
        return Ok(vec![Part::new(Effect::Errors { rate, error, after })]);
    }
    let failing = rate - hanging;
    // The simulator asks one effect after the other, so the second is a share of what the first
    // leaves.
    let hang = Effect::Errors { rate: hanging / (1.0 - failing), error: Failure::Hang, after };
    let hang = Part { suffix: "timeouts".to_owned(), ..Part::new(hang) };
    if failing == 0.0 {
        return Ok(vec![hang]);
    }
    Ok(vec![Part::new(Effect::Errors { rate: failing, error, after }), hang])
}
