//! The recommended candidate against the start, on common random numbers.

use crate::metrics::Metric;
use crate::metrics::metric::Direction;
use crate::record::significant;
use crate::record::tuning::{Gain, Proof, Verdict};
use crate::stats;

use super::front::{Row, number};

/// Rows of the start and of the candidate on one course, in the order of its runs.
pub(super) struct Pairs<'a> {
    pub(super) start: &'a [Row],
    pub(super) candidate: &'a [Row],
    /// Scenarios of the course: runs are numbered replication by replication.
    pub(super) scenarios: usize,
}

/// One objective, searched and held out.
pub(super) fn proof(
    metric: &Metric,
    objective: usize,
    search: &Pairs<'_>,
    held_out: &Pairs<'_>,
) -> Proof {
    let (search, held_out) = (gain(metric, objective, search), gain(metric, objective, held_out));
    let ratio = match (search.difference, held_out.difference) {
        (Some(search), Some(held_out)) if held_out != 0.0 => Some(significant(search / held_out)),
        _ => None,
    };
    let verdict = verdict(metric, &held_out);
    Proof {
        objective: metric.id.to_owned(),
        search,
        held_out,
        search_over_held_out: ratio,
        verdict,
    }
}

fn gain(metric: &Metric, objective: usize, pairs: &Pairs<'_>) -> Gain {
    // `number` has less as better; the record has the metric as it is.
    let sign = if metric.better == Direction::Higher { -1.0 } else { 1.0 };
    let numbers = |rows: &[Row]| -> Vec<Option<f64>> {
        rows.iter().map(|row| number(metric, row[objective]).map(|n| n * sign)).collect()
    };
    let (start, candidate) = (numbers(pairs.start), numbers(pairs.candidate));
    let both: Vec<Option<(f64, f64)>> =
        start.iter().zip(&candidate).map(|(start, other)| Some(((*start)?, (*other)?))).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| {
        let numbers: Vec<f64> = both.iter().flatten().map(of).collect();
        stats::mean(&numbers).map(|mean| significant(mean.point))
    };
    // A replication's mean over scenarios is one independent difference.
    let by_replication: Vec<f64> = both
        .chunks(pairs.scenarios.max(1))
        .filter_map(|runs| {
            let differences: Vec<f64> = runs.iter().flatten().map(|(a, b)| b - a).collect();
            stats::mean(&differences).map(|mean| mean.point)
        })
        .collect();
    let difference = stats::mean(&by_replication);
    let interval = difference.and_then(|difference| difference.interval);
    Gain {
        start: mean(|pair| pair.0),
        candidate: mean(|pair| pair.1),
        difference: difference.map(|difference| significant(difference.point)),
        low: interval.map(|interval| significant(interval.low)),
        high: interval.map(|interval| significant(interval.high)),
        pairs: both.iter().flatten().count() as u32,
    }
}

fn verdict(metric: &Metric, gain: &Gain) -> Verdict {
    let (Some(low), Some(high)) = (gain.low, gain.high) else { return Verdict::Unknown };
    let (good, bad) = match metric.better {
        Direction::Higher => (low > 0.0, high < 0.0),
        Direction::Lower | Direction::Neither => (high < 0.0, low > 0.0),
    };
    match (good, bad) {
        _ if low == 0.0 && high == 0.0 => Verdict::Same,
        (true, _) => Verdict::Better,
        (_, true) => Verdict::Worse,
        _ => Verdict::Undecided,
    }
}
