//! Requests wait long, then succeed, if the client is still there.

use crate::engine::Span;
use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F3.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F3",
    name: "stall",
    doc: "attempts wait before the first token, then succeed; some clients go away",
    anchor: "OpenAI 2024-12-04 16:07 PT: 30 s stalls for 90 minutes, 45 % cancelled",
    keys: &[
        KindKey { name: "rate", default: r#"100%"#, doc: "share of attempts that stall" },
        KindKey { name: "extra", default: r#"30s"#, doc: "the wait" },
        KindKey {
            name: "cancelled",
            default: r#"45%"#,
            doc: "share of stalled requests that the client cancels",
        },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    Ok(vec![Part::new(Effect::Stall {
        rate: scene.part("rate", file.rate, 1.0)?,
        extra: file.extra.map_or(Span::from_secs(30), |length| length.0),
        cancelled: scene.part("cancelled", file.cancelled, 0.45)?,
    })])
}
