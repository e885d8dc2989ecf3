//! What a run of several gateway nodes leaves behind besides, and what is computed from it.

use crate::engine::{Span, Time};

use super::tape::Tape;
use super::value::Value;

/// What is between the processes of a gateway.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterTape {
    /// How many processes (nodes × workers) there are.
    pub processes: u32,
    /// Whether they share anything.
    pub shares: bool,
    /// Once a second, how far the processes are apart, if the policy shows its probabilities.
    pub distances: Vec<Distance>,
    /// Gossip packets sent, and how many of them got lost.
    pub packets: u64,
    /// Of those, lost.
    pub lost: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Lasting refusals of a key, and when every process knew of it.
    pub holds: Vec<HoldSpread>,
    /// Attempts at routes under a fault that were made to learn about them.
    pub probes: u64,
    /// Of those, within [`PROBE_TELLS`] of another process's.
    pub duplicated: u64,
}

/// How far processes are apart at one moment: total variation between the probabilities with which they would
/// send the next request, over pairs of processes and models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// When.
    pub at: Time,
    /// Mean.
    pub mean: f64,
    /// Greatest.
    pub max: f64,
}

/// A lasting refusal of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldSpread {
    /// Which route.
    pub route: u32,
    /// When the first process was refused.
    pub first: Time,
    /// When the last process knew, by hearing or by being refused itself; `None` if the key worked again before.
    pub last: Option<Time>,
}

/// So long a probe tells as much as a second one would: the recomputation interval of the published balancers.
pub const PROBE_TELLS: Span = Span::from_secs(5);

/// Processes agree where no two are further apart than this (our choice: a tenth of the traffic).
const AGREED: f64 = 0.10;

const ONE: &str = "one gateway process";
const UNSHOWN: &str = "the policy shows no probabilities";
const SILENT: &str = "nodes share nothing";

fn several(tape: &Tape) -> Result<&ClusterTape, Value> {
    tape.cluster.as_deref().ok_or(Value::Undefined { reason: ONE })
}

fn of(tape: &Tape, compute: impl Fn(&ClusterTape) -> Value) -> Value {
    several(tape).map_or_else(|undefined| undefined, compute)
}

fn distance(tape: &Tape, compute: impl Fn(&[Distance]) -> f64) -> Value {
    of(tape, |cluster| match cluster.distances.as_slice() {
        [] => Value::Undefined { reason: UNSHOWN },
        distances => Value::Known(compute(distances)),
    })
}

/// Mean over time of the mean distance between processes.
pub fn disagreement(tape: &Tape) -> Value {
    distance(tape, |d| d.iter().map(|d| d.mean).sum::<f64>() / d.len() as f64)
}

/// Greatest distance between any two processes at any time.
pub fn disagreement_max(tape: &Tape) -> Value {
    distance(tape, |d| d.iter().map(|d| d.max).fold(0.0, f64::max))
}

/// From a fault's onset until no two processes are further apart than 0.1, in seconds.
pub fn convergence_weights(tape: &Tape, fault: usize) -> Value {
    of(tape, |cluster| {
        if cluster.distances.is_empty() {
            return Value::Undefined { reason: UNSHOWN };
        }
        let (from, until) = (tape.faults[fault].start, tape.faults[fault].start + WATCH);
        let watched = || cluster.distances.iter().filter(|d| d.at >= from && d.at < until);
        match watched().rfind(|d| d.max > AGREED) {
            None => Value::Known(0.0),
            Some(last) if watched().any(|d| d.at > last.at) => {
                Value::Known((last.at.since(from) + Span::from_secs(1)).as_secs_f64())
            }
            Some(_) => Value::Censored { at_s: convergence_window(tape, fault) },
        }
    })
}

/// How long after a fault's onset agreement is waited for.
const WATCH: Span = Span::from_secs(60);

/// The longest convergence that is observed.
pub fn convergence_window(tape: &Tape, fault: usize) -> f64 {
    let start = tape.faults[fault].start;
    tape.measured_until.since(start).min(WATCH).as_secs_f64()
}

