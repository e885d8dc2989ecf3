//! `[[expect]]`: what must hold after a run. Read and checked for form here; measured elsewhere.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;
use super::error::Problem;
use super::unit::{Length, Share, Written, written};

/// What must hold of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// Name of the metric.
    pub metric: String,
    /// The fault that it is measured on, where the metric belongs to one.
    pub fault: Option<String>,
    /// Which summary over replications.
    pub stat: Stat,
    /// Least value that is fine, in seconds, shares or plain numbers as the metric has it.
    pub min: Option<f64>,
    /// Greatest value that is fine.
    pub max: Option<f64>,
}

/// A summary over replications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stat {
    /// Arithmetic mean.
    Mean,
    /// Least.
    Min,
    /// Median.
    P50,
    /// 90 % are at most this.
    P90,
    /// 95 % are at most this.
    P95,
    /// 99 % are at most this.
    P99,
    /// Greatest.
    Max,
}

/// What must hold afterwards.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectFile {
    /// Name of the metric, such as "time_to_recover_user".
    metric: String,
    /// Name of the fault it is measured on; may be left out where there is one fault.
    fault: Option<String>,
    /// Summary over replications. Default "p95".
    stat: Option<Stat>,
    /// Least value that is fine.
    min: Option<Bound>,
    /// Greatest value that is fine.
    max: Option<Bound>,
}

/// A bound in the unit of its metric: "12s", "99%", 3.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound(f64);

impl Written for Bound {
    const EXPECTED: &'static str = "a bound such as \"12s\", \"99%\" or 3";

    fn from_text(text: &str) -> Option<Self> {
        let length = Length::from_text(text).map(|length| length.0.as_secs_f64());
        length.or_else(|| Share::from_text(text).map(|share| share.0)).map(Self)
    }

    fn from_whole(whole: i64) -> Option<Self> {
        Some(Self(whole as f64))
    }

    fn from_number(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(number))
    }
}

written!(Bound, {
    "description": "A bound in the unit of its metric: \"12s\", \"99%\" or 3.",
    "type": ["string", "number"],
});

/// Checks all expectations of a file against the names of the faults.
pub(crate) fn expects(files: &[ExpectFile], faults: &[&str]) -> Result<Vec<Expect>, Problem> {
    files.iter().enumerate().map(|(index, file)| file.expect(index, faults)).collect()
}

impl Stat {
    /// Its word in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Max => "max",
        }
    }
}

impl ExpectFile {
    /// Checks the `index`-th expectation against the names of the faults.
    fn expect(&self, index: usize, faults: &[&str]) -> Result<Expect, Problem> {
        let Self { metric, fault, stat, min, max } = self;
        let at = At::top().key("expect").item(index);
        let bounds = [min.map(|bound| bound.0), max.map(|bound| bound.0)];
        match bounds {
            [None, None] => {
                return Err(Problem::new(at, format!("`expect.{index}` expects nothing"))
                    .expected("expected `min`, `max` or both")
                    .help("for example max = \"12s\""));
            }
            [Some(min), Some(max)] if min > max => {
                let message = format!("nothing is at least {min} and at most {max}");
                return Err(Problem::new(at.key("min"), message).expected("greater than `max`"));
            }
            _ => {}
        }
        if let Some(name) = fault.as_deref().filter(|name| !faults.contains(name)) {
            return Err(Problem::new(at.key("fault"), format!("there is no fault `{name}`"))
                .expected("expected the name of a fault of this scenario")
                .help(super::suggest::help(name, faults)));
        }
        if !is_word(metric) {
            return Err(Problem::new(at.key("metric"), format!("`{metric}` names no metric"))
                .expected("expected a name such as \"time_to_recover_user\""));
        }
        let [min, max] = bounds;
        let stat = stat.unwrap_or(Stat::P95);
        Ok(Expect { metric: metric.clone(), fault: fault.clone(), stat, min, max })
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
