//! What servers tell of themselves is what they do: attempts under way, done and failed, at the moment that it is
//! said to be of.

use crate::engine::Time;
use crate::policy::Report;

use super::super::evidence::Evidence;
use super::super::spy::What;

/// Moments at one route, ascending.
#[derive(Clone, Default)]
struct Route {
    sent: Vec<Time>,
    done: Vec<Time>,
    failed: Vec<Time>,
}

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    if !seen.notes.iter().any(|note| matches!(note.what, What::Reports { .. })) {
        return Ok(());
    }
    let mut routes = vec![Route::default(); seen.spec().places.len()];
    for (_, of) in seen.tries() {
        let route = &mut routes[of.attempt.route.index()];
        route.sent.push(of.sent);
        if let Some(end) = of.end {
            let ends = if end.outcome.is_done() { &mut route.done } else { &mut route.failed };
            ends.push(end.at);
        }
    }
    for Route { sent, done, failed } in &mut routes {
        [sent, done, failed].into_iter().for_each(|moments| moments.sort_unstable());
    }
    for note in &seen.notes {
        let What::Reports { as_of, reports } = &note.what else { continue };
        if as_of > &note.now {
            return Err(format!("a report of {as_of} comes at {}", note.now));
        }
        for (route, report) in routes.iter().zip(reports) {
            route.fits(*as_of, report).map_err(|what| format!("of {as_of}: {what}"))?;
        }
    }
    Ok(())
}

impl Route {
    /// What happens at the very moment may be in a report or not.
    fn fits(&self, at: Time, report: &Report) -> Result<(), String> {
        let range = |moments: &[Time]| {
            let (before, by) =
                (moments.partition_point(|m| *m < at), moments.partition_point(|m| *m <= at));
            (before as u64, by as u64)
        };
        let (sent, done, failed) = (range(&self.sent), range(&self.done), range(&self.failed));
        let flying =
            (sent.0.saturating_sub(done.1 + failed.1), sent.1 - (done.0 + failed.0).min(sent.1));
        let told =
            [(report.done, done), (report.failed, failed), (u64::from(report.in_flight), flying)];
        match told.iter().find(|(told, (least, most))| told < least || told > most) {
            None => Ok(()),
            Some((told, (least, most))) => {
                Err(format!("{told} is told, not {least} to {most}: {report:?}"))
            }
        }
    }
}
