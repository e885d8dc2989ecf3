//! `client`: what a client expects of an answer, and what it does by itself.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::spec::Client;

use super::at::At;
use super::error::Problem;
use super::unit::{Count, Length};

/// What the client expects and does by itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientFile {
    /// An answer is good within this and `per_output_token` of its arrival. Default "10s".
    deadline: Option<Length>,
    /// Added to the deadline for each output token. Default "40ms", reading speed times five.
    per_output_token: Option<Length>,
    /// The client hangs up this long after it asked. Default: never.
    gives_up: Option<Length>,
    /// How often the client's SDK asks again after a failure, 0 to 20. Default 0, so that what is
    /// measured is the gateway's own doing; the SDKs of OpenAI and Anthropic ask twice more.
    sdk_retries: Option<Count>,
    /// First wait of the SDK, doubled each time. Default "500ms", as in those SDKs.
    sdk_backoff: Option<Length>,
}

const DEADLINE: Span = Span::from_secs(10);
const PER_OUTPUT_TOKEN: Span = Span::from_millis(40);
const SDK_BACKOFF: Span = Span::from_millis(500);
const SDK_RETRIES_MAX: u64 = 20;

impl ClientFile {
    /// What this says, and what `base` says where this is silent.
    pub(crate) fn over(self, base: &Self) -> Self {
        let Self { deadline, per_output_token, gives_up, sdk_retries, sdk_backoff } = self;
        Self {
            deadline: deadline.or(base.deadline),
            per_output_token: per_output_token.or(base.per_output_token),
            gives_up: gives_up.or(base.gives_up),
            sdk_retries: sdk_retries.or(base.sdk_retries),
            sdk_backoff: sdk_backoff.or(base.sdk_backoff),
        }
    }

    pub(crate) fn client(&self, at: &At) -> Result<Client, Problem> {
        let Self { deadline, per_output_token, gives_up, sdk_retries, sdk_backoff } = self;
        let span = |length: &Option<Length>, default| length.map_or(default, |length| length.0);
        let deadline = span(deadline, DEADLINE);
        if deadline == Span::ZERO {
            return Err(Problem::new(at.key("deadline"), format!("`{at}.deadline` cannot be 0s"))
                .expected("no answer could be good; expected such as \"10s\""));
        }
        if gives_up.is_some_and(|length| length.0 == Span::ZERO) {
            return Err(Problem::new(at.key("gives_up"), format!("`{at}.gives_up` cannot be 0s"))
                .expected("nobody would wait for an answer; expected such as \"60s\""));
        }
        let retries = sdk_retries.map_or(0, |count| count.0);
        let sdk_retries = u32::try_from(retries)
            .ok()
            .filter(|_| retries <= SDK_RETRIES_MAX)
            .ok_or_else(|| {
                let message = format!("`{at}.sdk_retries` cannot be {retries}");
                Problem::new(at.key("sdk_retries"), message)
                    .expected("expected a whole number from 0 to 20, such as 2")
            })?;
        Ok(Client {
            deadline,
            per_output_token: span(per_output_token, PER_OUTPUT_TOKEN),
            gives_up: gives_up.map(|length| length.0),
            sdk_retries,
            sdk_backoff: span(sdk_backoff, SDK_BACKOFF),
        })
    }
}
