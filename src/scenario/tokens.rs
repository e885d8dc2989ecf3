//! `prompt` and `output`: distributions of token counts from the numbers that people know.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::sim::spec::Tokens;

use super::at::At;
use super::error::Problem;
use super::unit::{Count, Number};

/// Prompt tokens: { median, p90 }, { median, sigma }, { constant } or { quantiles }.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokensFile {
    /// Median.
    median: Option<Number>,
    /// 90 % are at most this; with `median` it makes a lognormal.
    p90: Option<Number>,
    /// Standard deviation of the logarithm; with `median` it makes a lognormal.
    sigma: Option<Number>,
    /// Always this many.
    constant: Option<Count>,
    /// Points of [probability, tokens] from 0 to 1: [[0, 1], [0.5, 900], [1, 7_600]].
    quantiles: Option<Vec<(Number, Number)>>,
}

/// Output tokens: as `prompt`, and the cap that clients send.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutputFile {
    /// Median.
    median: Option<Number>,
    /// 90 % are at most this; with `median` it makes a lognormal.
    p90: Option<Number>,
    /// Standard deviation of the logarithm; with `median` it makes a lognormal.
    sigma: Option<Number>,
    /// Always this many.
    constant: Option<Count>,
    /// Points of [probability, tokens] from 0 to 1.
    quantiles: Option<Vec<(Number, Number)>>,
    /// The cap that the client sends; several providers charge it in full. Default: twice the 99th
    /// percentile, at most 4,096 (our choice; no public trace has it).
    max_tokens: Option<Count>,
}

/// z of the 90 % and the 99 % quantile of the normal distribution.
const Z90: f64 = 1.281_551_565_544_600_4;
const Z99: f64 = 2.326_347_874_040_841;
/// More than any model of 2026 takes or writes.
const TOKENS_MAX: f64 = 10_000_000.0;
const SIGMA_MAX: f64 = 5.0;
const MAX_TOKENS_DEFAULT: f64 = 4_096.0;

/// Azure LLM inference trace 2023, conversations: median and 90 %.
const PROMPT: (f64, f64) = (1_020.0, 2_734.0);
const OUTPUT: (f64, f64) = (129.0, 424.0);

impl TokensFile {
    /// Azure's conversations.
    pub(crate) fn default_prompt() -> Tokens {
        lognormal(PROMPT)
    }

    pub(crate) fn tokens(&self, at: &At) -> Result<Tokens, Problem> {
        let Self { median, p90, sigma, constant, quantiles } = self;
        match (median, p90, sigma, constant, quantiles) {
            (Some(median), Some(p90), None, None, None) => {
                let median = count(median.0, &at.key("median"))?;
                let p90 = count(p90.0, &at.key("p90"))?;
                if p90 < median {
                    let message = format!("`{at}.p90` = {p90} is less than the median {median}");
                    return Err(Problem::new(at.key("p90"), message)
                        .expected("expected at least the median"));
                }
                Ok(lognormal((median, p90)))
            }
            (Some(median), None, Some(sigma), None, None) => {
                let median = count(median.0, &at.key("median"))?;
                if !(0.0..=SIGMA_MAX).contains(&sigma.0) {
                    let message = format!("`{at}.sigma` cannot be {}", sigma.0);
                    return Err(Problem::new(at.key("sigma"), message)
                        .expected("expected a number from 0 to 5, such as 0.99"));
                }
                Ok(Tokens::Lognormal { median, sigma: sigma.0 })
            }
            (None, None, None, Some(constant), None) => {
                count(constant.0 as f64, &at.key("constant")).map(|n| Tokens::Constant(n as u32))
            }
            (None, None, None, None, Some(points)) => table(points, &at.key("quantiles")),
            _ => Err(Problem::new(at.clone(), format!("`{at}` is not a distribution of tokens"))
                .expected(
                    "expected { median, p90 }, { median, sigma }, { constant } or { quantiles }",
                )
                .help("for example { median = 1_020, p90 = 2_734 }")),
        }
    }
}

