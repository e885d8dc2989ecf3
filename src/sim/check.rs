//! The books of a run, kept apart from its recorder and compared with it at the end of every run: requests,
//! attempts and money are conserved, or the run's results are not given out.

use std::fmt;

use crate::metrics::Tape;

use super::flight::{FLYING, Flights, OPEN};

/// Double entry: what the world did, independently of what was recorded.
#[derive(Debug)]
pub(super) struct Ledger {
    opened: Vec<u64>,
    ended: Vec<u64>,
    flying: Vec<u64>,
    /// Attempts for measured requests, and what they cost.
    attempts: u64,
    cost: u64,
    unfinished: u64,
    still_open: u64,
}

/// The books do not balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which identity.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant broken: {}", self.what)
    }
}

impl std::error::Error for Breach {}

impl Ledger {
    pub(super) fn new(routes: usize) -> Self {
        Self {
            opened: vec![0; routes],
            ended: vec![0; routes],
            flying: vec![0; routes],
            attempts: 0,
            cost: 0,
            unfinished: 0,
            still_open: 0,
        }
    }

    #[inline]
    pub(super) fn opened(&mut self, route: u32, measured: bool) {
        self.opened[route as usize] += 1;
        self.attempts += u64::from(measured);
    }

    #[inline]
    pub(super) fn ended(&mut self, route: u32, cost_nano_usd: u64) {
        self.ended[route as usize] += 1;
        self.cost += cost_nano_usd;
    }

    /// Counts what is still under way.
    pub(super) fn close(&mut self, flights: &Flights, unfinished: u64) {
        self.unfinished = unfinished;
        for flight in flights.all() {
            self.still_open += u64::from(flight.flags & OPEN != 0);
            if flight.flags & FLYING != 0 {
                self.flying[flight.route as usize] += 1;
            }
        }
    }

    /// Compares the books with the tape.
    pub(super) fn balance(&self, tape: &Tape) -> Result<(), Breach> {
        let totals = &tape.totals;
        let results = totals.good + totals.late + totals.failed + totals.shed;
        equal(
            "offered = good + late + failed + shed + unfinished",
            totals.offered,
            results + totals.unfinished,
        )?;
        let offered = tape.arrivals.iter().map(|bin| u64::from(bin.offered)).sum();
        equal("offered = sum over bins", totals.offered, offered)?;
        equal("attempts of measured requests", totals.attempts, self.attempts)?;
        equal("cost = sum over attempts", totals.cost_nano_usd, self.cost)?;
        for (route, opened) in self.opened.iter().enumerate() {
            let closed = self.ended[route] + self.flying[route];
            equal(&format!("attempts of route {route} = ended + in flight"), *opened, closed)?;
        }
        if self.unfinished > self.still_open {
            let what = format!("{} unfinished, {} open", self.unfinished, self.still_open);
            return Err(Breach { what });
        }
        Ok(())
    }
}

fn equal(what: &str, left: u64, right: u64) -> Result<(), Breach> {
    if left == right {
        return Ok(());
    }
    Err(Breach { what: format!("{what}: {left} ≠ {right}") })
}
