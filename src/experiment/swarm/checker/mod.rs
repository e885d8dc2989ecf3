//! Independent books: each checker looks at a run from outside and says the first thing that cannot be.
//!
//! A checker counts by itself, from what the world told its watch and what processes wrote down; it never asks the
//! code that it checks to count for it. One file each.

mod calendar;
mod clock;
mod cluster;
mod eligible;
mod holds;
mod ledger;
mod limits;
mod money;
mod nodes;
mod outage;
mod patience;
mod present;
mod reported;
mod reports;
mod reservation;
mod room;
mod same;
mod snapshot;
mod tally;

use super::evidence::Evidence;

/// A checker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checker {
    /// What findings call it.
    pub(super) name: &'static str,
    /// Says what is wrong first, if anything is.
    pub(super) check: fn(&Evidence) -> Result<(), String>,
}

/// All checkers, in the order in which they are asked. Before them come `lives` (each request arrives once, has at
/// most one attempt under way and one result, and nothing after it) and `books` (those of every run).
pub(super) static CHECKERS: &[Checker] = &[
    Checker { name: "clock", check: clock::check },
    Checker { name: "reported", check: reported::check },
    Checker { name: "nodes", check: nodes::check },
    Checker { name: "patience", check: patience::check },
    Checker { name: "tally", check: tally::check },
    Checker { name: "money", check: money::check },
    Checker { name: "ledger", check: ledger::check },
    Checker { name: "reservation", check: reservation::check },
    Checker { name: "eligible", check: eligible::check },
    Checker { name: "present", check: present::check },
    Checker { name: "room", check: room::check },
    Checker { name: "limits", check: limits::check },
    Checker { name: "outage", check: outage::check },
    Checker { name: "snapshot", check: snapshot::check },
    Checker { name: "holds", check: holds::check },
    Checker { name: "reports", check: reports::check },
    Checker { name: "cluster", check: cluster::check },
    Checker { name: "same", check: same::check },
];

/// That two counts are the same.
fn equal<T: PartialEq + std::fmt::Debug>(what: &str, own: &T, theirs: &T) -> Result<(), String> {
    if own == theirs {
        return Ok(());
    }
    Err(format!("{what}: counted {own:?}, told {theirs:?}"))
}
