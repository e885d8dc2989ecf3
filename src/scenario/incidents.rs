//! `[incidents]`: random faults on top of the written ones.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::sim::fault::Incidents;

use super::at::At;
use super::error::Problem;
use super::unit::Number;

/// Faults drawn at random, as the public status pages of 2021–2025 have them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentsFile {
    /// Gaps and durations are divided by this, ≥ 1: 600 puts about a month into an hour. Default 1.
    compress: Option<Number>,
    /// Rate of incidents over the published one, 0 to 1,000. Default 1.
    rate: Option<Number>,
}

/// A month in under three seconds is no longer a sequence of incidents.
const COMPRESS_MAX: f64 = 1e6;
const RATE_MAX: f64 = 1e3;

impl IncidentsFile {
    pub(crate) fn incidents(&self) -> Result<Incidents, Problem> {
        let Self { compress, rate } = self;
        let at = At::top().key("incidents");
        let compress = compress.map_or(1.0, |number| number.0);
        if !(1.0..=COMPRESS_MAX).contains(&compress) {
            let message = format!("`incidents.compress` cannot be {compress}");
            return Err(Problem::new(at.key("compress"), message)
                .expected("expected a number from 1 to 1_000_000, such as 600"));
        }
        let rate = rate.map_or(1.0, |number| number.0);
        if !(0.0..=RATE_MAX).contains(&rate) {
            return Err(Problem::new(at.key("rate"), format!("`incidents.rate` cannot be {rate}"))
                .expected("expected a number from 0 to 1_000, such as 1"));
        }
        Ok(Incidents { compress, rate })
    }
}
