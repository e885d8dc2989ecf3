//! From the runs of a comparison to its tables: intervals, paired tests, letters, worst phases, regret.

use std::collections::BTreeMap;

use crate::engine::luck::mix;
use crate::metrics::metric::Direction;
use crate::metrics::{Metric, Value};
use crate::policy::{Family, Pool, Sees, oracle};
use crate::record::comparison::{
    COMPARISON_VERSION, Cell, Comparison, Entrant, MetricFacts, Pair, Point, ScenarioTable,
    Standing, Table, Worst,
};
use crate::record::run_row::{RunKey, RunRow};
use crate::record::{Measured, Spread, Warning, significant};
use crate::scenario::Scenario;
use crate::sim::fault::Start;
use crate::stats::{self, holm, letters, paired, share_a_letter};

use super::compare::{ComparePlan, Contender, metrics};
use super::unit::{BIN_S, BINS_AFTER, BINS_BEFORE};

/// Family-wise error of a table.
const ERROR: f64 = 0.05;

/// The oracle is beaten if a policy makes this much more of the offered requests good.
const BEATEN: f64 = 0.001;

/// An interval of a regret is wide from this half-width on.
const WIDE: f64 = 0.01;

/// The rows of one scenario under one layer: `rows[policy][replication]`.
pub(super) struct Block<'a> {
    rows: Vec<Vec<&'a RunRow>>,
    oracle: Option<usize>,
}

/// Sums up all runs of a plan.
pub fn league(plan: &ComparePlan<'_>, rows: &BTreeMap<RunKey, RunRow>) -> (Comparison, Vec<Pair>) {
    let mut pairs = Vec::new();
    let mut warnings = Warnings::default();
    if (2..10).contains(&plan.replications) {
        warnings.add(Warning::FewReplications { replications: plan.replications as usize });
    }
    if plan.replications == 1 {
        warnings.add(Warning::OneReplication);
    }
    let mut tables = Vec::new();
    for (index, layer) in plan.layers.iter().enumerate() {
        let blocks: Vec<Block<'_>> = (0..plan.scenarios.len() as u32)
            .map(|scenario| Block::of(plan, rows, scenario, index as u32))
            .collect();
        let mut scenarios = Vec::new();
        for (scenario, block) in plan.scenarios.iter().zip(&blocks) {
            let (table, tested) = block.table(plan, scenario, layer.name(), &mut warnings);
            scenarios.push(table);
            pairs.extend(tested);
        }
        let (standings, tested) = standings(plan, &blocks, &scenarios, layer.name());
        pairs.extend(tested);
        tables.push(Table { layer: layer.name().to_owned(), standings, scenarios });
    }
    let digest = rows.values().fold(0, |digest, row| mix(digest, row.digest));
    let comparison = Comparison {
        schema_version: COMPARISON_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: plan.seed,
        replications: plan.replications,
        digest: format!("{digest:016x}"),
        warnings: warnings.0.iter().map(ToString::to_string).collect(),
        policies: plan.contenders.iter().map(|contender| entrant(plan, contender)).collect(),
        metrics: facts(),
        tables,
    };
    (comparison, pairs)
}

/// Each bin as a mean over replications with its interval; nothing at all from one replication.
fn spread(bins: usize, of: &dyn Fn(usize) -> Vec<Option<f64>>) -> Vec<Option<Point>> {
    let point = |bin: usize| {
        let values: Vec<f64> = of(bin).into_iter().flatten().collect();
        let estimate = stats::mean(&values)?;
        let interval = estimate.interval?;
        let (low, high) = (significant(interval.low), significant(interval.high));
        Some(Point { mean: significant(estimate.point), low, high })
    };
    let points: Vec<_> = (0..bins).map(point).collect();
    if points.iter().all(Option::is_none) { Vec::new() } else { points }
}

/// Warnings, each once.
#[derive(Default)]
struct Warnings(Vec<Warning>);

impl Warnings {
    fn add(&mut self, warning: Warning) {
        if !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }
}

