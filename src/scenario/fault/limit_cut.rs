//! Limits shrink without a word, except in the headers.

use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F11.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F11",
    name: "limit-cut",
    doc: "limits are multiplied by a factor; headers show it",
    anchor: "Azure, temporary rate-limit adjustment (quota documentation, 2025-07-31): below the \
        configured limit for a few hours",
    keys: &[KindKey { name: "factor", default: r#"50%"#, doc: "what is left of the limits" }],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let factor = scene.part("factor", file.factor, 0.5)?;
    if factor == 0.0 {
        return Err(Problem::new(
            scene.at.key("factor"),
            "nothing left of the limits is an outage",
        )
        .expected("expected a share above 0, such as \"50%\""));
    }
    check_limited(scene)?;
    Ok(vec![Part::new(Effect::LimitCut { factor })])
}

/// Without any limit there is nothing to cut.
fn check_limited(scene: &Scene<'_>) -> Result<(), Problem> {
    let is_limited = |route: &u32| scene.places[*route as usize].limit.is_some();
    if scene.on.iter().any(is_limited) {
        return Ok(());
    }
    Err(Problem::new(scene.at.key("on"), "none of these routes has a limit")
        .expected("expected routes with a limit")
        .help("give the provider one: tpm = \"200%\""))
}
