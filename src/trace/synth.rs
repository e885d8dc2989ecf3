//! Making a trace, in the Azure format: for tests and demonstrations that must not ship somebody's
//! data.

use std::io::{self, Write};

use crate::engine::luck::{mix, name};
use crate::engine::{Span, Time};
use crate::sim::spec::{Gaps, Rate, Tokens};
use crate::sim::stream::Stream;
use crate::sim::tokens::TokenSampler;
use crate::sim::workload::open::Open;

use super::stamp::write_date_time;

/// First possible stamp: 2024-01-01 00:00:00 UTC, in nanoseconds since 1970.
const START: u64 = 1_704_067_200_000_000_000;

/// What to make.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// Everything drawn depends on this alone.
    pub seed: u64,
    /// Mean requests per second.
    pub rate: f64,
    /// Shape of the gaps.
    pub gaps: Gaps,
    /// Prompt tokens.
    pub prompt: Tokens,
    /// Output tokens.
    pub output: Tokens,
    /// Length.
    pub length: Span,
}

impl Synthetic {
    /// An hour after the shape of public code-completion traffic (Microsoft's Azure LLM inference trace of
    /// 2023): bursts of 5 s, long prompts, short answers; two requests per second.
    pub fn coding(seed: u64) -> Self {
        let points = |tokens: [f64; 5]| {
            Tokens::Quantiles([0.0, 0.5, 0.9, 0.99, 1.0].into_iter().zip(tokens).collect())
        };
        Self {
            seed,
            rate: 2.0,
            gaps: Gaps::OnOff { on: Span::from_secs(5), off: Span::from_secs(14) },
            prompt: points([20.0, 1469.0, 5188.0, 7436.0, 8000.0]),
            output: points([1.0, 13.0, 55.0, 251.0, 1000.0]),
            length: Span::from_secs(3600),
        }
    }
}

/// Writes the trace and says how many rows it has. The same parameters make the same bytes.
///
/// # Errors
/// What the writer fails with.
pub fn synth(synthetic: &Synthetic, out: &mut impl Write) -> io::Result<u64> {
    let rate = Rate(vec![(Span::ZERO, synthetic.rate)]);
    let mut arrivals = Open::new(synthetic.gaps, &rate, synthetic.seed, 0);
    let mut luck = Stream::new(synthetic.seed, "synthetic rows", 0);
    let prompt = TokenSampler::new(&synthetic.prompt);
    let output = TokenSampler::new(&synthetic.output);
    writeln!(out, "TIMESTAMP,ContextTokens,GeneratedTokens")?;
    let mut rows = 0;
    while arrivals.peek() < Time::ZERO + synthetic.length {
        let luck = luck.next();
        let stamp = write_date_time(START + arrivals.peek().0);
        let prompt = prompt.draw(mix(luck, name("prompt")));
        let output = output.draw(mix(luck, name("output")));
        writeln!(out, "{stamp},{prompt},{output}")?;
        rows += 1;
        arrivals.pop();
    }
    Ok(rows)
}
