//! Steady load above the limits.

use crate::sim::fault::Effect;

use super::super::error::Problem;
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F10.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F10",
    name: "tpm-wall",
    doc: "limits are cut until demand is the given multiple of them",
    anchor: "Azure code trace 2023: the 95th percentile of tokens per minute is 2.8 times the \
        mean; nobody raises the limit",
    keys: &[KindKey {
        name: "demand",
        default: r#"130%"#,
        doc: "demand over the limits of the faulted providers, each at its fair share",
    }],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let demand = file.demand.map_or(1.3, |share| share.0);
    let mut parts = Vec::new();
    for (provider, routes) in scene.by_provider(scene.on) {
        let factor = 1.0 / (demand * scene.capacity_of(provider, "on")?);
        if demand <= 0.0 || factor > 1.0 {
            let name = &scene.pool.providers[usize::from(provider)];
            let message =
                format!("demand on `{name}` is over {}% without this fault", demand * 100.0);
            return Err(Problem::new(scene.at.key("demand"), message)
                .expected("expected more demand")
                .help(format!("raise it, or raise provider.{name}.tpm")));
        }
        let name = scene.pool.providers[usize::from(provider)].clone();
        let suffix = if parts.is_empty() { String::new() } else { name };
        let cut = Part::new(Effect::LimitCut { factor });
        parts.push(Part { suffix, routes: Some(routes), ..cut });
    }
    Ok(parts)
}
