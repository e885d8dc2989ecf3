//! From the runs of a sweep to what is stored: points, responses, surfaces, sensitivity.

use std::collections::BTreeMap;

use crate::engine::luck::mix;
use crate::metrics::{Metric, Value, catalog};
use crate::record::comparison::MetricFacts;
use crate::record::journal::UnitId;
use crate::record::run_row::RunRow;
use crate::record::sweep::{
    AxisFacts, Boundary, PointFacts, Response, ResponsePoint, SWEEP_VERSION, Sensitivity, Surface,
    Sweep,
};
use crate::record::{Measured, Warning, significant};
use crate::stats::{Estimate, mean, wilson};

use super::axis::{Level, Values};
use super::boundary::{NOT_RECOVERED, has_stuck, not_recovered};
use super::design::Design;
use super::plan::SweepPlan;
use super::sensitivity::ranks;

/// Parts of an axis whose points were drawn.
const PARTS: usize = 8;
/// Axes of which pairs are shown as surfaces; more pairs are nobody's picture.
const SURFACE_AXES: usize = 4;

/// Something that was measured: `values[point][replication]`.
struct Sample {
    facts: MetricFacts,
    values: Vec<Vec<Value>>,
    /// The shortest watch of any run: times are comparable up to there only.
    tau: f64,
}

/// Sums up all runs of a plan; `rows` has them all.
pub fn summary(
    plan: &SweepPlan,
    rows: &BTreeMap<UnitId, RunRow>,
    boundary: Option<Boundary>,
) -> Sweep {
    let samples = samples(plan, rows);
    let designed = plan.designed();
    let mut warnings = Vec::new();
    match plan.replications {
        1 => warnings.push(Warning::OneReplication.to_string()),
        n @ 2..10 => {
            warnings.push(Warning::FewReplications { replications: n as usize }.to_string());
        }
        _ => {}
    }
    let digest = |ids: &[UnitId]| ids.iter().fold(0, |digest, id| mix(digest, rows[id].digest));
    let points = (0..plan.points.len()).map(|point| PointFacts {
        at: plan.points[point].iter().map(|level| level.text.clone()).collect(),
        digest: format!("{:016x}", digest(plan.ids_of(point, 0))),
        metrics: samples
            .iter()
            .map(|sample| (sample.facts.id.clone(), sample.measured(point)))
            .collect(),
    });
    let all = (0..plan.points.len()).fold(0, |all, point| mix(all, digest(plan.ids_of(point, 0))));
    let axes = plan.axes.iter().map(|axis| AxisFacts {
        path: axis.path.clone(),
        unit: axis.unit(),
        log: matches!(&axis.values, Values::Range(range) if range.log),
    });
    let axes_len = plan.axes.len();
    let responses = samples.iter().flat_map(|sample| {
        (0..axes_len).map(move |axis| Response {
            metric: sample.facts.id.clone(),
            axis,
            points: sample.response(plan, axis),
        })
    });
    let sensitivity = samples.iter().filter_map(|sample| {
        let y: Vec<Option<f64>> = (0..designed).map(|point| sample.mean(point)).collect();
        let (method, ranks) = ranks(plan.design, &plan.points[..designed], &y);
        let metric = sample.facts.id.clone();
        (!ranks.is_empty()).then(|| Sensitivity { metric, method: method.to_owned(), ranks })
    });
    Sweep {
        schema_version: SWEEP_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: plan.name.clone(),
        seed: plan.seed,
        replications: plan.replications,
        design: plan.design.name().to_owned(),
        digest: format!("{all:016x}"),
        warnings,
        axes: axes.collect(),
        metrics: samples.iter().map(|sample| sample.facts.clone()).collect(),
        points: points.collect(),
        responses: responses.collect(),
        surfaces: samples.iter().flat_map(|sample| sample.surfaces(plan)).collect(),
        sensitivity: sensitivity.collect(),
        boundary,
    }
}

fn samples(plan: &SweepPlan, rows: &BTreeMap<UnitId, RunRow>) -> Vec<Sample> {
    let of = |metric: &Metric| MetricFacts {
        id: metric.id.to_owned(),
        unit: metric.unit.to_owned(),
        better: metric.better.name().to_owned(),
    };
    let points = 0..plan.points.len();
    let each = |value: &dyn Fn(&RunRow, &RunRow) -> Value| -> Vec<Vec<Value>> {
        let one = |point: usize| {
            let best = plan.ids_of(point, usize::from(plan.regret));
            let pairs = plan.ids_of(point, 0).iter().zip(best);
            pairs.map(|(own, best)| value(&rows[own], &rows[best])).collect()
        };
        points.clone().map(one).collect()
    };
    let mut samples: Vec<Sample> = Vec::new();
    if plan.regret {
        let good = |row: &RunRow| row.good as f64 / row.offered as f64;
        let regret = |own: &RunRow, best: &RunRow| match own.offered.min(best.offered) {
            0 => Value::Undefined { reason: "nothing offered" },
            _ => Value::Known(good(best) - good(own)),
        };
        let metric = catalog::find("regret").expect("the catalogue has it");
        samples.push(Sample { facts: of(metric), values: each(&regret), tau: f64::INFINITY });
    }
    for (at, metric) in plan.metrics.iter().enumerate() {
        let values = each(&|own, _| own.values[at]);
        samples.push(Sample { facts: of(metric), tau: shortest(&values), values });
    }
    if let Some(at) = has_stuck(plan) {
        let facts = MetricFacts {
            id: NOT_RECOVERED.to_owned(),
            unit: String::new(),
            better: "lower".to_owned(),
        };
        let values = each(&|own, _| not_recovered(own.values[at]));
        samples.push(Sample { facts, values, tau: f64::INFINITY });
    }
    samples
}

