//! `arrivals`: how requests are spaced around their rate.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::spec::Gaps;

use super::at::At;
use super::error::Problem;
use super::unit::{Length, Number};

/// How requests are spaced.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArrivalsFile {
    /// Which process.
    kind: Process,
    /// Standard deviation of the gaps over their mean (gamma, weibull): 1 is Poisson, 2 is bursty,
    /// above 0 and at most 100.
    cv: Option<Number>,
    /// Mean length of a burst (on-off).
    on: Option<Length>,
    /// Mean length of a pause (on-off).
    off: Option<Length>,
}

/// A process of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Process {
    /// Independent clients.
    Poisson,
    /// Bursty, the best fit for most clients of production traces (ServeGen, 2025).
    Gamma,
    /// Bursty with a heavier tail.
    Weibull,
    /// Bursts and pauses.
    OnOff,
    /// Evenly spaced.
    Even,
}

/// Burstier than any client of the public traces (Azure code 2023: 13.2; ServeGen p90: 27).
const CV_MAX: f64 = 100.0;

impl ArrivalsFile {
    /// The gaps that this says.
    pub(crate) fn gaps(&self, at: &At) -> Result<Gaps, Problem> {
        let Self { kind, cv, on, off } = self;
        let word = match kind {
            Process::Poisson => "poisson",
            Process::Gamma => "gamma",
            Process::Weibull => "weibull",
            Process::OnOff => "on-off",
            Process::Even => "even",
        };
        let given = [("cv", cv.is_some()), ("on", on.is_some()), ("off", off.is_some())];
        let wanted: &[&str] = match kind {
            Process::Gamma | Process::Weibull => &["cv"],
            Process::OnOff => &["on", "off"],
            Process::Poisson | Process::Even => &[],
        };
        for (key, is_given) in given {
            if is_given && !wanted.contains(&key) {
                let message = format!("`{at}`: {word} arrivals have no `{key}`");
                return Err(Problem::new(at.key(key), message).expected("not a key of this kind"));
            }
            if !is_given && wanted.contains(&key) {
                return Err(Problem::new(at.clone(), format!("`{at}`: `{key}` is missing"))
                    .expected(format!("{word} arrivals need `{key}`"))
                    .help(
                        "{ kind = \"gamma\", cv = 2 } or { kind = \"on-off\", on = \"5s\", off \
                        = \"20s\" }",
                    ));
            }
        }
        Ok(match kind {
            Process::Poisson => Gaps::Poisson,
            Process::Even => Gaps::Even,
            Process::Gamma => Gaps::Gamma { cv: spread(*cv, at)? },
            Process::Weibull => Gaps::Weibull { cv: spread(*cv, at)? },
            Process::OnOff => Gaps::OnOff { on: mean(*on, at, "on")?, off: mean(*off, at, "off")? },
        })
    }
}

fn spread(cv: Option<Number>, at: &At) -> Result<f64, Problem> {
    let cv = cv.map_or(0.0, |number| number.0);
    if cv > 0.0 && cv <= CV_MAX {
        return Ok(cv);
    }
    Err(Problem::new(at.key("cv"), format!("`{at}.cv` cannot be {cv}"))
        .expected("expected a number above 0, at most 100, such as 2"))
}

fn mean(length: Option<Length>, at: &At, key: &str) -> Result<Span, Problem> {
    let span = length.map_or(Span::ZERO, |length| length.0);
    if span >= Span::from_millis(1) {
        return Ok(span);
    }
    Err(Problem::new(at.key(key), format!("`{at}.{key}` cannot be {span}"))
        .expected("expected at least a millisecond, such as \"5s\""))
}
