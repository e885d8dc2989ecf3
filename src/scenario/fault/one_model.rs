//! One model of a provider fails, its others are clean.

use crate::sim::fault::Failure;

use super::super::error::Problem;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F6.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F6",
    name: "one-model",
    doc: "one model fails, the provider's others are clean",
    anchor: "OpenAI 2025-07-09: gpt-4.1-mini alone, 20 minutes; Azure 2026-03-09: one model in 7 \
        regions, 400 and 429, 20 hours",
    keys: &[KindKey {
        name: "error",
        default: r#"{ rate = "30%", status = 500 }"#,
        doc: "share, status and delay of the failures",
    }],
    narrowed: Some((':', "azure:chat")),
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 0.3, failure: Failure::Status(500) };
    Ok(vec![Part::new(effect(file.error.as_ref(), &usual, scene)?)])
}