fn facts() -> Vec<MetricFacts> {
    let of = |metric: &Metric| MetricFacts {
        id: metric.id.to_owned(),
        unit: metric.unit.to_owned(),
        better: metric.better.name().to_owned(),
    };
    let regret = crate::metrics::catalog::find("regret").expect("the catalogue has it");
    std::iter::once(regret).chain(metrics()).map(of).collect()
}

fn entrant(plan: &ComparePlan<'_>, contender: &Contender) -> Entrant {
    let spec = contender.spec;
    let pool = plan.scenarios.first().map(|scenario| &scenario.spec.pool);
    let empty = Pool::default();
    let made = spec.make(&contender.settings, pool.unwrap_or(&empty), crate::engine::Time::ZERO, 0);
    let sees = match made.map(|policy| policy.sees()) {
        Ok(Sees::Reports { delay, .. }) => format!("reports, {delay} old"),
        Ok(Sees::Truth) => "truth".to_owned(),
        Ok(Sees::Client) | Err(_) => "client".to_owned(),
    };
    Entrant {
        name: contender.label.clone(),
        family: spec.family.name().to_owned(),
        product: spec.product.to_owned(),
        source: spec.source.to_owned(),
        fidelity: spec.grade.name().to_owned(),
        sees,
        changed: contender.changed(),
    }
}

impl<'a> Block<'a> {
    pub(super) fn of(
        plan: &ComparePlan<'_>,
        rows: &'a BTreeMap<RunKey, RunRow>,
        scenario: u32,
        layer: u32,
    ) -> Self {
        let row = |policy, replication| &rows[&RunKey { scenario, layer, policy, replication }];
        let of = |policy: usize| (0..plan.replications).map(|j| row(policy as u32, j)).collect();
        let is_oracle = |contender: &Contender| contender.spec.family == Family::Oracle;
        Self {
            rows: (0..plan.contenders.len()).map(of).collect(),
            oracle: plan.contenders.iter().position(is_oracle),
        }
    }

    /// Good over offered, replication by replication.
    fn good(&self, policy: usize) -> Vec<Option<f64>> {
        let share = |row: &&RunRow| (row.offered > 0).then(|| row.good as f64 / row.offered as f64);
        self.rows[policy].iter().map(share).collect()
    }

    /// What the oracle made good beyond the policy, over offered.
    fn regret(&self, policy: usize) -> Vec<Option<f64>> {
        let Some(oracle) = self.oracle else { return vec![None; self.rows[policy].len()] };
        let pairs = self.good(oracle).into_iter().zip(self.good(policy));
        pairs.map(|(best, own)| Some(best? - own?)).collect()
    }

    fn mean_good(&self, policy: usize) -> f64 {
        let good = self.good(policy);
        good.iter().flatten().sum::<f64>() / good.len().max(1) as f64
    }

