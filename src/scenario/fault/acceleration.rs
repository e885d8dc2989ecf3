//! Growth itself is refused.

use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F12.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F12",
    name: "acceleration",
    doc: "429s when the rate grows faster than the provider likes",
    anchor: "Anthropic acceleration limits and OpenAI slow_down (rate-limit documentation, 2025)",
    keys: &[KindKey {
        name: "above",
        default: r#"1.5"#,
        doc: "refused when the rate is above this multiple of its mean of 15 minutes",
    }],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let above = scene.times("above", file.above, 1.5)?;
    Ok(vec![Part::new(Effect::Acceleration { above })])
}
