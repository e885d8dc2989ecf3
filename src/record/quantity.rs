//! A number as it is stored: one value of one run, or an estimate over replications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::Value;
use crate::stats;

/// One value: a number, `{"censored_at_s": …}` or `{"n_a": "reason"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Quantity {
    /// A number, rounded to 6 significant digits.
    Number(f64),
    /// A time that was not reached while we watched.
    Censored(Censored),
    /// No value, for a reason.
    NotApplicable(NotApplicable),
}

/// A time that was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Censored {
    /// How long we watched, in seconds from the metric's origin.
    pub censored_at_s: f64,
}

/// A metric without meaning here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotApplicable {
    /// Why.
    pub n_a: String,
}

/// One value of one run, or an estimate over replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Measured {
    /// Of one run, or of replications none of which has a number.
    One(Quantity),
    /// Over replications.
    Many(Spread),
}

/// An estimate over replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Mean. For times of which some were never reached: the mean of min(time, watch), the watch
    /// being the shortest of any replication.
    pub mean: f64,
    /// Median, a time never reached being later than all others.
    pub median: Quantity,
    /// Lower end of the 95 % interval of the mean (Student's t); absent below two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of the 95 % interval of the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Replications with a value, censored ones included.
    pub n: usize,
    /// Replications in which the metric has no meaning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub n_a: usize,
    /// Replications in which the time was not reached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub censored: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Rounds to 6 significant digits.
pub fn significant(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() || (value.fract() == 0.0 && value.abs() < 1e6) {
        return value;
    }
    format!("{value:.5e}").parse().expect("what was written as a number reads as one")
}

impl From<Value> for Quantity {
    fn from(value: Value) -> Self {
        match value {
            Value::Known(number) => Self::Number(significant(number)),
            Value::Censored { at_s } => {
                Self::Censored(Censored { censored_at_s: significant(at_s) })
            }
            Value::Undefined { reason } => {
                Self::NotApplicable(NotApplicable { n_a: reason.to_owned() })
            }
        }
    }
}

impl Measured {
    /// From the values of all replications, in their order; times are restricted to `tau` seconds.
    pub fn from_values(values: &[Value], tau: f64) -> Self {
        let Some(mean) = stats::restricted_mean(values, tau).filter(|_| values.len() > 1) else {
            let nothing = Value::Undefined { reason: "no replications" };
            return Self::One(values.first().copied().unwrap_or(nothing).into());
        };
        let censored = values.iter().filter(|value| matches!(value, Value::Censored { .. }));
        Self::Many(Spread {
            mean: significant(mean.point),
            median: stats::median_of(values, tau).into(),
            low: mean.interval.map(|interval| significant(interval.low)),
            high: mean.interval.map(|interval| significant(interval.high)),
            n: mean.n,
            n_a: values.len() - mean.n,
            censored: censored.count(),
        })
    }

    /// The number to show: of one run, or the mean; `None` where there is none, or the time was not
    /// reached in a single run.
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::One(Quantity::Number(number)) => Some(*number),
            Self::One(_) => None,
            Self::Many(spread) => Some(spread.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(measured: &Measured) -> String {
        serde_json::to_string(measured).unwrap()
    }

    #[test]
    fn one_run_is_a_bare_number_or_says_why_not() {
        let one = |value| json(&Measured::from_values(&[value], 60.0));
        assert_eq!(one(Value::Known(12.345_678_9)), "12.3457");
        assert_eq!(one(Value::Censored { at_s: 60.0 }), r#"{"censored_at_s":60.0}"#);
        assert_eq!(one(Value::Undefined { reason: "no traffic" }), r#"{"n_a":"no traffic"}"#);
    }

    #[test]
    fn replications_are_an_estimate_that_counts_what_is_missing() {
        let never = Value::Censored { at_s: 70.0 };
        let none = Value::Undefined { reason: "no traffic" };
        let values = [Value::Known(10.0), never, none, Value::Known(20.0), Value::Known(30.0)];
        let Measured::Many(spread) = Measured::from_values(&values, 60.0) else { panic!("one") };
        assert_eq!((spread.mean, spread.n, spread.n_a, spread.censored), (30.0, 4, 1, 1));
        assert_eq!(spread.median, Quantity::Number(25.0));
        assert!(spread.low.unwrap() < 30.0 && spread.high.unwrap() > 30.0);
        assert_eq!(json(&Measured::from_values(&[none, none], 60.0)), r#"{"n_a":"no traffic"}"#);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["1.5", r#"{"censored_at_s":60.0}"#, r#"{"n_a":"why"}"#] {
            let read: Measured = serde_json::from_str(text).unwrap();
            assert_eq!(json(&read), text);
        }
        let spread = r#"{"mean":1.0,"median":1.0,"low":0.5,"high":1.5,"n":9,"censored":2}"#;
        assert_eq!(json(&serde_json::from_str(spread).unwrap()), spread);
    }

    #[test]
    fn numbers_keep_six_digits() {
        assert_eq!(significant(1.0 / 3.0), 0.333_333);
        assert_eq!(significant(123_456_789.0), 123_457_000.0);
        assert_eq!(significant(240.0), 240.0);
        assert_eq!(significant(-0.000_012_345_678), -0.000_012_345_7);
    }
}