    /// Policies by mean goodput, best first; the order of the registry where they tie.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|a, b| self.mean_good(*b).total_cmp(&self.mean_good(*a)).then(a.cmp(b)));
        order
    }

    fn table(
        &self,
        plan: &ComparePlan<'_>,
        scenario: &Scenario,
        layer: &'static str,
        warnings: &mut Warnings,
    ) -> (ScenarioTable, Vec<Pair>) {
        let order = self.order();
        let ranked: Vec<usize> =
            order.iter().copied().filter(|p| Some(*p) != self.oracle).collect();
        let sample = |policy: usize| self.good(policy);
        let tested = tests(plan, &ranked, &sample, layer, &scenario.spec.name, "slo_attainment");
        let letters = tested.letters;
        let cells = order.iter().map(|&policy| {
            let rank = ranked.iter().position(|p| *p == policy);
            let own = rank.map_or(String::new(), |rank| letters[rank].clone());
            self.cell(plan, policy, own)
        });
        let cells: Vec<Cell> = cells.collect();
        self.warn(plan, &scenario.spec.name, layer, &cells, warnings);
        let first = &self.rows[0];
        let offered: u64 = first.iter().map(|row| row.offered).sum();
        let bounds: Option<u64> = first.iter().map(|row| row.bound).sum();
        let phase = scenario.spec.faults.iter().find_map(|fault| match fault.start {
            Start::Phase { period, .. } => Some(period.as_secs_f64()),
            Start::At(_) => None,
        });
        let begins = |start: Start| match start {
            Start::At(at) | Start::Phase { from: at, .. } => at,
        };
        let fault = scenario.spec.faults.iter().min_by_key(|fault| begins(fault.start));
        let bins = if first.iter().any(|row| row.curve.is_empty()) {
            Vec::new()
        } else {
            let bin = |i: u64| (i * BIN_S) as f64 - (BINS_BEFORE * BIN_S) as f64;
            (0..BINS_BEFORE + BINS_AFTER).map(bin).collect()
        };
        let table = ScenarioTable {
            scenario: scenario.spec.name.clone(),
            offered,
            bound: bounds.map(|good| significant(good as f64 / offered.max(1) as f64)),
            phase_stride_s: phase.map(|period| significant(period / f64::from(plan.replications))),
            fault_s: fault.map(|fault| significant(fault.lasts.as_secs_f64())),
            bins_s: bins,
            cells,
            shown: None,
        };
        (table, tested.pairs)
    }

    fn cell(&self, plan: &ComparePlan<'_>, policy: usize, letters: String) -> Cell {
        let rows = &self.rows[policy];
        let mut values = BTreeMap::new();
        let mut worst = BTreeMap::new();
        for (at, metric) in metrics().into_iter().enumerate() {
            let own: Vec<Value> = rows.iter().map(|row| row.values[at]).collect();
            values.insert(metric.id.to_owned(), Measured::from_values(&own, self.watch(at)));
            if metric.id.starts_with("time_to_recover")
                && let Some(found) = worst_of(metric, rows, at)
            {
                worst.insert(metric.id.to_owned(), found);
            }
        }
        let nothing = Value::Undefined { reason: "no oracle" };
        let regret: Vec<Value> =
            self.regret(policy).into_iter().map(|r| r.map_or(nothing, Value::Known)).collect();
        values.insert("regret".to_owned(), Measured::from_values(&regret, f64::INFINITY));
        let bins = rows.iter().map(|row| row.curve.len()).min().unwrap_or(0);
        let goodput = (0..bins).map(|bin| {
            let sum = |part: fn(&(u32, u32)) -> u32| -> u64 {
                rows.iter().map(|row| u64::from(part(&row.curve[bin]))).sum()
            };
            let (offered, good) = (sum(|curve| curve.0), sum(|curve| curve.1));
            (offered > 0).then(|| significant(good as f64 / offered as f64))
        });
        Cell {
            policy: plan.contenders[policy].label.clone(),
            letters,
            digest: format!("{:016x}", rows.iter().fold(0, |digest, row| mix(digest, row.digest))),
            metrics: values,
            worst,
            goodput: goodput.collect(),
            goodput_spread: spread(bins, &|bin| self.curve(policy, bin)),
            regret_spread: match self.oracle {
                Some(oracle) if oracle != policy => spread(bins, &|bin| {
                    let pairs = self.curve(oracle, bin).into_iter().zip(self.curve(policy, bin));
                    pairs.map(|(best, own)| Some(best? - own?)).collect()
                }),
                _ => Vec::new(),
            },
        }
    }

    /// Good over offered in a bin around the onset, replication by replication.
    fn curve(&self, policy: usize, bin: usize) -> Vec<Option<f64>> {
        let share = |row: &&RunRow| {
            let (offered, good) = *row.curve.get(bin)?;
            (offered > 0).then(|| f64::from(good) / f64::from(offered))
        };
        self.rows[policy].iter().map(share).collect()
    }

    /// The shortest watch of any policy: times are comparable up to there only.
    fn watch(&self, metric: usize) -> f64 {
        let censored = self.rows.iter().flatten().filter_map(|row| match row.values[metric] {
            Value::Censored { at_s } => Some(at_s),
            Value::Known(_) | Value::Undefined { .. } => None,
        });
        censored.fold(f64::INFINITY, f64::min)
    }

    fn warn(
        &self,
        plan: &ComparePlan<'_>,
        scenario: &str,
        layer: &str,
        cells: &[Cell],
        warnings: &mut Warnings,
    ) {
        let best = cells.first().and_then(|cell| cell.metrics["slo_attainment"].number());
        if let Some(good_share) = best.filter(|share| *share < 0.5) {
            warnings.add(Warning::NobodyCopes { scenario: scenario.to_owned(), good_share });
        }
        let wide = |cell: &&Cell| match &cell.metrics["regret"] {
            Measured::Many(Spread { mean, low: Some(low), high: Some(high), .. }) => {
                let half = (high - low) / 2.0;
                half > WIDE && half > mean.abs() / 2.0
            }
            Measured::Many(_) | Measured::One(_) => false,
        };
        let policies: Vec<String> =
            cells.iter().filter(wide).map(|cell| cell.policy.clone()).collect();
        if !policies.is_empty() {
            let (scenario, layer) = (scenario.to_owned(), layer.to_owned());
            warnings.add(Warning::WideIntervals { scenario, layer, policies });
        }
        let Some(oracle) = self.oracle else { return };
        let reference = self.good(oracle);
        let beaten: Vec<(usize, f64, f64)> = (0..self.rows.len())
            .filter(|policy| *policy != oracle)
            .filter_map(|policy| {
                let found = paired(&self.good(policy), &reference)?;
                Some((policy, found.difference.point, found.p))
            })
            .collect();
        let corrected = holm(&beaten.iter().map(|found| found.2).collect::<Vec<_>>());
        let policies: Vec<(String, f64)> = (beaten.into_iter().zip(corrected))
            .filter(|((_, by, _), p)| *by > BEATEN && *p < ERROR)
            .map(|((policy, by, _), _)| (plan.contenders[policy].label.clone(), by))
            .collect();
        if !policies.is_empty() {
            let (scenario, layer) = (scenario.to_owned(), layer.to_owned());
            warnings.add(Warning::OracleBeaten { scenario, layer, policies });
        }
    }
}

