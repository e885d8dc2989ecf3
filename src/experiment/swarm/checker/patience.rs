//! Nobody waits longer than they said: clients that give up, and timeouts of attempts.

use crate::engine::{Outcome, Span};

use super::super::evidence::Evidence;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    for life in &seen.lives {
        let client = &seen.spec().classes[usize::from(life.request.class)].client;
        let Some((gives_up, (at, verdict))) = client.gives_up.zip(life.result) else { continue };
        if at.since(life.request.arrived) > gives_up {
            let arrived = life.request.arrived;
            return Err(format!(
                "{verdict:?} at {at}, {gives_up} after {arrived} the client was gone"
            ));
        }
    }
    for (life, of) in seen.tries() {
        let Some(end) = of.end else { continue };
        let took = end.at.since(of.sent);
        let first = if life.request.streamed { end.ttft } else { Some(took) };
        let answered = matches!(end.outcome, Outcome::Done { .. } | Outcome::StreamBroken { .. });
        let over = |limit: Option<Span>, took: Span| limit.is_some_and(|limit| took > limit);
        if over(of.attempt.total_timeout, took)
            || (answered && first.is_some_and(|first| over(of.attempt.ttft_timeout, first)))
        {
            return Err(format!("an attempt outlasts its timeout: {of:?}"));
        }
    }
    Ok(())
}
