//! Every attempt is sent by a process once, and its end is told to that process once, as it was: unless the process
//! is gone by then.

use std::collections::BTreeMap;

use crate::engine::{Outcome, Time};
use crate::policy::{RouteId, Sent, Step};

use super::super::evidence::Evidence;
use super::super::spy::What;

/// When an end was told, of what, and how it was.
type Told = (Time, Sent, Outcome);

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let reigns = seen.reigns();
    let mut sends: BTreeMap<u64, Vec<(usize, Time, RouteId, u64)>> = BTreeMap::new();
    let mut ends: BTreeMap<(u64, Time, usize), Vec<Told>> = BTreeMap::new();
    let mut told = 0;
    for note in &seen.notes {
        match &note.what {
            What::Asked { request, step: Step::Send(attempt), .. } => {
                let sent = (note.made, note.now, attempt.route, attempt.tag);
                sends.entry(request.id).or_default().push(sent);
            }
            What::Ended { sent, outcome } => {
                told += 1;
                let end = (note.now, *sent, *outcome);
                ends.entry((sent.request, sent.at, note.made)).or_default().push(end);
            }
            _ => {}
        }
    }
    for life in &seen.lives {
        let id = life.request.id;
        let own = sends.get(&id).map_or(&[][..], Vec::as_slice);
        if own.len() != life.tries.len() {
            let (sent, made) = (own.len(), life.tries.len());
            return Err(format!(
                "request {id:x}: processes sent {sent} attempts, the world made {made}"
            ));
        }
        // Two attempts of a request may begin at one moment, if the first fails at once: ends come in order.
        for (of, &(made, at, route, tag)) in life.tries.iter().zip(own) {
            if (of.sent, of.attempt.route) != (at, route) {
                return Err(format!(
                    "request {id:x}: sent to {route:?} at {at}, made at {}",
                    of.sent
                ));
            }
            let end = ends.get_mut(&(id, at, made)).filter(|ends| !ends.is_empty());
            let end = end.map(|ends| ends.remove(0));
            told -= usize::from(end.is_some());
            let gone = of
                .end
                .is_some_and(|end| reigns.get(made).is_some_and(|reign| end.at >= reign.until));
            match (of.end, end) {
                (None, None) => {}
                (Some(_), None) if gone => {}
                (Some(end), None) => {
                    let outcome = end.outcome;
                    return Err(format!(
                        "request {id:x}: nobody is told that its attempt at {at} ended: {outcome:?}"
                    ));
                }
                (Some(of), Some((now, sent, outcome)))
                    if (of.at, of.outcome, tag, route) == (now, outcome, sent.tag, sent.route) => {}
                (of, Some(told)) => {
                    return Err(format!(
                        "request {id:x}: an end is told as {told:?}, it was {of:?}"
                    ));
                }
            }
        }
    }
    match told {
        0 => Ok(()),
        n => Err(format!("{n} ends are told that no attempt had")),
    }
}