fn worst_of(metric: &Metric, rows: &[&RunRow], at: usize) -> Option<Worst> {
    let rank = |row: &RunRow| {
        let value = row.values[at].ordered()?;
        Some(if metric.better == Direction::Higher { -value } else { value })
    };
    let ranked = rows.iter().enumerate().filter_map(|(j, row)| Some((j, rank(row)?)));
    // The first of those that are equally bad.
    let (replication, _) = ranked.reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    Some(Worst {
        value: rows[replication].values[at].into(),
        replication: replication as u32,
        onset_s: rows[replication].onset_s,
    })
}

struct Tested {
    letters: Vec<String>,
    pairs: Vec<Pair>,
}

/// Paired tests of all pairs of `ranked`, corrected together, and letters from them.
fn tests(
    plan: &ComparePlan<'_>,
    ranked: &[usize],
    sample: &dyn Fn(usize) -> Vec<Option<f64>>,
    layer: &'static str,
    scenario: &str,
    metric: &'static str,
) -> Tested {
    let samples: Vec<_> = ranked.iter().map(|policy| sample(*policy)).collect();
    let mut which = Vec::new();
    let mut found = Vec::new();
    for i in 0..ranked.len() {
        for j in i + 1..ranked.len() {
            if let Some(pair) = paired(&samples[i], &samples[j]) {
                which.push((i, j));
                found.push(pair);
            }
        }
    }
    let corrected = holm(&found.iter().map(|pair| pair.p).collect::<Vec<_>>());
    let mut differs = BTreeMap::new();
    let mut pairs = Vec::new();
    for ((&(i, j), pair), p) in which.iter().zip(&found).zip(corrected) {
        differs.insert((i, j), p < ERROR);
        let interval = pair.difference.interval;
        let ends = interval.map_or((f64::NAN, f64::NAN), |interval| (interval.low, interval.high));
        pairs.push(Pair {
            layer,
            scenario: scenario.to_owned(),
            metric,
            left: plan.contenders[ranked[i]].label.clone(),
            right: plan.contenders[ranked[j]].label.clone(),
            difference: significant(pair.difference.point),
            interval: (significant(ends.0), significant(ends.1)),
            p: significant(p),
            n: pair.difference.n,
        });
    }
    // Without replications nothing can be told apart, and no letter says so.
    let letters = if pairs.is_empty() {
        vec![String::new(); ranked.len()]
    } else {
        letters(ranked.len(), |i, j| differs.get(&(i, j)).copied().unwrap_or(false))
    };
    Tested { letters, pairs }
}

