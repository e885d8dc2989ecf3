//! Time never goes back: facts and notes come in order, ends after beginnings, first tokens in between.

use crate::engine::Time;
use crate::sim::watch::Fact;

use super::super::evidence::Evidence;
use super::super::spy::What;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    // A change of health has a moment of its own, not later than the tick that tells it.
    let facts = seen.facts.iter().filter(|(_, fact)| !matches!(fact, Fact::Changed(_)));
    ascends("what the world tells", facts.map(|(now, _)| *now))?;
    ascends("what processes are told", seen.notes.iter().map(|note| note.now))?;
    for (life, of) in seen.tries() {
        let request = &life.request;
        if of.sent < request.arrived {
            return Err(format!(
                "an attempt at {} of a request that came at {}",
                of.sent, request.arrived
            ));
        }
        let Some(end) = of.end else { continue };
        let took = end.at.since(of.sent);
        if end.at < of.sent || end.ttft.is_some_and(|ttft| ttft > took) {
            return Err(format!(
                "an attempt from {} to {} with a first token after {:?}",
                of.sent, end.at, end.ttft
            ));
        }
    }
    for life in &seen.lives {
        let last =
            life.tries.last().and_then(|last| last.end).map_or(life.request.arrived, |end| end.at);
        if let Some((at, _)) = life.result.filter(|(at, _)| *at < last) {
            return Err(format!("a result at {at}, before the end of its last attempt at {last}"));
        }
    }
    for note in &seen.notes {
        let (What::Headers { sent } | What::FirstToken { sent } | What::Ended { sent, .. }) =
            &note.what
        else {
            continue;
        };
        if note.now < sent.at {
            return Err(format!(
                "something of an attempt sent at {} is told at {}",
                sent.at, note.now
            ));
        }
    }
    Ok(())
}

fn ascends(what: &str, times: impl Iterator<Item = Time>) -> Result<(), String> {
    let mut last = Time::ZERO;
    for now in times {
        if now < last {
            return Err(format!("{what}: {now} comes after {last}"));
        }
        last = now;
    }
    Ok(())
}
