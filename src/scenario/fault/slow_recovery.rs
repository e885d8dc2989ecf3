//! Over, but not quite.

use crate::engine::Span;
use crate::sim::fault::{Failure, Shape};

use super::super::error::Problem;
use super::build::LASTS;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F16.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F16",
    name: "slow-recovery",
    doc: "full errors at once, then a long straight fall to nothing",
    anchor: "Google Cloud 2025-06-12: 3 hours, and a tail of 4.5 hours for Vertex",
    keys: &[
        KindKey {
            name: "error",
            default: r#"{ rate = "100%", status = 503 }"#,
            doc: "share, status and delay of the failures",
        },
        KindKey { name: "tail", default: r#"half of lasts"#, doc: "length of the fall" },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 1.0, failure: Failure::Status(503) };
    let lasts = file.lasts.map_or(LASTS, |length| length.0);
    let fall = file.tail.map_or(Span(lasts.0 / 2), |length| length.0);
    if fall > lasts {
        let message = format!("a tail of {fall} in a fault of {lasts}");
        return Err(
            Problem::new(scene.at.key("tail"), message).expected("expected at most `lasts`")
        );
    }
    let shape = Shape::Recover { fall };
    Ok(vec![Part { shape, ..Part::new(effect(file.error.as_ref(), &usual, scene)?) }])
}
