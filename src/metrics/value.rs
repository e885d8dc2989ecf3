//! A measured value: known, never reached while we watched, or without meaning for this run.
//!
//! The three are kept apart everywhere: neither a censored nor an undefined value is ever dropped
//! or counted as zero.

/// One value of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Measured, in the metric's unit.
    Known(f64),
    /// Not reached while we watched: the true value is greater.
    Censored {
        /// How long we watched, in seconds from the metric's origin (≥ 0).
        at_s: f64,
    },
    /// The metric has no meaning here.
    Undefined {
        /// Why, as a fragment: `no traffic`.
        reason: &'static str,
    },
}

impl Value {
    /// `part / whole`, undefined for `reason` where the whole is zero.
    pub fn ratio(part: u64, whole: u64, reason: &'static str) -> Self {
        if whole == 0 {
            Self::Undefined { reason }
        } else {
            Self::Known(part as f64 / whole as f64)
        }
    }

    /// The number, where there is one.
    pub const fn known(self) -> Option<f64> {
        match self {
            Self::Known(value) => Some(value),
            Self::Censored { .. } | Self::Undefined { .. } => None,
        }
    }

    /// For order statistics: a value never reached is later than any that was; `None` if undefined.
    pub const fn ordered(self) -> Option<f64> {
        match self {
            Self::Known(value) => Some(value),
            Self::Censored { .. } => Some(f64::INFINITY),
            Self::Undefined { .. } => None,
        }
    }
}