fn shortest(values: &[Vec<Value>]) -> f64 {
    let censored = values.iter().flatten().filter_map(|value| match value {
        Value::Censored { at_s } => Some(*at_s),
        Value::Known(_) | Value::Undefined { .. } => None,
    });
    censored.fold(f64::INFINITY, f64::min)
}

impl Sample {
    /// A value as a number: a time at most the shortest watch.
    fn number(&self, value: Value) -> Option<f64> {
        match value {
            Value::Known(number) | Value::Censored { at_s: number } => Some(number.min(self.tau)),
            Value::Undefined { .. } => None,
        }
    }

    /// Mean over the replications of a point.
    fn mean(&self, point: usize) -> Option<f64> {
        let known: Vec<f64> = self.values[point].iter().filter_map(|v| self.number(*v)).collect();
        mean(&known).map(|mean| mean.point)
    }

    /// Whether it is a share of runs, whose interval is Wilson's.
    fn is_share(&self) -> bool {
        self.facts.id == NOT_RECOVERED
    }

    fn measured(&self, point: usize) -> Measured {
        let mut measured = Measured::from_values(&self.values[point], self.tau);
        if let Measured::Many(spread) = &mut measured
            && self.is_share()
            && let Some(interval) = share(&self.values[point]).and_then(|share| share.interval)
        {
            spread.low = Some(significant(interval.low));
            spread.high = Some(significant(interval.high));
        }
        measured
    }

    /// Over replications, the mean over some points in each: all of them meet the same random numbers.
    fn over(&self, points: &[usize]) -> Option<Estimate> {
        if let ([only], true) = (points, self.is_share()) {
            return share(&self.values[*only]);
        }
        let replications = points.iter().map(|point| self.values[*point].len()).max().unwrap_or(0);
        let one = |j: usize| {
            let known = points.iter().filter_map(|point| self.number(self.values[*point][j]));
            let known: Vec<f64> = known.collect();
            mean(&known).map(|mean| mean.point)
        };
        let means: Vec<f64> = (0..replications).filter_map(one).collect();
        mean(&means)
    }

    /// The metric along an axis.
    fn response(&self, plan: &SweepPlan, axis: usize) -> Vec<ResponsePoint> {
        let designed = 0..plan.designed();
        if plan.design == Design::Grid || matches!(plan.axes[axis].values, Values::List(_)) {
            let levels = plan.axes[axis].levels().unwrap_or_default();
            let at = |level: &Level| -> Vec<usize> {
                designed.clone().filter(|point| plan.points[*point][axis] == *level).collect()
            };
            return levels.iter().map(|level| row(level, self.over(&at(level)))).collect();
        }
        let Values::Range(range) = &plan.axes[axis].values else { return Vec::new() };
        let part = |point: &usize| {
            let number = plan.points[*point][axis].number.unwrap_or(range.low);
            let place = range.place(number) * PARTS as f64;
            (place as usize).min(PARTS - 1)
        };
        let middle = |part: usize| plan.axes[axis].at((part as f64 + 0.5) / PARTS as f64);
        let of = |wanted: usize| {
            let inside = designed.clone().filter(|point| part(point) == wanted);
            let means: Vec<f64> = inside.filter_map(|point| self.mean(point)).collect();
            mean(&means)
        };
        (0..PARTS).map(|part| row(&middle(part), of(part))).collect()
    }

    /// The metric over pairs of axes of a grid.
    fn surfaces(&self, plan: &SweepPlan) -> Vec<Surface> {
        if plan.design != Design::Grid {
            return Vec::new();
        }
        let axes = plan.axes.len().min(SURFACE_AXES);
        let pairs = (0..axes).flat_map(|x| (x + 1..axes).map(move |y| (x, y)));
        pairs.map(|(x, y)| self.surface(plan, x, y)).collect()
    }

    fn surface(&self, plan: &SweepPlan, x: usize, y: usize) -> Surface {
        let levels = |axis: usize| plan.axes[axis].levels().unwrap_or_default();
        let (columns, rows) = (levels(x), levels(y));
        let cell = |row: &Level, column: &Level| {
            let here =
                |point: &usize| plan.points[*point][x] == *column && plan.points[*point][y] == *row;
            let points: Vec<usize> = (0..plan.designed()).filter(here).collect();
            self.over(&points).map(|mean| significant(mean.point))
        };
        let texts = |levels: &[Level]| levels.iter().map(|level| level.text.clone()).collect();
        Surface {
            metric: self.facts.id.clone(),
            x,
            y,
            columns: texts(&columns),
            rows: texts(&rows),
            cells: (rows.iter())
                .map(|row| columns.iter().map(|column| cell(row, column)).collect())
                .collect(),
        }
    }
}

/// The share of runs with 1, of those with a value.
pub(super) fn share(values: &[Value]) -> Option<Estimate> {
    let known: Vec<f64> = values.iter().filter_map(|value| value.known()).collect();
    let hits = known.iter().filter(|value| **value > 0.0).count();
    let mut share = wilson(hits as u64, known.len() as u64)?;
    // At the ends the interval is closed, which rounding may hide.
    if let Some(interval) = &mut share.interval {
        interval.low = if hits == 0 { 0.0 } else { interval.low };
        interval.high = if hits == known.len() { 1.0 } else { interval.high };
    }
    Some(share)
}

fn row(level: &Level, estimate: Option<Estimate>) -> ResponsePoint {
    let interval = estimate.and_then(|estimate| estimate.interval);
    ResponsePoint {
        at: level.text.clone(),
        number: level.number,
        mean: estimate.map(|estimate| significant(estimate.point)),
        low: interval.map(|interval| significant(interval.low)),
        high: interval.map(|interval| significant(interval.high)),
    }
}
