//! The limit of a deployment, from what it admitted in the minutes in which it refused.

use std::collections::BTreeMap;

use super::distance::{quantile, sorted};
use super::rows::Row;

/// What refusals say of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LimitFit {
    /// Requests refused with 429.
    pub refused: u64,
    /// Minutes of the clock in which that happened.
    pub minutes: usize,
    /// Tokens per minute, where they are what minutes with refusals have in common.
    pub tpm: Option<f64>,
    /// Requests per minute, likewise.
    pub rpm: Option<f64>,
    /// Coefficients of variation of tokens and of requests admitted in those minutes.
    pub spread: (f64, f64),
}

/// Fewer minutes with refusals say nothing of a limit.
const MINUTES_MIN: usize = 3;
/// Minutes at a limit are alike; more spread than this means that something else refuses.
const SPREAD_MAX: f64 = 0.35;

#[derive(Clone, Copy, Default)]
struct Minute {
    tokens: u64,
    requests: u64,
    refused: u64,
}

/// Looks at the attempts of one deployment.
pub(super) fn fit(rows: &[Row]) -> LimitFit {
    let mut minutes: BTreeMap<u64, Minute> = BTreeMap::new();
    for row in rows {
        let minute = minutes.entry(row.at / 60_000_000_000).or_default();
        if row.status.is_limited() {
            minute.refused += 1;
        } else if !row.status.is_error() {
            minute.tokens += u64::from(row.prompt) + u64::from(row.output);
            minute.requests += 1;
        }
    }
    let full: Vec<Minute> = minutes.values().filter(|minute| minute.refused > 0).copied().collect();
    let refused = full.iter().map(|minute| minute.refused).sum();
    let mut found = LimitFit { refused, minutes: full.len(), ..LimitFit::default() };
    if full.len() < MINUTES_MIN {
        return found;
    }
    let tokens = sorted(full.iter().map(|minute| minute.tokens as f64).collect());
    let requests = sorted(full.iter().map(|minute| minute.requests as f64).collect());
    found.spread = (spread(&tokens), spread(&requests));
    // What is limited varies least. A minute ends a little below its limit: one request would not fit.
    let (least, of) = if found.spread.0 <= found.spread.1 {
        (found.spread.0, &tokens)
    } else {
        (found.spread.1, &requests)
    };
    if least <= SPREAD_MAX {
        let limit = quantile(of, 0.9);
        if found.spread.0 <= found.spread.1 {
            found.tpm = Some(limit);
        } else {
            found.rpm = Some(limit);
        }
    }
    found
}

fn spread(sorted: &[f64]) -> f64 {
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let square = sorted.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    square.sqrt() / mean.max(1e-9)
}
