//! What is counted before it is sent never overshoots its limit: requests always, tokens and money where they are
//! reserved.

use crate::governance::{Charging, Kind};

use super::super::evidence::Evidence;
use super::ledger::{maxima, terms};

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let Some(tenancy) = &seen.spec().tenancy else { return Ok(()) };
    let terms = terms(&tenancy.plan);
    for look in &seen.looks {
        for (at, (reading, term)) in look.readings.iter().zip(&terms).enumerate() {
            if reading.kind != Kind::Requests && tenancy.plan.charging == Charging::PostPaid {
                continue;
            }
            // More may have been spent before the run, or before the limit was lowered.
            let maxima = maxima(seen, at, term.limit.max, look.at);
            let most = maxima.iter().fold(term.limit.used, |most, max| most.max(*max));
            let least = maxima.iter().fold(u64::MAX, |least, max| least.min(*max));
            if reading.used + reading.reserved > most || reading.over > most - least {
                return Err(format!("at {} more is counted than {most}: {reading:?}", look.at));
            }
        }
    }
    Ok(())
}
