//! One metric of one run, whatever it takes: some need the oracle's run beside it.

use crate::metrics::metric::{Direction, Measure};
use crate::metrics::{Metric, Tape, Value};
use crate::policy::Pool;

/// Whether a metric needs the oracle's run.
pub(super) const fn needs_oracle(metric: &Metric) -> bool {
    matches!(metric.measure, Measure::Against(_))
}

/// The metric of a run; of metrics of faults, that of the fault which the policy took worst.
pub(super) fn measured(metric: &Metric, tape: &Tape, oracle: Option<&Tape>, pool: &Pool) -> Value {
    match metric.measure {
        Measure::Against(of) => oracle
            .map_or(Value::Undefined { reason: "no run of the oracle" }, |best| of(tape, best)),
        Measure::Run(_) | Measure::Pooled(_) | Measure::Fault(_) | Measure::Time { .. } => {
            worst(metric, &metric.values(tape, pool))
        }
    }
}

/// The worst of the values of one run.
pub(super) fn worst(metric: &Metric, values: &[Value]) -> Value {
    let nothing = Value::Undefined { reason: "no fault" };
    let rank = |value: &Value| value.ordered().unwrap_or(f64::NEG_INFINITY);
    let defined = values.iter().filter(|value| value.ordered().is_some());
    let picked = match metric.better {
        Direction::Higher => defined.min_by(|a, b| rank(a).total_cmp(&rank(b))),
        Direction::Lower | Direction::Neither => defined.max_by(|a, b| rank(a).total_cmp(&rank(b))),
    };
    picked.or(values.first()).copied().unwrap_or(nothing)
}
