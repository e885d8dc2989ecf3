//! Processes that are gone do nothing and are told nothing, their attempts end with them, and the balancer in front
//! sends nobody to a node that it has closed while another is open.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Time;
use crate::policy::Step;
use crate::sim::fleet::NodeChange;

use super::super::evidence::Evidence;
use super::super::spy::What;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let reigns = seen.reigns();
    let workers = seen.processes / seen.spec().gateway.fleet.nodes.len();
    let mut senders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for note in &seen.notes {
        let Some(reign) = reigns.get(note.made) else {
            return Err(format!(
                "policy {} was made at {}, and nothing started then",
                note.made, note.now
            ));
        };
        let made = matches!(note.what, What::Made);
        if note.now < reign.from || (note.now >= reign.until && !made) {
            let (at, process) = (note.now, reign.process);
            return Err(format!(
                "process {process} does something at {at}: it was there {reign:?}"
            ));
        }
        if let What::Asked { request, step, .. } = &note.what {
            let node = reign.process / workers;
            // A rule's fallback asks anew where the request already is.
            if known.insert(request.id) && !is_open(seen, node, note.now) {
                return Err(format!("node {node} is asked at {}, and others are open", note.now));
            }
            if matches!(step, Step::Send(_)) {
                senders.entry(request.id).or_default().push(note.made);
            }
        }
    }
    for life in &seen.lives {
        let made = senders.get(&life.request.id).map_or(&[][..], Vec::as_slice);
        for (of, &made) in life.tries.iter().zip(made) {
            let until = reigns[made].until;
            let last = seen.facts.last().map_or(Time::ZERO, |(now, _)| *now);
            if last > until && of.end.is_none_or(|end| end.at > until) {
                return Err(format!(
                    "an attempt from {} goes on after its process died at {until}",
                    of.sent
                ));
            }
        }
    }
    Ok(())
}

/// Whether the balancer may send to a node: it is open, or none is.
fn is_open(seen: &Evidence, node: usize, now: Time) -> bool {
    let fleet = &seen.spec().gateway.fleet;
    let open = |node: usize| {
        let mut own = fleet.events.iter().filter(|event| event.node == node && event.at <= now);
        own.rfind(|event| event.what != NodeChange::Dies)
            .is_none_or(|event| matches!(event.what, NodeChange::Starts { .. }))
    };
    open(node) || !(0..fleet.nodes.len()).any(open)
}
