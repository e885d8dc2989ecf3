//! A process takes in as many attempts as it may and no more: what is shed met a full process.

use std::collections::BTreeSet;

use crate::engine::Time;
use crate::metrics::recorder::Verdict;
use crate::policy::Step;

use super::super::evidence::Evidence;
use super::super::spy::What;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let most = seen.spec().gateway.max_in_flight;
    let reigns = seen.reigns();
    let mut flying = vec![0u32; reigns.len()];
    // Moments at which some process was full: from, until.
    let mut full: Vec<(Time, Time)> = Vec::new();
    let mut since = None;
    let mut known = BTreeSet::new();
    for note in &seen.notes {
        match &note.what {
            What::Asked { request, step, .. } => {
                // A rule's fallback asks anew, and was taken in before.
                if known.insert(request.id) && flying[note.made] >= most {
                    let n = flying[note.made];
                    return Err(format!(
                        "a process with {n} of {most} attempts takes in a request at {}",
                        note.now
                    ));
                }
                flying[note.made] += u32::from(matches!(step, Step::Send(_)));
            }
            What::Ended { .. } => flying[note.made] = flying[note.made].saturating_sub(1),
            _ => continue,
        }
        let is_full = flying.iter().any(|flying| *flying >= most);
        match since {
            None if is_full => since = Some(note.now),
            Some(from) if !is_full => {
                full.push((from, note.now));
                since = None;
            }
            _ => {}
        }
    }
    full.extend(since.map(|from| (from, Time::NEVER)));
    if seen.spec().tenancy.is_some() {
        // Governance refuses as well.
        return Ok(());
    }
    for life in &seen.lives {
        if let Some((at, Verdict::Shed)) = life.result
            && !full.iter().any(|(from, until)| *from <= at && at <= *until)
        {
            return Err(format!("a request is shed at {at}, and no process was full"));
        }
    }
    Ok(())
}
