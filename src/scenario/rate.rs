//! `rate`: how the rate of requests changes over time, as multiples of `rps`.

use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::spec::Rate;

use super::at::At;
use super::error::Problem;
use super::unit::{Length, Share};

/// How the rate changes; exactly one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateFile {
    /// From each time on, this multiple of rps: [["0s", "100%"], ["90s", "150%"]].
    steps: Option<Vec<(Length, Share)>>,
    /// Straight lines between these points: [["60s", "50%"], ["180s", "150%"]].
    ramps: Option<Vec<(Length, Share)>>,
    /// A wave, as days have.
    diurnal: Option<DiurnalFile>,
}

/// A wave with its trough at time zero.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DiurnalFile {
    /// Rate in the trough.
    low: Share,
    /// Rate at the peak.
    high: Share,
    /// From trough to trough. Default "24h".
    period: Option<Length>,
}

/// A straight line for each half hour of a day keeps within 0.3 % of the cosine.
const LINES_PER_PERIOD: u64 = 48;
/// More periods than this in a run would be noise, not days.
const PERIODS_MAX: u64 = 1_000;
/// A thousandfold rate is a slip.
const MULTIPLE_MAX: f64 = 1_000.0;

impl RateFile {
    /// The curve of multiples; times the rps it is a rate.
    pub(crate) fn curve(&self, rps: f64, horizon: Span, at: &At) -> Result<Rate, Problem> {
        let Self { steps, ramps, diurnal } = self;
        let knots = match (steps, ramps, diurnal) {
            (Some(points), None, None) => stairs(&checked(points, &at.key("steps"))?),
            (None, Some(points), None) => checked(points, &at.key("ramps"))?,
            (None, None, Some(wave)) => wave.knots(horizon, &at.key("diurnal"))?,
            _ => {
                return Err(Problem::new(at.clone(), format!("`{at}` needs exactly one curve"))
                    .expected("expected one of `steps`, `ramps`, `diurnal`")
                    .help(
                        "for example rate = { ramps = [[\"60s\", \"50%\"], [\"180s\", \"150%\"]] }",
                    ));
            }
        };
        if knots.iter().all(|(_, multiple)| *multiple == 0.0) {
            return Err(Problem::new(at.clone(), format!("`{at}` is zero all the time"))
                .expected("nobody would ask anything"));
        }
        Ok(Rate(knots.into_iter().map(|(time, multiple)| (time, rps * multiple)).collect()))
    }
}

fn checked(points: &[(Length, Share)], at: &At) -> Result<Vec<(Span, f64)>, Problem> {
    if points.is_empty() {
        return Err(Problem::new(at.clone(), format!("`{at}` is empty"))
            .expected("expected points such as [[\"60s\", \"150%\"]]"));
    }
    let mut last = Span::ZERO;
    for (index, (time, multiple)) in points.iter().enumerate() {
        let here = at.item(index);
        if time.0 < last {
            return Err(Problem::new(
                here.item(0),
                format!("`{at}`: {} comes after {last}", time.0),
            )
            .expected("expected times in ascending order"));
        }
        if multiple.0 > MULTIPLE_MAX {
            return Err(Problem::new(here.item(1), format!("`{at}`: {} times rps", multiple.0))
                .expected("expected a multiple of rps up to 100_000%, such as \"150%\""));
        }
        last = time.0;
    }
    Ok(points.iter().map(|(time, multiple)| (time.0, multiple.0)).collect())
}

/// Two knots at one time make a step; before the first step the rate is rps itself.
fn stairs(points: &[(Span, f64)]) -> Vec<(Span, f64)> {
    let mut level = 1.0;
    let mut knots = Vec::with_capacity(points.len() * 2);
    for (time, multiple) in points {
        if *time > Span::ZERO {
            knots.push((*time, level));
        }
        knots.push((*time, *multiple));
        level = *multiple;
    }
    knots
}

impl DiurnalFile {
    fn knots(&self, horizon: Span, at: &At) -> Result<Vec<(Span, f64)>, Problem> {
        let Self { low, high, period } = self;
        let period = period.map_or(Span::from_secs(86_400), |length| length.0);
        if low.0 > high.0 || high.0 > MULTIPLE_MAX {
            return Err(Problem::new(
                at.key("low"),
                format!("`{at}`: from {} to {}", low.0, high.0),
            )
            .expected("expected `low` at most `high`, such as \"40%\" and \"160%\""));
        }
        if period < Span::from_secs(1) || horizon.0 / period.0 >= PERIODS_MAX {
            return Err(Problem::new(
                at.key("period"),
                format!("`{at}.period` cannot be {period}"),
            )
            .expected("expected at least a second and a thousandth of the run, such as \"24h\""));
        }
        let lines = horizon.0.div_ceil(period.0 / LINES_PER_PERIOD);
        let knot = |index| {
            let phase = (index % LINES_PER_PERIOD) as f64 / LINES_PER_PERIOD as f64;
            let height = 0.5 - 0.5 * libm::cos(TAU * phase);
            (Span(period.0 / LINES_PER_PERIOD * index), low.0 + (high.0 - low.0) * height)
        };
        Ok((0..=lines).map(knot).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_two_knots_at_one_time() {
        let stairs = stairs(&[(Span::from_secs(60), 1.5), (Span::from_secs(90), 0.5)]);
        let at = Span::from_secs;
        assert_eq!(stairs, [(at(60), 1.0), (at(60), 1.5), (at(90), 1.5), (at(90), 0.5)]);
    }

    #[test]
    fn a_day_has_its_trough_at_zero_and_its_peak_at_noon() {
        let wave = DiurnalFile { low: Share(0.4), high: Share(1.6), period: None };
        let knots = wave.knots(Span::from_secs(86_400), &At::top()).unwrap();
        assert_eq!(knots.len(), 49);
        assert!((knots[0].1 - 0.4).abs() < 1e-12);
        assert!((knots[24].1 - 1.6).abs() < 1e-12);
        assert_eq!(knots[24].0, Span::from_secs(43_200));
    }
}
