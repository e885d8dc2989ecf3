//! Everything fails, fast.

use crate::sim::fault::Failure;

use super::super::error::Problem;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F1.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F1",
    name: "hard-outage",
    doc: "every attempt fails at once",
    anchor: "OpenAI 2024-12-04 15:48 PT: all API requests 530 for 4 minutes; 2024-01-29: 15 \
        minutes",
    keys: &[KindKey {
        name: "error",
        default: r#"{ rate = "100%", status = 503 }"#,
        doc: "share, status and delay of the failures",
    }],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 1.0, failure: Failure::Status(503) };
    Ok(vec![Part::new(effect(file.error.as_ref(), &usual, scene)?)])
}
