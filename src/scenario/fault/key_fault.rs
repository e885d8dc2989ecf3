//! One key is refused, its siblings are clean.

use crate::engine::Refusal;
use crate::sim::fault::Failure;

use super::super::error::Problem;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F17.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F17",
    name: "key-fault",
    doc: "one key is refused, its siblings are clean",
    anchor: "spend caps and revoked keys: 401, 402 and quota 429s for 5 to 60 minutes (Anthropic \
        and OpenAI error references, 2026)",
    keys: &[KindKey {
        name: "error",
        default: r#"{ rate = "100%", status = 401 }"#,
        doc: "share, status and delay of the failures",
    }],
    narrowed: Some(('/', "azure/key-2")),
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 1.0, failure: Failure::Refused(Refusal::Credential) };
    Ok(vec![Part::new(effect(file.error.as_ref(), &usual, scene)?)])
}
