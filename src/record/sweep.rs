//! `sweep.json`: how the metrics answer to what was varied.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::MetricFacts;
use super::quantity::{Measured, Quantity, significant};
use super::run_row::{RunRow, field};
use crate::metrics::Value;
use crate::stats::Estimate;

/// Version of the format. It grows when a field changes its meaning or goes.
pub const SWEEP_VERSION: u32 = 1;

/// A sweep over the axes of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Version of this format.
    pub schema_version: u32,
    /// Version of windtunnel that wrote it.
    pub tool_version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the first replication.
    pub seed: u64,
    /// Replications of each point, all points on the same random numbers.
    pub replications: u32,
    /// `grid`, `random`, `sobol`, `saltelli` or `morris`.
    pub design: String,
    /// Digest of the events of all runs, in hexadecimal.
    pub digest: String,
    /// What to beware of in these numbers.
    pub warnings: Vec<String>,
    /// What was varied.
    pub axes: Vec<AxisFacts>,
    /// What was measured: name, unit, and which way is better.
    pub metrics: Vec<MetricFacts>,
    /// Where.
    pub points: Vec<PointFacts>,
    /// Each metric along each axis, all others averaged out.
    pub responses: Vec<Response>,
    /// Each metric over pairs of axes, all others averaged out; of grids.
    pub surfaces: Vec<Surface>,
    /// How much of each metric each axis decides.
    pub sensitivity: Vec<Sensitivity>,
    /// Where users stop recovering, if it was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Boundary>,
}

/// What was varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AxisFacts {
    /// The key of the scenario.
    pub path: String,
    /// What stands behind its numbers; absent where its values are words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether its values are spread by ratio.
    pub log: bool,
}

/// A point, and what was measured there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointFacts {
    /// A value of each axis, as a scenario writes it.
    pub at: Vec<String>,
    /// Digest of the events of its runs.
    pub digest: String,
    /// Over its replications, by metric.
    pub metrics: BTreeMap<String, Measured>,
}

/// A metric along an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// Metric.
    pub metric: String,
    /// Axis, by its place.
    pub axis: usize,
    /// Along it.
    pub points: Vec<ResponsePoint>,
}

/// A metric at a value of an axis, or in a part of its range where points were drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponsePoint {
    /// The value; the middle of the part.
    pub at: String,
    /// The number in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<f64>,
    /// Mean over replications and all other axes; absent where the metric has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Lower end of its 95 % interval; absent below two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// A metric over two axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Metric.
    pub metric: String,
    /// Axis to the right, by its place.
    pub x: usize,
    /// Axis upwards.
    pub y: usize,
    /// Values to the right.
    pub columns: Vec<String>,
    /// Values upwards.
    pub rows: Vec<String>,
    /// Row by row from the lowest: the mean, null where the metric has no value.
    pub cells: Vec<Vec<Option<f64>>>,
}

/// How much of a metric each axis decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sensitivity {
    /// Metric.
    pub metric: String,
    /// `variance` (shares of the variance over a grid), `sobol` (Sobol' indices), `morris` (elementary effects
    /// over the whole range, in the metric's unit) or `rank` (Spearman's rank correlation).
    pub method: String,
    /// Axes, the most important first.
    pub ranks: Vec<Rank>,
}

/// What one axis decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rank {
    /// Axis, by its place.
    pub axis: usize,
    /// By itself: its first-order index; for `morris` the mean of the effects, with its sign; for `rank` the
    /// correlation.
    pub first: f64,
    /// With its interactions: its total index; for `morris` the mean of the absolute effects; for `rank` the
    /// absolute correlation. The ranking is by this.
    pub total: f64,
    /// Lower end of the 95 % interval of `total`, where it is an estimate that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
}

/// Where along an axis users stop recovering in at least half of the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Boundary {
    /// Axis, by its place.
    pub axis: usize,
    /// One for each combination of the other axes.
    pub edges: Vec<Edge>,
}

/// The boundary for one combination of the other axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Values of the other axes, in their order.
    pub at: Vec<String>,
    /// Greatest value at which users recover in most runs; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovers: Option<EdgePoint>,
    /// Least value above it at which they do not; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<EdgePoint>,
}

/// A point beside a boundary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgePoint {
    /// Value of the axis.
    pub at: String,
    /// The number in it.
    pub number: f64,
    /// Share of runs in which users did not recover.
    pub not_recovered: f64,
    /// Lower end of its 95 % interval (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Sweep {
    /// The JSON Schema of this format.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
        text.push('\n');
        text
    }
}

impl EdgePoint {
    /// From the share of runs.
    pub fn new(at: &str, number: f64, share: &Estimate) -> Self {
        let interval = share.interval.expect("Wilson's interval exists for any number of trials");
        Self {
            at: at.to_owned(),
            number: significant(number),
            not_recovered: significant(share.point),
            low: significant(interval.low),
            high: significant(interval.high),
        }
    }
}

/// Whose run a line of [`runs_csv`] is.
#[derive(Clone, Debug)]
pub struct RunName<'a> {
    /// Point, from 0.
    pub point: usize,
    /// A value of each axis.
    pub at: Vec<&'a str>,
    /// `own`, or `oracle`.
    pub policy: &'static str,
    /// From 0.
    pub replication: u32,
}

/// `runs.csv`: one line a run. A metric that may not be reached has a second column: 1 where its number is only
/// how long was watched. Empty where there is no value.
pub fn runs_csv<'a>(
    axes: &[&str],
    metrics: &[(&str, bool)],
    rows: impl Iterator<Item = (RunName<'a>, &'a RunRow)>,
) -> Vec<u8> {
    let mut text = String::from("point");
    for axis in axes {
        text.push_str(&format!(",{}", field(axis)));
    }
    text.push_str(",side,replication,digest,onset_s,offered,good");
    for (metric, is_time) in metrics {
        text.push_str(&format!(",{metric}"));
        if *is_time {
            text.push_str(&format!(",{metric}_censored"));
        }
    }
    text.push('\n');
    for (name, row) in rows {
        text.push_str(&name.point.to_string());
        for at in name.at {
            text.push_str(&format!(",{}", field(at)));
        }
        let RunRow { digest, onset_s, offered, good, .. } = row;
        text.push_str(&format!(
            ",{},{},{digest:016x},{onset_s},{offered},{good}",
            name.policy, name.replication
        ));
        for (value, (_, is_time)) in row.values.iter().zip(metrics) {
            let (number, censored) = match value {
                Value::Known(number) => (number.to_string(), "0"),
                Value::Censored { at_s } => (at_s.to_string(), "1"),
                Value::Undefined { .. } => (String::new(), ""),
            };
            text.push_str(&format!(",{number}"));
            if *is_time {
                text.push_str(&format!(",{censored}"));
            }
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// The number of a measured value for pictures: the mean, or the watch where a single time was not reached.
pub fn shown(measured: &Measured) -> Option<f64> {
    match measured {
        Measured::One(Quantity::Censored(at)) => Some(at.censored_at_s),
        other => other.number(),
    }
}
