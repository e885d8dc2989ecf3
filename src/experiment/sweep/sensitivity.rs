//! How much of a metric each axis decides, by the method that its design allows.

use crate::engine::luck::{below, mix, name};
use crate::record::significant;
use crate::record::sweep::Rank;
use crate::stats::{mean, quantile};

use super::design::{Design, Point};

/// Resamples of a bootstrap.
const RESAMPLES: u64 = 1_000;

/// Axes by importance, from the mean of a metric at every point; nothing if it is the same everywhere, or has no
/// value somewhere.
pub(super) fn ranks(
    design: Design,
    points: &[Point],
    y: &[Option<f64>],
) -> (&'static str, Vec<Rank>) {
    let d = points.first().map_or(0, Vec::len);
    let known: Option<Vec<f64>> = y.iter().copied().collect();
    let Some(y) = known.filter(|y| y.len() > 1 && variance(y) > 0.0 && d > 0) else {
        return ("", Vec::new());
    };
    let (method, mut ranks) = match design {
        Design::Grid => {
            ("variance", (0..d).map(|axis| of_grid(points, &y, axis)).collect::<Vec<_>>())
        }
        Design::Saltelli(_) => ("sobol", (0..d).map(|axis| of_mixtures(d, &y, axis)).collect()),
        Design::Morris(_) => ("morris", of_walks(points, &y, d)),
        Design::Random(_) | Design::Sobol(_) => {
            ("rank", (0..d).map(|axis| of_ranks(points, &y, axis)).collect())
        }
    };
    ranks.sort_by(|a, b| b.total.total_cmp(&a.total).then(a.axis.cmp(&b.axis)));
    (method, ranks)
}

fn rank(axis: usize, first: f64, total: f64, interval: Option<(f64, f64)>) -> Rank {
    Rank {
        axis,
        first: significant(first),
        total: significant(total),
        low: interval.map(|(low, _)| significant(low)),
        high: interval.map(|(_, high)| significant(high)),
    }
}

fn average(y: &[f64]) -> f64 {
    y.iter().sum::<f64>() / y.len() as f64
}

fn variance(y: &[f64]) -> f64 {
    let centre = average(y);
    y.iter().map(|y| (y - centre) * (y - centre)).sum::<f64>() / y.len() as f64
}

/// Exact over a full grid: the variance of the means at each value of the axis, and what is left of the variance
/// within groups that differ in this axis only.
fn of_grid(points: &[Point], y: &[f64], axis: usize) -> Rank {
    let same = |a: &Point, b: &Point| a[axis] == b[axis];
    let others = |a: &Point, b: &Point| (0..a.len()).all(|i| i == axis || a[i] == b[i]);
    let main = groups(points, y, same);
    let rest = groups(points, y, others);
    let between: Vec<f64> = main.iter().map(|group| average(group)).collect();
    let within: Vec<f64> = rest.iter().map(|group| variance(group)).collect();
    let all = variance(y);
    rank(axis, variance(&between) / all, average(&within) / all, None)
}

