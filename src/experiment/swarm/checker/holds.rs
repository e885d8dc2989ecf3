//! A hold that was released comes back by a new refusal only: no peer's older word brings it back.

use crate::engine::RouteReport;

use super::super::evidence::Evidence;
use super::super::spy::What;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    for note in &seen.notes {
        let What::Heard { sent_at, report, before, after } = &note.what else { continue };
        for now in after.routes.iter().filter(|route| route.held.is_some()) {
            let find = |routes: &[RouteReport]| {
                routes.iter().find(|route| route.identity == now.identity).copied()
            };
            let Some(was) = find(&before.routes) else { continue };
            if was.held.is_some() {
                continue;
            }
            let Some(theirs) = find(&report.routes).and_then(|route| route.held) else {
                return Err(format!("a key is held at {} that no peer holds", note.now));
            };
            let begun = sent_at.back(theirs.age);
            let released = was.released.map(|age| note.now.back(age));
            if let Some(released) = released.filter(|released| begun <= *released) {
                return Err(format!(
                    "at {} a peer's hold of {begun} brings back what was released at {released}",
                    note.now
                ));
            }
        }
    }
    Ok(())
}