/// All policies over all scenarios of a layer, least mean regret first.
fn standings(
    plan: &ComparePlan<'_>,
    blocks: &[Block<'_>],
    tables: &[ScenarioTable],
    layer: &'static str,
) -> (Vec<Standing>, Vec<Pair>) {
    let oracle = blocks.first().and_then(|block| block.oracle);
    let mean_regret = |policy: usize| mean_regret(blocks, policy);
    let mean =
        |sample: &[Option<f64>]| sample.iter().flatten().sum::<f64>() / sample.len().max(1) as f64;
    let mut ranked: Vec<usize> = (0..plan.contenders.len()).collect();
    ranked.retain(|policy| Some(*policy) != oracle);
    ranked.sort_by(|a, b| mean(&mean_regret(*a)).total_cmp(&mean(&mean_regret(*b))).then(a.cmp(b)));
    let tested = tests(plan, &ranked, &mean_regret, layer, "all", "regret");
    let standings = ranked.iter().zip(&tested.letters).map(|(&policy, letters)| {
        let name = &plan.contenders[policy].label;
        standing(name, letters, &mean_regret(policy), tables)
    });
    (standings.collect(), tested.pairs)
}

/// The mean over scenarios of a policy's regret, replication by replication.
pub(super) fn mean_regret(blocks: &[Block<'_>], policy: usize) -> Vec<Option<f64>> {
    let per_scenario: Vec<_> = blocks.iter().map(|block| block.regret(policy)).collect();
    (0..per_scenario.first().map_or(0, Vec::len))
        .map(|j| {
            let sum: Option<f64> = per_scenario.iter().map(|regret| regret[j]).sum();
            sum.map(|sum| sum / blocks.len() as f64)
        })
        .collect()
}

fn standing(
    policy: &str,
    letters: &str,
    regret: &[Option<f64>],
    tables: &[ScenarioTable],
) -> Standing {
    let nothing = Value::Undefined { reason: "no oracle" };
    let values: Vec<Value> = regret.iter().map(|r| r.map_or(nothing, Value::Known)).collect();
    let (mut worst, mut worst_in) = (f64::NEG_INFINITY, "");
    let (mut ranks, mut unbeaten, mut attempts) = (0.0, 0, 0.0);
    for table in tables {
        let others: Vec<&Cell> = table.cells.iter().filter(|c| !c.letters.is_empty()).collect();
        let Some(cell) = table.cells.iter().find(|cell| cell.policy == policy) else { continue };
        let own = cell.metrics["regret"].number().unwrap_or(0.0);
        if own > worst {
            (worst, worst_in) = (own, &table.scenario);
        }
        let ahead = table.cells.iter().take_while(|other| other.policy != policy);
        ranks += ahead.filter(|other| other.policy != oracle::SPEC.name).count() as f64 + 1.0;
        let top = others.first().is_some_and(|best| {
            best.policy == policy || share_a_letter(&best.letters, &cell.letters)
        });
        unbeaten += u32::from(top);
        attempts += cell.metrics["amplification"].number().unwrap_or(0.0);
    }
    let n = tables.len().max(1) as f64;
    Standing {
        policy: policy.to_owned(),
        letters: letters.to_owned(),
        regret: Measured::from_values(&values, f64::INFINITY),
        regret_worst: significant(worst),
        regret_worst_in: worst_in.to_owned(),
        rank: significant(ranks / n),
        unbeaten,
        amplification: significant(attempts / n),
        our_choices: None,
    }
}
