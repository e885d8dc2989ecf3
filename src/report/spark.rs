//! Shares over time as a row of bars, and under it when faults lasted.

use crate::record::{FaultSummary, Series};

/// Columns of a row.
const COLUMNS: usize = 24;

/// Bars from nothing to full.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How many of the series' bins there are, and over how many columns they are spread.
fn shape(series: &Series) -> (usize, usize) {
    let bins = series.first().map_or(0, Vec::len);
    (bins, COLUMNS.min(bins))
}

/// Shares of first attempts per column: `shares[group][column]`; `None` without any traffic.
pub(super) fn shares(series: &Series, groups: &[Vec<usize>]) -> Vec<Vec<Option<f64>>> {
    let (bins, columns) = shape(series);
    let first = |r: usize, column: usize| {
        let bins = bins * column / columns..bins * (column + 1) / columns;
        let counts = series[r].get(bins).into_iter().flatten().filter_map(|sample| sample.counts);
        counts.map(|counts| u64::from(counts.first)).sum::<u64>()
    };
    let all: Vec<u64> =
        (0..columns).map(|column| (0..series.len()).map(|r| first(r, column)).sum()).collect();
    let share = |routes: &[usize], column: usize| {
        let part: u64 = routes.iter().map(|r| first(*r, column)).sum();
        (all[column] > 0).then(|| part as f64 / all[column] as f64)
    };
    let group = |routes: &Vec<usize>| (0..columns).map(|column| share(routes, column)).collect();
    groups.iter().map(group).collect()
}

/// Shares as a row of bars, a full one being `full`. Rounded up: an empty column means no traffic
/// at all.
pub(super) fn spark(shares: &[Option<f64>], full: f64) -> String {
    let bar = |share: &Option<f64>| {
        let height = (share.unwrap_or(0.0) / full.max(f64::MIN_POSITIVE) * 8.0).ceil();
        BARS[height.min(8.0) as usize]
    };
    shares.iter().map(bar).collect()
}

/// A mark in each column in which a fault lasted; empty where none did, or no series was kept.
pub(super) fn marks(series: &Series, faults: &[FaultSummary]) -> String {
    let (bins, columns) = shape(series);
    let Some(samples) = series.first().filter(|_| !faults.is_empty()) else { return String::new() };
    let starts = |bin: usize| samples.get(bin).map_or(f64::INFINITY, |sample| sample.time_s);
    let mark = |column: usize| {
        let (from, to) = (starts(bins * column / columns), starts(bins * (column + 1) / columns));
        let lasts = |fault: &FaultSummary| fault.start_s < to && fault.end_s > from;
        if faults.iter().any(lasts) { '^' } else { ' ' }
    };
    (0..columns).map(mark).collect()
}

/// The text for a terminal that has ASCII alone: a letter for a letter, so that columns stay where they are.
pub fn ascii(text: &str) -> String {
    let plain = |c: char| match c {
        '▁' | '▂' => '.',
        '▃' | '▄' => ':',
        '▅' | '▆' => '|',
        '▇' | '█' => '#',
        '–' | '−' => '-',
        '±' => '~',
        '≥' | '→' => '>',
        '×' => 'x',
        '·' => '|',
        '⇄' => '=',
        '…' => '.',
        'µ' => 'u',
        c if c.is_ascii() => c,
        _ => '?',
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::Scene;

    #[test]
    fn a_spark_shows_the_dip_and_when_the_fault_lasted() {
        let run = Scene::default().run();
        let shares = shares(&run.series, &[vec![0, 1, 2, 3]]);
        assert_eq!(spark(&shares[0], 0.35), "█████████▆     ▂▆███████");
        assert_eq!(spark(&[Some(0.5), None, Some(1e-6), Some(0.0)], 0.5), "█ ▁ ");
        let marks = marks(&run.series, &run.summary.faults);
        let fault = &run.summary.faults[0];
        let (at, bins) = (marks.find('^').unwrap(), run.series[0].len());
        let starts = run.series[0][bins * at / COLUMNS].time_s;
        assert!(starts <= fault.start_s && starts + bins as f64 > fault.start_s, "{marks}");
        assert_eq!(marks.chars().count(), COLUMNS);
        assert!(marks.contains(" ^") && marks.contains("^ "), "{marks}");
        assert_eq!(super::marks(&run.series, &[]), "");
    }

    #[test]
    fn without_unicode_a_text_is_ascii_and_keeps_its_columns_of_bars() {
        assert_eq!(ascii("█▆▃▁ 12 ±3 s, ≥ 5 × – 東"), "#|:. 12 ~3 s, > 5 x - ?");
    }
}
