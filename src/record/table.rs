//! The CSV files of a run: one header, numbers as they are, empty where there is none.

use csv::{Reader, Writer};
use serde::Serialize;
use thiserror::Error;

use crate::policy::{Health, RouteView};

use super::quantity::significant;
use super::series::{ArrivalRow, Counts, Sample, Series, TransitionRow};

const SERIES: &[&str] = &[
    "time_s",
    "route",
    "offered",
    "first",
    "attempts",
    "good",
    "failed",
    "rate_limited",
    "share",
    "expected_share",
    "weight",
    "state",
    "error_part",
    "latency_part",
    "utilization_part",
    "momentum_part",
];
const ARRIVALS: &[&str] =
    &["time_s", "offered", "good", "late", "failed", "p50_ms", "p90_ms", "p99_ms"];
const TRANSITIONS: &[&str] = &["time_s", "route", "from", "to", "reason"];

/// Why a table could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TableError {
    /// Not a table of this kind; the message has the line.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// A route that the summary does not have.
    #[error("line {line} is about route `{route}`, which the summary does not have")]
    Route {
        /// Line, from 1.
        line: u64,
        /// What it says.
        route: String,
    },
    /// Not the name of a state.
    #[error("line {line} has state `{state}`; expected healthy, degraded, failed or recovering")]
    State {
        /// Line, from 1.
        line: u64,
        /// What it says.
        state: String,
    },
}

/// offered, first, attempts, good, failed, rate_limited.
type CountFields = [Option<u32>; 6];

pub(super) fn write_series(series: &Series, names: &[&str]) -> Vec<u8> {
    let mut rows: Vec<(usize, &Sample)> =
        series.iter().enumerate().flat_map(|(r, bins)| bins.iter().map(move |s| (r, s))).collect();
    rows.sort_by(|left, right| left.1.time_s.total_cmp(&right.1.time_s).then(left.0.cmp(&right.0)));
    table(
        SERIES,
        rows.iter().map(|(r, sample)| {
            let share = sample.counts.and_then(|counts| counts.share()).map(significant);
            let view = &sample.view;
            let fields = count_fields(sample.counts);
            let state = view.health.name();
            (sample.time_s, names[*r], fields, share, view.expected, view.weight, state, view.parts)
        }),
    )
}

pub(super) fn read_series(bytes: &[u8], names: &[&str]) -> Result<Series, TableError> {
    type Row = (f64, String, CountFields, Option<f64>, f64, f64, String, [f64; 4]);
    let mut series: Series = vec![Vec::new(); names.len()];
    let find = finder(names);
    for (line, row) in (2..).zip(Reader::from_reader(bytes).into_deserialize::<Row>()) {
        let (time_s, route, fields, _, expected, weight, state, parts) = row?;
        let view = RouteView { weight, health: health(line, state)?, expected, parts };
        let counts = counts(fields);
        series[find(line, route)? as usize].push(Sample { time_s, counts, view });
    }
    Ok(series)
}

pub(super) fn write_arrivals(arrivals: &[ArrivalRow]) -> Vec<u8> {
    table(
        ARRIVALS,
        arrivals.iter().map(|row| {
            let latency = row.latency_ms.map_or([None; 3], |quantiles| quantiles.map(Some));
            (row.time_s, row.offered, row.good, row.late, row.failed, latency)
        }),
    )
}

pub(super) fn read_arrivals(bytes: &[u8]) -> Result<Vec<ArrivalRow>, TableError> {
    type Row = (f64, u32, u32, u32, u32, [Option<f64>; 3]);
    let mut arrivals = Vec::new();
    for row in Reader::from_reader(bytes).into_deserialize::<Row>() {
        let (time_s, offered, good, late, failed, latency) = row?;
        let latency_ms = match latency {
            [Some(p50), Some(p90), Some(p99)] => Some([p50, p90, p99]),
            _ => None,
        };
        arrivals.push(ArrivalRow { time_s, offered, good, late, failed, latency_ms });
    }
    Ok(arrivals)
}

pub(super) fn write_transitions(transitions: &[TransitionRow], names: &[&str]) -> Vec<u8> {
    table(
        TRANSITIONS,
        transitions.iter().map(|row| {
            (row.time_s, names[row.route as usize], row.from.name(), row.to.name(), &row.reason)
        }),
    )
}

pub(super) fn read_transitions(
    bytes: &[u8],
    names: &[&str],
) -> Result<Vec<TransitionRow>, TableError> {
    type Row = (f64, String, String, String, String);
    let mut transitions = Vec::new();
    let find = finder(names);
    for (line, row) in (2..).zip(Reader::from_reader(bytes).into_deserialize::<Row>()) {
        let (time_s, route, from, to, reason) = row?;
        let (from, to) = (health(line, from)?, health(line, to)?);
        transitions.push(TransitionRow { time_s, route: find(line, route)?, from, to, reason });
    }
    Ok(transitions)
}

fn table<Row: Serialize>(header: &[&str], rows: impl Iterator<Item = Row>) -> Vec<u8> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(header).expect("memory takes what is written");
    for row in rows {
        writer.serialize(row).expect("rows are flat and as wide as the header");
    }
    writer.into_inner().expect("memory takes what is written")
}

fn count_fields(counts: Option<Counts>) -> CountFields {
    counts.map_or([None; 6], |c| {
        [c.offered, c.first, c.attempts, c.good, c.failed, c.rate_limited].map(Some)
    })
}

fn counts(fields: CountFields) -> Option<Counts> {
    let [Some(offered), Some(first), Some(attempts), Some(good), Some(failed), Some(rate_limited)] =
        fields
    else {
        return None;
    };
    Some(Counts { offered, first, attempts, good, failed, rate_limited })
}

/// Looks routes up by name.
fn finder<'a>(names: &'a [&str]) -> impl Fn(u64, String) -> Result<u32, TableError> + 'a {
    let mut sorted: Vec<usize> = (0..names.len()).collect();
    sorted.sort_unstable_by_key(|r| names[*r]);
    move |line, route| {
        let at = sorted.binary_search_by_key(&route.as_str(), |r| names[*r]);
        at.map(|at| sorted[at] as u32).map_err(|_| TableError::Route { line, route })
    }
}

fn health(line: u64, state: String) -> Result<Health, TableError> {
    let all = [Health::Healthy, Health::Degraded, Health::Failed, Health::Recovering];
    let found = all.into_iter().find(|health| health.name() == state);
    found.ok_or(TableError::State { line, state })
}
