//! `[[fault]]` as it is typed: the keys of all kinds side by side; which kind takes which is
//! checked later, because then the message can say so.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::one_or_more::OneOrMore;
use super::super::unit::{Count, Length, Number, Share};
use super::FAULTS;
use super::error::ErrorFile;
use super::selector::On;
use super::shape::ShapeFile;
use super::start::StartFile;

/// Something that goes wrong.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultFile {
    /// What goes wrong; `windtunnel list faults` has the catalogue.
    #[schemars(extend("enum" = kind_names()))]
    pub(super) kind: String,
    /// Name in reports, unique. Default: the kind.
    pub(super) name: Option<String>,
    /// Where: "azure", "azure/key-2", "azure:chat", "bedrock@us-east-1", "*", or a list of these.
    pub(super) on: On,
    /// When: "90s", or { at = "90s", phase = "random" }.
    pub(super) start: StartFile,
    /// How long. Default "60s".
    pub(super) lasts: Option<Length>,
    /// How it comes and goes. Default: at once, unless the kind has a shape of its own.
    pub(super) shape: Option<ShapeFile>,
    /// What becomes of attempts under way when it begins. Default "finish".
    pub(super) in_flight: Option<InFlightFile>,
    /// Regions of `gateway.nodes` from which it is seen: "eu-west", or a list. Default: from everywhere.
    pub(super) seen_from: Option<OneOrMore>,
    /// How attempts fail (kinds of errors).
    pub(super) error: Option<ErrorFile>,
    /// Share of the failures that never answer instead (error-burst).
    pub(super) timeouts: Option<Share>,
    /// Share of attempts concerned (stall, overload, midstream).
    pub(super) rate: Option<Share>,
    /// Extra wait before the first token (stall).
    pub(super) extra: Option<Length>,
    /// Share of stalled requests that the client cancels (stall).
    pub(super) cancelled: Option<Share>,
    /// Factor on the time to first token (brown-out).
    pub(super) ttft: Option<Number>,
    /// Factor on the time per output token (brown-out).
    pub(super) decode: Option<Number>,
    /// What is left of the limits (limit-cut).
    pub(super) factor: Option<Share>,
    /// Growth that is refused, over the mean of 15 minutes (acceleration).
    pub(super) above: Option<Number>,
    /// Share of refusals that are 429s (overload).
    pub(super) limited: Option<Share>,
    /// Share of attempts that always fail (regional).
    pub(super) floor: Option<Share>,
    /// Median time to first token of a cold request (cold-start).
    pub(super) median: Option<Length>,
    /// Standard deviation of its logarithm (cold-start).
    pub(super) sigma: Option<Number>,
    /// How many requests are cold (cold-start).
    pub(super) requests: Option<Count>,
    /// After so long without requests (cold-start).
    pub(super) idle: Option<Length>,
    /// Demand over the limits (tpm-wall).
    pub(super) demand: Option<Share>,
    /// What the other providers can carry, over their fair share (cascade).
    pub(super) headroom: Option<Share>,
    /// Length of the fall (slow-recovery).
    pub(super) tail: Option<Length>,
}

/// What becomes of attempts under way when a fault begins.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum InFlightFile {
    /// They end as they would have.
    Finish,
    /// They break at that moment.
    Cut,
}

fn kind_names() -> Vec<&'static str> {
    FAULTS.iter().map(|kind| kind.name).collect()
}

impl FaultFile {
    /// Keys given that belong to particular kinds.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let Self {
            kind: _,
            name: _,
            on: _,
            start: _,
            lasts: _,
            shape: _,
            in_flight: _,
            seen_from: _,
            error,
            timeouts,
            rate,
            extra,
            cancelled,
            ttft,
            decode,
            factor,
            above,
            limited,
            floor,
            median,
            sigma,
            requests,
            idle,
            demand,
            headroom,
            tail,
        } = self;
        let keys = [
            ("error", error.is_some()),
            ("timeouts", timeouts.is_some()),
            ("rate", rate.is_some()),
            ("extra", extra.is_some()),
            ("cancelled", cancelled.is_some()),
            ("ttft", ttft.is_some()),
            ("decode", decode.is_some()),
            ("factor", factor.is_some()),
            ("above", above.is_some()),
            ("limited", limited.is_some()),
            ("floor", floor.is_some()),
            ("median", median.is_some()),
            ("sigma", sigma.is_some()),
            ("requests", requests.is_some()),
            ("idle", idle.is_some()),
            ("demand", demand.is_some()),
            ("headroom", headroom.is_some()),
            ("tail", tail.is_some()),
        ];
        keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }
}
