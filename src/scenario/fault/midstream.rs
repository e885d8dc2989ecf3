//! Streams break half way.

use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F13.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F13",
    name: "midstream",
    doc: "a share of streams breaks after part of the output, under a 200",
    anchor: "Anthropic: overloaded_error inside a stream after HTTP 200 (SDK issue 1258, 2026)",
    keys: &[KindKey { name: "rate", default: r#"5%"#, doc: "share of streams that break" }],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let rate = scene.part("rate", file.rate, 0.05)?;
    Ok(vec![Part::new(Effect::Midstream { rate })])
}