impl OutputFile {
    /// The distribution, and the cap that goes with it.
    pub(crate) fn output(&self, at: &At) -> Result<(Tokens, u32), Problem> {
        let Self { median, p90, sigma, constant, quantiles, max_tokens } = self.clone();
        let only_cap = [median.is_none(), p90.is_none(), sigma.is_none(), constant.is_none()];
        let tokens = if only_cap.iter().all(|none| *none) && quantiles.is_none() {
            lognormal(OUTPUT)
        } else {
            TokensFile { median, p90, sigma, constant, quantiles }.tokens(at)?
        };
        let cap = match max_tokens {
            Some(cap) => count(cap.0 as f64, &at.key("max_tokens"))?,
            None => (2.0 * p99(&tokens)).round().min(MAX_TOKENS_DEFAULT),
        };
        Ok((tokens, cap as u32))
    }
}

fn lognormal((median, p90): (f64, f64)) -> Tokens {
    Tokens::Lognormal { median, sigma: libm::log(p90 / median) / Z90 }
}

fn count(tokens: f64, at: &At) -> Result<f64, Problem> {
    if (1.0..=TOKENS_MAX).contains(&tokens) {
        return Ok(tokens);
    }
    Err(Problem::new(at.clone(), format!("`{at}` cannot be {tokens} tokens"))
        .expected("expected 1 to 10_000_000 tokens, such as 1_020"))
}

fn table(points: &[(Number, Number)], at: &At) -> Result<Tokens, Problem> {
    let wrong = |here: At, what: &str| {
        Problem::new(here, format!("`{at}`: {what}")).expected(
            "expected ascending points from 0 to 1, such as [[0, 1], [0.5, 900], [1, 7_600]]",
        )
    };
    let ends = points.first().is_some_and(|point| point.0.0 == 0.0)
        && points.last().is_some_and(|point| point.0.0 == 1.0);
    if !ends || points.len() < 2 {
        return Err(wrong(at.clone(), "probabilities run from 0 to 1"));
    }
    for (index, pair) in points.windows(2).enumerate() {
        if pair[1].0.0 <= pair[0].0.0 || pair[1].1.0 < pair[0].1.0 {
            return Err(wrong(at.item(index + 1), "points ascend"));
        }
    }
    for (index, point) in points.iter().enumerate() {
        count(point.1.0, &at.item(index).item(1))?;
    }
    Ok(Tokens::Quantiles(points.iter().map(|point| (point.0.0, point.1.0)).collect()))
}

fn p99(tokens: &Tokens) -> f64 {
    match tokens {
        Tokens::Constant(tokens) => f64::from(*tokens),
        Tokens::Lognormal { median, sigma } => median * libm::exp(sigma * Z99),
        Tokens::Quantiles(points) => {
            points.windows(2).find(|pair| pair[1].0 >= 0.99).map_or(1.0, |pair| {
                let part = (0.99 - pair[0].0) / (pair[1].0 - pair[0].0);
                pair[0].1 * libm::pow(pair[1].1 / pair[0].1, part)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_quantiles_make_the_lognormal_that_has_them() {
        let Tokens::Lognormal { median, sigma } = TokensFile::default_prompt() else { panic!() };
        assert_eq!(median, 1_020.0);
        assert!((median * libm::exp(Z90 * sigma) - 2_734.0).abs() < 1e-6);
    }

    #[test]
    fn the_default_cap_is_twice_the_99th_percentile_at_most_4096() {
        let cap = |file: OutputFile| file.output(&At::top()).unwrap().1;
        assert_eq!(cap(OutputFile { constant: Some(Count(100)), ..OutputFile::default() }), 200);
        let wide = OutputFile {
            median: Some(Number(500.0)),
            sigma: Some(Number(2.0)),
            ..OutputFile::default()
        };
        assert_eq!(cap(wide), 4_096);
    }
}
