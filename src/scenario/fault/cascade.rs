//! One falls, and the others cannot carry its load.

use crate::sim::fault::{Effect, Failure};

use super::super::error::Problem;
use super::error::{Usual, effect};
use super::file::FaultFile;
use super::kind::{FaultKind, KindKey, Part, Scene};

/// F15.
pub(super) const KIND: FaultKind = FaultKind {
    id: "F15",
    name: "cascade",
    doc: "an outage, while the other providers have little to spare: failover trips their limits",
    anchor: "our choice, after every post-mortem in which failover took the rest down",
    keys: &[
        KindKey {
            name: "error",
            default: r#"{ rate = "100%", status = 503 }"#,
            doc: "share, status and delay of the failures",
        },
        KindKey {
            name: "headroom",
            default: r#"120%"#,
            doc: "what each other provider carries, over its fair share",
        },
    ],
    narrowed: None,
    parts,
};

fn parts(file: &FaultFile, scene: &Scene<'_>) -> Result<Vec<Part>, Problem> {
    let usual = Usual { rate: 1.0, failure: Failure::Status(503) };
    let mut parts = vec![Part::new(effect(file.error.as_ref(), &usual, scene)?)];
    let headroom = file.headroom.map_or(1.2, |share| share.0);
    let all = 0..scene.pool.routes.len() as u32;
    let others: Vec<_> = all.filter(|route| scene.on.binary_search(route).is_err()).collect();
    for (provider, routes) in scene.by_provider(&others) {
        let capacity = scene.capacity_of(provider, "on")?;
        if headroom <= 0.0 || headroom > capacity {
            let name = &scene.pool.providers[usize::from(provider)];
            let message =
                format!("`{name}` carries {:.0}% of its fair share at most", capacity * 100.0);
            return Err(Problem::new(scene.at.key("headroom"), message)
                .expected("expected less headroom than that, above 0")
                .help(format!("raise provider.{name}.tpm, or lower the headroom")));
        }
        let cut = Part::new(Effect::LimitCut { factor: headroom / capacity });
        parts.push(Part {
            suffix: scene.pool.providers[usize::from(provider)].clone(),
            routes: Some(routes),
            ..cut
        });
    }
    Ok(parts)
}
