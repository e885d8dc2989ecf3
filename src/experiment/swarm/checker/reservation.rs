//! What is counted before it is sent never overshoots its limit: requests always, tokens and money where they are
//! reserved.

use crate::governance::{Charging, Kind};

use super::super::evidence::Evidence;
use super::ledger::terms;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let Some(tenancy) = &seen.spec().tenancy else { return Ok(()) };
    let terms = terms(&tenancy.plan);
    for look in &seen.looks {
        for (reading, term) in look.readings.iter().zip(&terms) {
            if reading.kind != Kind::Requests && tenancy.plan.charging == Charging::PostPaid {
                continue;
            }
            // More may have been spent before the run.
            let most = reading.max.max(term.limit.used);
            if reading.used + reading.reserved > most || reading.over > most - reading.max {
                return Err(format!("at {} more is counted than {most}: {reading:?}", look.at));
            }
        }
    }
    Ok(())
}
