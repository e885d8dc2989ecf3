//! What all figures over time have in common: the axis, the shaded faults, thinning.

use crate::record::{FaultSummary, StoredRun};
use crate::report::page::{Axis, Line, Page, Panel, Shade, Stroke};
use crate::report::palette::Colour;

/// Most points of a line.
const POINTS: usize = 400;
/// Fewest points that a line is thinned to for the sake of chance.
const POINTS_LEAST: usize = 20;
/// Events that a point should stand on: then chance moves a share of a half by 5 points.
const STANDS_ON: u64 = 100;

/// Virtual time of a run as an axis: seconds, minutes or hours, whichever reads best.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    unit_s: f64,
    name: &'static str,
    horizon_s: f64,
}

impl Clock {
    /// For the run.
    pub fn of(run: &StoredRun) -> Self {
        let horizon_s = run.summary.virtual_seconds;
        let (unit_s, name) = match horizon_s {
            s if s <= 900.0 => (1.0, "s"),
            s if s <= 6.0 * 3_600.0 => (60.0, "min"),
            _ => (3_600.0, "h"),
        };
        Self { unit_s, name, horizon_s }
    }

    /// Seconds in the axis' unit.
    pub fn at(self, seconds: f64) -> f64 {
        seconds / self.unit_s
    }

    /// The axis; only the lowest panel of a page names it.
    pub fn axis(self, named: bool) -> Axis {
        let label = format!("virtual time, {}", self.name);
        let label = if named { label } else { String::new() };
        let show = |value: f64| format!("{value}");
        Axis::linear(&label, 0.0, self.at(self.horizon_s), 8, show).of(self.name)
    }

    /// The faults as shaded intervals; only the highest panel of a page names them.
    pub fn shades(self, run: &StoredRun, named: bool) -> Vec<Shade> {
        let faults = run.summary.faults.iter().filter(|fault| fault.start_s < self.horizon_s);
        // A fault names its parts that happen at the same time.
        let is_part = |fault: &FaultSummary| {
            let whole = fault.name.split_once('/').map(|(whole, _)| whole);
            let same = |other: &FaultSummary| other.start_s == fault.start_s;
            run.summary.faults.iter().any(|other| Some(&*other.name) == whole && same(other))
        };
        let shade = |fault: &FaultSummary| Shade {
            name: if named && !is_part(fault) { fault.name.clone() } else { String::new() },
            from: self.at(fault.start_s),
            to: self.at(fault.end_s.min(self.horizon_s)),
        };
        faults.map(shade).collect()
    }
}

/// A page about the run.
pub fn page(run: &StoredRun, title: &str, panels: Vec<Panel>) -> Page {
    let summary = &run.summary;
    let mut subtitle =
        format!("{} under {}, seed {}", summary.scenario, summary.policy, summary.seed);
    if summary.replications > 1 {
        subtitle.push_str(&format!(", first of {} replications", summary.replications));
    }
    Page { title: title.to_owned(), subtitle, panels }
}

/// How many bins make one point, so that a line has at most 400 (more than the eye can part on a
/// page) and a point stands on a hundred of the `events`, as long as twenty points are left.
pub fn bins_per_point(bins: usize, events: u64) -> usize {
    let for_the_eye = bins.div_ceil(POINTS);
    let against_chance = (STANDS_ON * bins as u64).div_ceil(events.max(1)) as usize;
    for_the_eye.max(against_chance.min(bins / POINTS_LEAST)).max(1)
}

/// Requests that arrived in the replication whose series are stored.
pub fn arrived(run: &StoredRun) -> u64 {
    run.arrivals.iter().map(|row| u64::from(row.offered)).sum()
}

/// A line through values in order of time; where there is none, it is broken.
pub fn line(name: &str, values: impl Iterator<Item = (f64, Option<f64>)>, stroke: Stroke) -> Line {
    let mut pieces = vec![Vec::new()];
    for (x, value) in values {
        let piece = pieces.last_mut().expect("there is always a piece under way");
        match value {
            Some(y) => piece.push((x, y)),
            None if !piece.is_empty() => pieces.push(Vec::new()),
            None => {}
        }
    }
    pieces.retain(|piece| piece.len() > 1);
    Line { name: name.to_owned(), pieces, stroke }
}

/// A line that holds each value until the next: what changes at ticks.
pub fn steps(name: &str, values: impl Iterator<Item = (f64, f64)>, stroke: Stroke) -> Line {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (x, y) in values {
        match points.last() {
            Some((_, before)) if *before != y => points.extend([(x, *before), (x, y)]),
            _ => points.push((x, y)),
        }
    }
    points.dedup_by(|next, last| next == last);
    Line { name: name.to_owned(), pieces: vec![points], stroke }
}

/// A solid line.
pub const fn solid(colour: Colour, width: f64) -> Stroke {
    Stroke { colour, width, dashed: false }
}

/// A dashed line.
pub const fn dashed(colour: Colour, width: f64) -> Stroke {
    Stroke { colour, width, dashed: true }
}

/// Greatest value of some lines, 0 for none.
pub fn greatest<'a>(lines: impl Iterator<Item = &'a Line>) -> f64 {
    let points = lines.flat_map(|line| line.pieces.iter().flatten());
    points.map(|(_, y)| *y).fold(0.0, f64::max)
}

/// To a tenth, without a needless zero.
pub fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), ToOwned::to_owned)
}

/// Three significant digits at most.
pub fn three(value: f64) -> String {
    let text = format!("{value:.2e}");
    crate::record::significant(text.parse().expect("what was written as a number reads as one"))
        .to_string()
}

/// A part as a percentage.
pub fn percent(part: f64) -> String {
    format!("{} %", crate::record::significant(part * 100.0))
}

/// A count, thousands apart.
pub fn count(value: f64) -> String {
    if value.fract() != 0.0 {
        return crate::record::significant(value).to_string();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
