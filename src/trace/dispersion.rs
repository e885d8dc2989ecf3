//! How bursty a trace is, before and after it was brought to another rate: scaling may smooth away
//! the very bursts that a limit per minute trips over.

use crate::engine::{Span, Time};
use crate::sim::spec::{Replay, Row};
use crate::sim::workload::replay::{Played, Player};

/// Burstiness of a row of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispersion {
    /// Requests counted.
    pub rows: u64,
    /// Of the number of requests.
    pub requests: Spread,
    /// Of the number of tokens, prompt and output together.
    pub tokens: Spread,
}

/// How unevenly something is spread over time. NaN where the length has no whole window of a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Index of dispersion: variance over mean of the counts in windows of 1, 10 and 60 s; 1 for a
    /// Poisson process of requests. Grows with the rate where bursts are kept.
    pub index: [f64; 3],
    /// 95th percentile (nearest rank) of the minutes over their mean: what a limit per minute sees.
    /// Does not depend on the rate.
    pub minute_p95_over_mean: f64,
}

/// Counts rows, in order of time, up to `length`; only whole windows count.
pub fn dispersion(rows: impl Iterator<Item = Row>, length: Span) -> Dispersion {
    let seconds = (length.0 / 1_000_000_000) as usize;
    let (mut requests, mut tokens) = (vec![0u64; seconds], vec![0u64; seconds]);
    let mut count = 0;
    for row in rows {
        let Some(second) = requests.get_mut((row.at.0 / 1_000_000_000) as usize) else { break };
        *second += 1;
        tokens[(row.at.0 / 1_000_000_000) as usize] +=
            u64::from(row.prompt) + u64::from(row.output);
        count += 1;
    }
    Dispersion { rows: count, requests: spread(&requests), tokens: spread(&tokens) }
}

/// The rows as a replay plays them, up to `length`.
pub fn replayed(replay: &Replay, seed: u64, length: Span) -> impl Iterator<Item = Row> {
    let mut player = Player::new(replay, seed, 0);
    std::iter::from_fn(move || {
        let at = player.peek();
        (at < Time::ZERO + length).then(|| {
            let Played { prompt, output, leaf, .. } = player.pop();
            Row { at: at - Time::ZERO, prompt, output, leaf }
        })
    })
}

fn spread(seconds: &[u64]) -> Spread {
    let mut minutes: Vec<u64> = windows(seconds, 60).collect();
    minutes.sort_unstable();
    let rank = (minutes.len() * 95).div_ceil(100).max(1);
    let p95 = minutes.get(rank - 1).map_or(f64::NAN, |count| *count as f64);
    Spread {
        index: [1, 10, 60].map(|width| index(windows(seconds, width))),
        minute_p95_over_mean: p95 / mean(minutes.iter().copied()),
    }
}

fn windows(seconds: &[u64], width: usize) -> impl Iterator<Item = u64> + Clone {
    seconds.chunks_exact(width).map(|window| window.iter().sum())
}

fn mean(counts: impl Iterator<Item = u64> + Clone) -> f64 {
    counts.clone().sum::<u64>() as f64 / counts.count() as f64
}

fn index(counts: impl Iterator<Item = u64> + Clone) -> f64 {
    let mean = mean(counts.clone());
    let n = counts.clone().count() as f64;
    let squares: f64 = counts.map(|count| (count as f64 - mean) * (count as f64 - mean)).sum();
    squares / n / mean
}
