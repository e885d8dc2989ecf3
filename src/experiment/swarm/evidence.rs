//! What is known of one run from outside: what the world told its watch, what each process wrote down, how limits
//! stood, and the tape.

use std::collections::BTreeMap;

use crate::engine::{Outcome, Span, Time};
use crate::governance::Reading;
use crate::metrics::Tape;
use crate::metrics::recorder::Verdict;
use crate::policy::{Attempt, Request, Step};
use crate::scenario::Scenario;
use crate::sim::fleet::NodeChange;
use crate::sim::spec::Spec;
use crate::sim::watch::Fact;

use super::spy::Note;

/// Everything that checkers look at.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) scenario: Scenario,
    /// Processes of the gateway.
    pub(super) processes: usize,
    pub(super) facts: Vec<(Time, Fact)>,
    pub(super) notes: Vec<Note>,
    pub(super) looks: Vec<Look>,
    /// Virtual keys of requests by their id, where tenants are limited.
    pub(super) keys: BTreeMap<u64, u32>,
    pub(super) tape: Tape,
    /// The same run, made again without anybody watching.
    pub(super) again: Tape,
    pub(super) lives: Vec<Life>,
}

/// How the limits of tenants stood at a moment.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) at: Time,
    /// How many facts there were by then.
    pub(super) facts: usize,
    pub(super) readings: Vec<Reading>,
    /// Attempts that were counted and not settled.
    pub(super) open: usize,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) request: Request,
    pub(super) output: u32,
    pub(super) deadline: Span,
    pub(super) tries: Vec<Try>,
    pub(super) result: Option<(Time, Verdict)>,
}

/// An attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    pub(super) attempt: Attempt,
    pub(super) sent: Time,
    /// Its place among all facts.
    pub(super) fact: usize,
    pub(super) end: Option<End>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: Time,
    pub(super) fact: usize,
    pub(super) ttft: Option<Span>,
    pub(super) outcome: Outcome,
}

impl Try {
    /// Whether part of an answer came, and how many tokens it had.
    pub(super) fn answer(&self) -> Option<u32> {
        match self.end?.outcome {
            Outcome::Done { output_tokens, .. } | Outcome::StreamBroken { output_tokens, .. } => {
                Some(output_tokens)
            }
            _ => None,
        }
    }
}

/// The process and the time of a policy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reign {
    pub(super) process: usize,
    pub(super) from: Time,
    pub(super) until: Time,
}

impl Evidence {
    pub(super) const fn spec(&self) -> &Spec {
        &self.scenario.spec
    }

    /// Attempts with their requests.
    pub(super) fn tries(&self) -> impl Iterator<Item = (&Life, &Try)> {
        self.lives.iter().flat_map(|life| life.tries.iter().map(move |of| (life, of)))
    }

    /// Whether a request counts in the tape's totals.
    pub(super) fn measures(&self, life: &Life) -> bool {
        life.request.arrived < Time(self.spec().horizon.0)
    }

    /// Of each policy that was made, whose it was and how long: from what the scenario says happens to nodes.
    pub(super) fn reigns(&self) -> Vec<Reign> {
        let fleet = &self.spec().gateway.fleet;
        let workers = self.processes / fleet.nodes.len();
        let first = |process| Reign { process, from: Time::ZERO, until: Time::NEVER };
        let mut reigns: Vec<Reign> = (0..self.processes).map(first).collect();
        for event in &fleet.events {
            let own = event.node * workers..(event.node + 1) * workers;
            let is_start = matches!(event.what, NodeChange::Starts { .. });
            if event.what == NodeChange::Closes {
                continue;
            }
            for process in own {
                let living = reigns.iter_mut().rev().find(|reign| reign.process == process);
                if let Some(reign) = living.filter(|reign| reign.until == Time::NEVER) {
                    // What starts while it runs goes on as it is.
                    if is_start {
                        continue;
                    }
                    reign.until = event.at;
                }
                if is_start {
                    reigns.push(Reign { process, from: event.at, until: Time::NEVER });
                }
            }
        }
        reigns
    }

    /// The lives of all requests.
    ///
    /// # Errors
    /// The first thing that cannot happen in the life of a request.
    pub(super) fn lives(facts: &[(Time, Fact)]) -> Result<Vec<Life>, String> {
        let mut lives: Vec<Life> = Vec::new();
        let mut index = BTreeMap::new();
        for (at, (now, fact)) in facts.iter().enumerate() {
            let Some(number) = fact.number() else { continue };
            if let Fact::Arrived { request, output, deadline, .. } = fact {
                if index.insert(number, lives.len()).is_some() {
                    return Err(format!("request {number} arrives twice"));
                }
                let (request, output, deadline) = (*request, *output, *deadline);
                lives.push(Life { request, output, deadline, tries: Vec::new(), result: None });
                continue;
            }
            let life = index.get(&number).and_then(|at: &usize| lives.get_mut(*at));
            let life = life.ok_or_else(|| format!("request {number} has not arrived"))?;
            life.live(*now, at, fact)
                .map_err(|what| format!("request {number} at {now}: {what}"))?;
        }
        Ok(lives)
    }
}

impl Life {
    fn live(&mut self, now: Time, at: usize, fact: &Fact) -> Result<(), String> {
        if let Some((then, verdict)) = self.result {
            return Err(format!("something happens after its result, {verdict:?} at {then}"));
        }
        let open = self.tries.last().is_some_and(|last| last.end.is_none());
        match fact {
            Fact::Planned { step, .. } => {
                if open {
                    return Err("it is planned while an attempt is under way".to_owned());
                }
                if let Step::Send(attempt) = *step {
                    self.tries.push(Try { attempt, sent: now, fact: at, end: None });
                }
            }
            Fact::Ended { route, began, ttft, outcome, .. } => {
                let last = self.tries.last_mut().filter(|_| open);
                let last = last.ok_or("an attempt ends that is not under way")?;
                if (last.attempt.route, last.sent) != (*route, *began) {
                    return Err("an attempt ends that is not the one under way".to_owned());
                }
                last.end = Some(End { at: now, fact: at, ttft: *ttft, outcome: *outcome });
            }
            Fact::Result { verdict, .. } => {
                if open {
                    return Err("it has its result while an attempt is under way".to_owned());
                }
                self.result = Some((now, *verdict));
            }
            Fact::Arrived { .. } | Fact::Edge { .. } | Fact::Changed(_) => {}
        }
        Ok(())
    }
}