/// The values of points that are alike, in the order of the first of each kind.
fn groups(points: &[Point], y: &[f64], alike: impl Fn(&Point, &Point) -> bool) -> Vec<Vec<f64>> {
    let mut groups: Vec<(&Point, Vec<f64>)> = Vec::new();
    for (point, y) in points.iter().zip(y) {
        match groups.iter_mut().find(|(first, _)| alike(first, point)) {
            Some((_, group)) => group.push(*y),
            None => groups.push((point, vec![*y])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// First-order index after Saltelli et al. (2010), total index after Jansen (1999), with its bootstrap interval.
fn of_mixtures(d: usize, y: &[f64], axis: usize) -> Rank {
    let blocks: Vec<&[f64]> = y.chunks_exact(d + 2).collect();
    let indices = |blocks: &[&[f64]]| {
        let plain: Vec<f64> = blocks.iter().flat_map(|block| [block[0], block[1]]).collect();
        let n = blocks.len() as f64;
        let all = variance(&plain);
        let centre = average(&plain);
        let mixed = |block: &[f64]| block[2 + axis];
        let first: f64 =
            blocks.iter().map(|block| (block[1] - centre) * (mixed(block) - block[0])).sum();
        let total: f64 =
            blocks.iter().map(|block| (block[0] - mixed(block)) * (block[0] - mixed(block))).sum();
        (all > 0.0).then(|| (first / n / all, total / (2.0 * n) / all))
    };
    let (first, total) = indices(&blocks).unwrap_or((0.0, 0.0));
    let resample = |round: u64| {
        let luck = mix(name("sobol indices"), round);
        let pick = |i: u64| blocks[below(mix(luck, i), blocks.len() as u32) as usize];
        let drawn: Vec<&[f64]> = (0..blocks.len() as u64).map(pick).collect();
        indices(&drawn).map(|(_, total)| total)
    };
    let mut totals: Vec<f64> = (0..RESAMPLES).filter_map(resample).collect();
    totals.sort_unstable_by(f64::total_cmp);
    let interval = quantile(&totals, 0.025).zip(quantile(&totals, 0.975));
    rank(axis, first, total, interval)
}

/// Mean and mean absolute elementary effect of each axis over its whole range (Campolongo et al. 2007).
fn of_walks(points: &[Point], y: &[f64], d: usize) -> Vec<Rank> {
    let mut effects: Vec<Vec<f64>> = vec![Vec::new(); d];
    for (walk, y) in points.chunks_exact(d + 1).zip(y.chunks_exact(d + 1)) {
        for (at, step) in walk.windows(2).enumerate() {
            // An axis whose steps fall on one value does nothing there.
            let Some(axis) = (0..d).find(|axis| step[0][*axis] != step[1][*axis]) else { continue };
            let up = match (step[0][axis].number, step[1][axis].number) {
                (Some(from), Some(to)) if to < from => -1.0,
                _ => 1.0,
            };
            // A step is two thirds of the range.
            effects[axis].push(up * (y[at + 1] - y[at]) * 1.5);
        }
    }
    let of = |(axis, effects): (usize, &Vec<f64>)| {
        let sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
        let size = mean(&sizes);
        let interval = size.and_then(|size| size.interval).map(|i| (i.low.max(0.0), i.high));
        let signed = mean(effects).map_or(0.0, |mean| mean.point);
        rank(axis, signed, size.map_or(0.0, |size| size.point), interval)
    };
    effects.iter().enumerate().map(of).collect()
}

/// Spearman's rank correlation.
fn of_ranks(points: &[Point], y: &[f64], axis: usize) -> Rank {
    let x: Option<Vec<f64>> = points.iter().map(|point| point[axis].number).collect();
    // Words have no order; what they decide shows in a grid.
    let Some(x) = x.filter(|x| variance(x) > 0.0) else { return rank(axis, 0.0, 0.0, None) };
    let (x, y) = (ranked(&x), ranked(y));
    let (mx, my) = (average(&x), average(&y));
    let sum: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let r = sum / x.len() as f64 / (variance(&x) * variance(&y)).sqrt();
    rank(axis, r, r.abs(), None)
}

/// Ranks from 1, equal values sharing theirs.
fn ranked(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let shared = start as f64 + (same.len() as f64 + 1.0) / 2.0;
        same.iter().for_each(|at| ranks[*at] = shared);
        start += same.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::*;

    fn answer(design: Design, ends: &[&str], f: impl Fn(&[f64]) -> f64) -> Vec<Rank> {
        let axes: Vec<Axis> = ends.iter().map(|end| Axis::parse(end).unwrap()).collect();
        let points = design.points(&axes, 5).unwrap();
        let x = |point: &Point| point.iter().map(|level| level.number.unwrap()).collect::<Vec<_>>();
        let y: Vec<Option<f64>> = points.iter().map(|point| Some(f(&x(point)))).collect();
        ranks(design, &points, &y).1
    }

    /// Ishigami's function (1990), a = 7, b = 0.1: S = 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437.
    #[test]
    fn sobol_indices_of_ishigamis_function() {
        let range = |name: &str| format!("{name}=-3.14159265..3.14159265");
        let ends = [range("a"), range("b"), range("c")];
        let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
        let sine = |x: f64| libm::sin(x);
        let f = |x: &[f64]| {
            sine(x[0])
                + 7.0 * sine(x[1]) * sine(x[1])
                + 0.1 * x[2] * x[2] * x[2] * x[2] * sine(x[0])
        };
        let ranks = answer(Design::Saltelli(1024), &ends, f);
        assert_eq!(ranks.iter().map(|rank| rank.axis).collect::<Vec<_>>(), [0, 1, 2]);
        for (rank, (first, total)) in
            ranks.iter().zip([(0.3139, 0.5576), (0.4424, 0.4424), (0.0, 0.2437)])
        {
            assert!((rank.first - first).abs() < 0.03, "{rank:?}");
            assert!((rank.total - total).abs() < 0.03, "{rank:?}");
            assert!(
                rank.low.unwrap() < total + 0.01 && rank.high.unwrap() > total - 0.01,
                "{rank:?}"
            );
        }
    }

    #[test]
    fn shares_of_a_grid_are_exact() {
        // Variances 8/3·1, 8/3·4 of a sum, and nothing of the third.
        let ranks = answer(Design::Grid, &["a=0,2,4", "b=0,2,4", "c=1,2"], |x| x[0] + 2.0 * x[1]);
        assert_eq!(ranks.iter().map(|rank| rank.axis).collect::<Vec<_>>(), [1, 0, 2]);
        let shares: Vec<(f64, f64)> = ranks.iter().map(|rank| (rank.first, rank.total)).collect();
        assert_eq!(shares, [(0.8, 0.8), (0.2, 0.2), (0.0, 0.0)]);
        let product = answer(Design::Grid, &["a=-1,1", "b=-1,1"], |x| x[0] * x[1]);
        assert!(product.iter().all(|rank| rank.first == 0.0 && rank.total == 1.0), "{product:?}");
    }

    #[test]
    fn walks_find_the_slope_over_the_range() {
        let ranks =
            answer(Design::Morris(6), &["a=0..10", "b=0..1"], |x| 3.0 - 2.0 * x[0] + 5.0 * x[1]);
        assert_eq!((ranks[0].axis, ranks[0].first, ranks[0].total), (0, -20.0, 20.0));
        assert_eq!((ranks[1].axis, ranks[1].first), (1, 5.0));
    }

    #[test]
    fn ranks_see_what_is_monotone() {
        let f = |x: &[f64]| x[0] * x[0] * x[0];
        let ranks = answer(Design::Sobol(64), &["a=1..10", "b=0..1"], f);
        assert_eq!((ranks[0].axis, ranks[0].first), (0, 1.0));
        assert!(ranks[1].total < 0.2);
        assert!(answer(Design::Sobol(8), &["a=1..10"], |_| 1.0).is_empty(), "nothing to decide");
    }
}
