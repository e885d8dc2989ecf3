//! Slow, without a single error.

use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F9.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F9",
    name: "brown-out",
    doc: "everything is slower, nothing fails",
    anchor: "Azure 2026-06-08, Sweden Central: about 4 tokens/s for hours, status page green",
    keys: &[
        KindKey { name: "ttft", default: r#"3"#, doc: "factor on the time to first token" },
        KindKey { name: "decode", default: r#"10"#, doc: "factor on the time per output token" },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    Ok(vec![Part::new(Effect::Slow {
        ttft: scene.times("ttft", file.ttft, 3.0)?,
        decode: scene.times("decode", file.decode, 10.0)?,
    })])
}
