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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Outcome, Span, Time};
    use crate::metrics::recorder::{Finish, Recorder, Verdict};
    use crate::sim::plain;

    /// Books and tape of one good request with one attempt on the second of two routes.
    fn balanced() -> (Ledger, Tape) {
        let spec = plain::world(1, 2, 1.0, 10);
        let mut recorder = Recorder::new(spec.horizon, &spec.pool, 1, Vec::new());
        let (at, end) = (Time::from_secs(1), Time::from_secs(2));
        let done = Outcome::Done { prompt_tokens: 10, output_tokens: 20 };
        recorder.offered(at);
        recorder.attempted(at, at, 1, Some(0), false);
        recorder.ended(at, at, 1, done);
        recorder.spent(77, 20, true);
        recorder.finished(&Finish {
            arrived: at,
            now: end,
            deadline: Span::from_secs(10),
            model: 0,
            verdict: Verdict::Good,
            ttft: Some(Span::from_millis(500)),
            explored: false,
        });
        let mut ledger = Ledger::new(2);
        ledger.opened(1, true);
        ledger.ended(1, 77);
        ledger.close(&Flights::default(), 0);
        (ledger, recorder.finish(0, 0, 0, 1))
    }

    fn breach(change: impl Fn(&mut Ledger, &mut Tape)) -> String {
        let (mut ledger, mut tape) = balanced();
        change(&mut ledger, &mut tape);
        ledger.balance(&tape).unwrap_err().to_string()
    }

    #[test]
    fn books_that_balance_pass() {
        let (ledger, tape) = balanced();
        assert_eq!(ledger.balance(&tape), Ok(()));
    }

    #[test]
    fn each_broken_identity_is_caught_and_named() {
        type Change = fn(&mut Ledger, &mut Tape);
        let cases: [(&str, Change); 8] = [
            ("offered = good", |_, tape| tape.totals.good = 0),
            ("offered = good", |_, tape| tape.totals.unfinished = 1),
            ("sum over bins", |_, tape| tape.arrivals[1].offered = 0),
            ("cost", |_, tape| tape.totals.cost_nano_usd = 76),
            ("attempts of measured", |_, tape| tape.totals.attempts = 2),
            ("attempts of route 0", |ledger, _| ledger.ended(0, 0)),
            ("attempts of route 1", |ledger, _| ledger.ended[1] = 0),
            ("unfinished", |ledger, _| ledger.unfinished = 1),
        ];
        for (name, change) in cases {
            let what = breach(change);
            assert!(what.starts_with("invariant broken: ") && what.contains(name), "{what}");
        }
    }
}
