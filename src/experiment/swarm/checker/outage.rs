//! A route on which every attempt fails answers none.

use crate::sim::fault::{Effect, Shape, Start};

use super::super::evidence::Evidence;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    for fault in &seen.spec().faults {
        let (Effect::Errors { rate: 1.0, .. }, Shape::Block, None, Start::At(start)) =
            (&fault.effect, &fault.shape, fault.seen_from, fault.start)
        else {
            continue;
        };
        let end = start + fault.lasts;
        for (_, of) in seen.tries() {
            let concerned = fault.routes.contains(&of.attempt.route.0);
            if concerned && (start..end).contains(&of.sent) && of.answer().is_some() {
                return Err(format!(
                    "an attempt of {} is answered, in the middle of {}",
                    of.sent, fault.name
                ));
            }
        }
    }
    Ok(())
}
