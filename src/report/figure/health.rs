//! Health states over time, from the changes that the policy reported.

use super::groups::{self, Group};
use super::time::Clock;
use crate::policy::Health;
use crate::record::StoredRun;
use crate::report::page::{StatePiece, Strip, Strips};

/// Seconds closer than this part of the horizon are one piece: nobody sees the difference.
const FINEST: f64 = 1.0 / 1_000.0;

/// The panel; `None` if no route ever changed.
pub fn strips(run: &StoredRun) -> Option<Strips> {
    if run.transitions.is_empty() {
        return None;
    }
    let clock = Clock::of(run);
    let routes = groups::routes(run);
    let by_route = routes.is_some();
    let groups = routes.unwrap_or_else(|| groups::providers(run));
    let alone = groups.iter().all(|group| group.routes.len() == 1);
    let rows = groups
        .iter()
        .map(|group| Strip { name: group.name.clone(), pieces: pieces(run, group, clock) });
    let what = if by_route || alone { "by route" } else { "part of a provider's routes" };
    Some(Strips {
        heading: format!("Health, {what}"),
        x: clock.axis(true),
        shades: clock.shades(run, false),
        rows: rows.collect(),
    })
}

/// The group's states between its changes.
fn pieces(run: &StoredRun, group: &Group, clock: Clock) -> Vec<StatePiece> {
    let horizon = run.summary.virtual_seconds;
    let start = |r: &usize| {
        let changes = &run.transitions;
        let first = changes.iter().find(|change| change.route as usize == *r);
        first.map_or(Health::Healthy, |change| change.from)
    };
    let mut states: Vec<Health> = group.routes.iter().map(start).collect();
    let mut pieces: Vec<StatePiece> = Vec::new();
    let mut since = 0.0;
    let mut emit = |from: f64, to: f64, states: &[Health]| {
        let part = |health| {
            states.iter().filter(|state| **state == health).count() as f64 / states.len() as f64
        };
        let piece = StatePiece {
            from: clock.at(from),
            to: clock.at(to),
            failed: part(Health::Failed),
            degraded: part(Health::Degraded),
            recovering: part(Health::Recovering),
        };
        if piece.failed + piece.degraded + piece.recovering > 0.0 && to - from > horizon * FINEST {
            pieces.push(piece);
        }
    };
    for change in &run.transitions {
        let Some(i) = group.routes.iter().position(|r| *r == change.route as usize) else {
            continue;
        };
        if change.time_s - since > horizon * FINEST {
            emit(since, change.time_s, &states);
            since = change.time_s;
        }
        states[i] = change.to;
    }
    emit(since, horizon, &states);
    pieces
}
