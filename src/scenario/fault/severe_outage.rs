//! Nearly everything fails, for long.

use crate::sim::fault::Failure;

use super::super::error::Problem;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F5.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F5",
    name: "severe-outage",
    doc: "more than nine in ten attempts fail",
    anchor: "OpenAI 2024-12-26: over 90 % errors on several APIs for 4.5 hours, others untouched",
    keys: &[KindKey {
        name: "error",
        default: r#"{ rate = "95%", status = 503 }"#,
        doc: "share, status and delay of the failures",
    }],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 0.95, failure: Failure::Status(503) };
    Ok(vec![Part::new(effect(file.error.as_ref(), &usual, scene)?)])
}
