//! Down and up and down again.

use crate::engine::Span;
use crate::sim::fault::{Failure, Shape};

use super::super::error::Problem;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F4.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F4",
    name: "flapping",
    doc: "an outage in waves: 20 s on, 40 s off unless `shape` says otherwise",
    anchor: "OpenAI 2024-08-16: waves of 44 and 15 minutes within 98, restarts overloading a \
        store; the fast waves are our choice",
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
    let shape = Shape::Flap { on: Span::from_secs(20), off: Span::from_secs(40) };
    Ok(vec![Part { shape, ..Part::new(effect(file.error.as_ref(), &usual, scene)?) }])
}
