//! A script instead of providers: what becomes of each attempt is told, not drawn.
//!
//! For comparing a policy with what a real gateway did under the same answers. Arrivals come from the world's
//! classes as ever (a trace replays them exactly); the policy's timeouts and the client's patience still end
//! an attempt early. Limits, faults, capacity and latency of the world play no part.

use std::collections::BTreeMap;
use std::fmt;

use crate::engine::{Span, Time};
use crate::policy::RouteId;

use super::fault::Failure;

/// An attempt about to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Number of its request in order of arrival, from 0.
    pub request: u64,
    /// Attempts of this request before it, whichever route they went to.
    pub attempt: u32,
    /// Where it goes.
    pub route: RouteId,
    /// When it starts.
    pub at: Time,
}

/// What becomes of an attempt if nobody stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// A whole answer.
    Answered {
        /// From the start to the first token.
        first: Span,
        /// From the start to the end; at least `first`.
        whole: Span,
    },
    /// No answer.
    Failed {
        /// How it fails; a hang is ended by whoever stops waiting first.
        failure: Failure,
        /// How long that takes.
        after: Span,
    },
}

/// The rule of a script.
type Play = Box<dyn FnMut(&Scene) -> Take + Send>;

/// What becomes of every attempt of a run.
pub struct Script {
    play: Play,
    /// Numbers of requests by their luck.
    numbers: BTreeMap<u64, u64>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("requests", &self.numbers.len()).finish_non_exhaustive()
    }
}

impl Script {
    /// A script that plays each scene by this rule.
    pub fn new(play: impl FnMut(&Scene) -> Take + Send + 'static) -> Self {
        Self { play: Box::new(play), numbers: BTreeMap::new() }
    }

    /// A request arrived.
    pub(super) fn arrived(&mut self, luck: u64) {
        let number = self.numbers.len() as u64;
        self.numbers.insert(luck, number);
    }

    /// What becomes of the attempt that starts now.
    pub(super) fn take(&mut self, luck: u64, attempt: u32, route: RouteId, at: Time) -> Take {
        let request = self.numbers.get(&luck).copied().unwrap_or(u64::MAX);
        (self.play)(&Scene { request, attempt, route, at })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::policy::registry;
    use crate::sim::{Replication, World, plain};

    #[test]
    fn attempts_end_as_the_script_says_and_it_is_told_of_each_in_order() {
        let spec = plain::world(1, 3, 5.0, 20);
        let known = registry::find("litellm-simple-shuffle").unwrap();
        let policy = known.make(&known.settings(), &spec.pool, Time::ZERO, 1).unwrap();
        let scenes = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&scenes);
        let script = Script::new(move |scene| {
            told.lock().unwrap().push(*scene);
            let (first, whole) = (Span::from_millis(20), Span::from_millis(70));
            let (failure, after) = (Failure::Status(500), Span::from_millis(50));
            match scene.attempt {
                0 if scene.request % 2 == 1 => Take::Failed { failure, after },
                _ => Take::Answered { first, whole },
            }
        });
        let replication = Replication { index: 0, of: 1 };
        let tape = World::scripted(&spec, policy, 1, replication, script).run().unwrap();
        let scenes = scenes.lock().unwrap();
        let firsts = scenes.iter().filter(|scene| scene.attempt == 0);
        assert!(firsts.enumerate().all(|(i, scene)| scene.request == i as u64));
        let again: Vec<&Scene> = scenes.iter().filter(|scene| scene.attempt == 1).collect();
        assert!(!again.is_empty() && again.iter().all(|scene| scene.request % 2 == 1));
        for scene in again {
            let first = scenes.iter().find(|s| s.request == scene.request).unwrap();
            assert_eq!(scene.at, first.at + Span::from_millis(50));
        }
        assert_eq!(tape.totals.good, tape.totals.offered, "an error each, and a retry that works");
    }
}