/// Mean time from a key's first lasting refusal until every process knows, in seconds, over those that all learnt
/// of.
pub fn convergence_holds(tape: &Tape) -> Value {
    of(tape, |cluster| {
        let known = cluster.holds.iter().filter_map(|hold| Some(hold.last?.since(hold.first)));
        let seconds: Vec<f64> = known.map(Span::as_secs_f64).collect();
        match seconds.len() {
            0 if cluster.holds.is_empty() => Value::Undefined { reason: "no key was refused" },
            0 => Value::Undefined { reason: "no refusal was known to all" },
            n => Value::Known(seconds.iter().sum::<f64>() / n as f64),
        }
    })
}

fn per_second(tape: &Tape, count: fn(&ClusterTape) -> u64) -> Value {
    of(tape, |cluster| match cluster.shares {
        true => Value::Known(count(cluster) as f64 / tape.horizon.as_secs_f64()),
        false => Value::Undefined { reason: SILENT },
    })
}

/// Gossip packets per second, of all processes together.
pub fn packets(tape: &Tape) -> Value {
    per_second(tape, |cluster| cluster.packets)
}

/// Bytes of gossip per second, of all processes together.
pub fn bytes(tape: &Tape) -> Value {
    per_second(tape, |cluster| cluster.bytes)
}

/// Probes of faulted routes.
pub fn probes(tape: &Tape) -> Value {
    of(tape, |cluster| Value::Known(cluster.probes as f64))
}

/// Share of them that came shortly after another process's.
pub fn duplicated_probes(tape: &Tape) -> Value {
    of(tape, |cluster| {
        Value::ratio(cluster.duplicated, cluster.probes, "no faulted route was probed")
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn tape(distances: &[(u64, f64)]) -> Tape {
        let mut tape = fixture::calm(120, 2, 100);
        fixture::add_fault(&mut tape, (30.0, 60.0), &[0], 100, |_| 0.5);
        let distance = |&(second, max): &(u64, f64)| Distance {
            at: Time::from_secs(second),
            mean: max / 2.0,
            max,
        };
        let cluster = ClusterTape {
            processes: 3,
            distances: distances.iter().map(distance).collect(),
            ..ClusterTape::default()
        };
        tape.cluster = Some(Box::new(cluster));
        tape
    }

    #[test]
    fn one_process_has_none_of_this() {
        let mut tape = tape(&[(1, 0.2)]);
        tape.cluster = None;
        for metric in [disagreement, packets, probes, convergence_holds] {
            assert_eq!(metric(&tape), Value::Undefined { reason: ONE });
        }
    }

    #[test]
    fn agreement_is_reached_after_the_last_second_without() {
        let agrees = |distances| convergence_weights(&tape(distances), 0);
        assert_eq!(agrees(&[(29, 0.5), (31, 0.0), (40, 0.0)]), Value::Known(0.0));
        assert_eq!(agrees(&[(31, 0.5), (35, 0.0), (36, 0.2), (37, 0.1)]), Value::Known(7.0));
        assert!(matches!(agrees(&[(31, 0.0), (89, 0.2)]), Value::Censored { .. }));
        assert_eq!(agrees(&[]), Value::Undefined { reason: UNSHOWN });
    }

    #[test]
    fn distances_are_averaged_over_time_and_topped() {
        let tape = tape(&[(1, 0.2), (2, 0.4)]);
        let close = |value: Value, to: f64| (value.known().unwrap() - to).abs() < 1e-12;
        assert!(close(disagreement(&tape), 0.15) && close(disagreement_max(&tape), 0.4));
    }

    #[test]
    fn holds_that_all_know_count_and_others_do_not() {
        let mut tape = tape(&[]);
        let hold = |last: Option<u64>| HoldSpread {
            route: 0,
            first: Time::from_secs(10),
            last: last.map(Time::from_secs),
        };
        let cluster = tape.cluster.as_mut().unwrap();
        cluster.holds = vec![hold(Some(12)), hold(None), hold(Some(13))];
        assert_eq!(convergence_holds(&tape), Value::Known(2.5));
    }
}
