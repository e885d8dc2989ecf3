//! One region fails, more or less.

use crate::engine::Span;
use crate::sim::fault::{Effect, Failure, Shape};

use super::super::error::Problem;
use super::error::{Usual, errors};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F7.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F7",
    name: "regional",
    doc: "errors in one region fluctuate between `floor` and the error rate, half a minute each",
    anchor: "Azure 2025-05-16: intermittent 500s for 65 minutes; 2026-01-27: Sweden Central only, \
        7.2 hours",
    keys: &[
        KindKey {
            name: "error",
            default: r#"{ rate = "50%", status = 500 }"#,
            doc: "share, status and delay of the failures",
        },
        KindKey {
            name: "floor",
            default: r#"20%"#,
            doc: "share of attempts that fails all the time",
        },
    ],
    narrowed: Some(('@', "bedrock@us-east-1")),
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 0.5, failure: Failure::Status(500) };
    let (rate, error, after) = errors(file.error.as_ref(), &usual, scene)?;
    let floor = scene.part("floor", file.floor, 0.2_f64.min(rate))?;
    if floor > rate {
        return Err(Problem::new(scene.at.key("floor"), "the floor is above the error rate")
            .expected("expected at most `error.rate`"));
    }
    let mut parts = Vec::new();
    if floor > 0.0 {
        parts.push(Part::new(Effect::Errors { rate: floor, error, after }));
    }
    if floor < rate {
        // A share of what the floor leaves, so that both together reach the error rate.
        let above = Effect::Errors { rate: (rate - floor) / (1.0 - floor), error, after };
        let shape = Shape::Flap { on: HALF, off: HALF };
        parts.push(Part { suffix: "peaks".to_owned(), shape, ..Part::new(above) });
    }
    Ok(parts)
}

/// Half of the fluctuation's period (our choice).
const HALF: Span = Span::from_secs(30);
