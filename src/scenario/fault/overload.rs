//! Too much for the provider: refusals grow with the load.

use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F8.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F8",
    name: "overload",
    doc: "429 and 529 without a hint; the more load, the more refusals",
    anchor: "Vertex 2026-02-27: 429 and 503 for 118 minutes; Anthropic's 529",
    keys: &[
        KindKey {
            name: "rate",
            default: r#"30%"#,
            doc: "share refused at the load of the first moment",
        },
        KindKey {
            name: "limited",
            default: r#"50%"#,
            doc: "share of refusals that are 429s; the rest are 529s",
        },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    Ok(vec![Part::new(Effect::Overload {
        rate: scene.part("rate", file.rate, 0.3)?,
        limited: scene.part("limited", file.limited, 0.5)?,
    })])
}
