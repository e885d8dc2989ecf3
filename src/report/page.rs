//! A figure as data: panels under each other, in layout pixels and data units. Nothing is drawn
//! here.

use super::palette::Colour;

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// What it shows.
    pub title: String,
    /// Of which run.
    pub subtitle: String,
    /// From top to bottom.
    pub panels: Vec<Panel>,
}

/// A part of a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Panel {
    /// Lines or boxes over two axes.
    Plot(Plot),
    /// Who was in which state, when.
    Strips(Strips),
    /// Named times as horizontal bars.
    Bars(Bars),
    /// Small plots that share their axes.
    Small(SmallPlots),
    /// Numbers over two lists of values, the greater the darker.
    Heat(Heat),
    /// Points over two axes.
    Scatter(Scatter),
}

/// Numbers over two lists of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// What the numbers are, with their unit.
    pub heading: String,
    /// What varies to the right.
    pub x: String,
    /// What varies upwards.
    pub y: String,
    /// Values to the right.
    pub columns: Vec<String>,
    /// Values upwards, the lowest first.
    pub rows: Vec<String>,
    /// Row by row from the lowest: how dark, from 0 to 1, and the number in words; `None` where there is none.
    pub cells: Vec<Vec<Option<(f64, String)>>>,
}

/// Points over two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// What they are.
    pub heading: String,
    /// Height of the plotting area, in layout pixels.
    pub height: f64,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis; its label stands in the heading.
    pub y: Axis,
    /// The points, drawn in order.
    pub marks: Vec<Mark>,
    /// A line through some of them.
    pub line: Option<Line>,
}

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// What it is, for who points at it.
    pub name: String,
    /// Where.
    pub at: (f64, f64),
    /// How it looks.
    pub kind: MarkKind,
    /// A word beside it; empty for none.
    pub label: String,
}

/// How a point looks: by size and fill, not by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// One of many.
    Faint,
    /// One of few.
    Full,
    /// The one where it all began: a ring.
    Ring,
    /// The one that it is about: large.
    Chosen,
}

/// Small plots that share their axes.
#[derive(Clone, Debug, PartialEq)]
pub struct SmallPlots {
    /// What they show.
    pub heading: String,
    /// Horizontal axis of each; its label stands once under all.
    pub x: Axis,
    /// Vertical axis of each.
    pub y: Axis,
    /// Shaded intervals of each.
    pub shades: Vec<Shade>,
    /// A line behind that of each.
    pub behind: Option<Line>,
    /// Row by row.
    pub plots: Vec<Small>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Small {
    /// Its name.
    pub name: String,
    /// Its line.
    pub line: Line,
}

/// Lines or boxes over two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// What it shows, with the unit of the vertical axis.
    pub heading: String,
    /// Height of the plotting area, in layout pixels.
    pub height: f64,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Intervals of x that are shaded and named.
    pub shades: Vec<Shade>,
    /// Boxes from the horizontal axis up: (left, right, height).
    pub boxes: Vec<(f64, f64, f64)>,
    /// Filled areas behind the lines: intervals, and parts stacked.
    pub areas: Vec<Area>,
    /// Lines, drawn in order.
    pub lines: Vec<Line>,
    /// Entries of the legend at the right.
    pub legend: Vec<Entry>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it counts, with the unit; empty for none.
    pub label: String,
    /// Least value.
    pub low: f64,
    /// Greatest value, above `low`.
    pub high: f64,
    /// Where a grid line and a number stand, and what the number says.
    pub ticks: Vec<(f64, String)>,
    /// Whether it is logarithmic; then `low` is positive.
    pub log: bool,
    /// Unit of a value that somebody points at; `%` for parts of one.
    pub unit: &'static str,
}

/// An interval of x that is shaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Shade {
    /// Its name; empty for none.
    pub name: String,
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
}

/// An area between two lines over the same points.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// What it shows, as the legend names it.
    pub name: String,
    /// (x, lower, upper), ascending in x.
    pub points: Vec<(f64, f64, f64)>,
    /// Colour.
    pub colour: Colour,
    /// Whether it is an interval around a line, and so drawn faintly.
    pub faint: bool,
}

/// A line through points; gaps separate the pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it shows: as the legend names it, with `, expected` or the like behind.
    pub name: String,
    /// Pieces, each ascending in x.
    pub pieces: Vec<Vec<(f64, f64)>>,
    /// How it looks.
    pub stroke: Stroke,
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub colour: Colour,
    /// Width in layout pixels.
    pub width: f64,
    /// Whether it is dashed.
    pub dashed: bool,
}

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it says.
    pub text: String,
    /// The line it explains; `None` for a remark.
    pub stroke: Option<Stroke>,
}

/// Who was in which state, when.
#[derive(Clone, Debug, PartialEq)]
pub struct Strips {
    /// What it shows.
    pub heading: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Shaded intervals; their names stand in a plot above.
    pub shades: Vec<Shade>,
    /// From top to bottom.
    pub rows: Vec<Strip>,
}

/// One row of states.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// Who.
    pub name: String,
    /// Pieces of time that were not all healthy, ascending.
    pub pieces: Vec<StatePiece>,
}

/// Who was in which state during a piece of time, as parts of the whole that sum to at most 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatePiece {
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
    /// Part that was failed.
    pub failed: f64,
    /// Part that was degraded.
    pub degraded: f64,
    /// Part that was recovering.
    pub recovering: f64,
}

/// Named times as horizontal bars from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// What they belong to.
    pub heading: String,
    /// Horizontal axis, from 0.
    pub x: Axis,
    /// From top to bottom.
    pub rows: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What is measured.
    pub name: String,
    /// How long it is.
    pub length: Length,
    /// 95 % interval, where it is an estimate.
    pub interval: Option<(f64, f64)>,
    /// The value in words, written behind the bar.
    pub text: String,
    /// Colour.
    pub colour: Colour,
}

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// So long.
    Known(f64),
    /// Longer than this: drawn with an open end and an arrow.
    Open(f64),
    /// There is no value: only the text stands.
    None,
}

impl Axis {
    /// From `low` to `high` with about `count` round ticks; `show` writes them.
    pub fn linear(label: &str, low: f64, high: f64, count: u32, show: fn(f64) -> String) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / f64::from(count));
        let first = (low / step).ceil() as i64;
        let last = (high / step * (1.0 + 1e-9)).floor() as i64;
        let ticks = (first..=last).map(|i| (i as f64 * step, show(i as f64 * step))).collect();
        Self { label: label.to_owned(), low, high, ticks, log: false, unit: "" }
    }

    /// From 0 to the first round tick at or above `high`.
    pub fn from_zero(label: &str, high: f64, count: u32, show: fn(f64) -> String) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high / f64::from(count));
        Self::linear(label, 0.0, (high / step - 1e-9).ceil() * step, count, show)
    }

    /// Logarithmic from just below `low` (positive) to just above `high`, with ticks at 1, 2 and 5
    /// times powers of ten; wide enough for two of them.
    pub fn log(label: &str, low: f64, high: f64, show: fn(f64) -> String) -> Self {
        let (mut low, mut high) = (low / 1.15, high * 1.15);
        let mut decade = 1.0;
        while decade > low {
            decade /= 10.0;
        }
        while decade * 10.0 <= low {
            decade *= 10.0;
        }
        let mut marks: Vec<f64> = Vec::new();
        while decade <= high * 10.0 {
            marks.extend([decade, 2.0 * decade, 5.0 * decade]);
            decade *= 10.0;
        }
        let first = marks.iter().rposition(|mark| *mark < low).map_or(0, |before| before + 1);
        match marks[first..].iter().filter(|mark| **mark <= high).count() {
            0 => (low, high) = (marks[first - 1], marks[first]),
            1 => high = marks[first + 1],
            _ => {}
        }
        // A mark just above is worth the room: without it nobody can read the highest values.
        high =
            marks.iter().copied().find(|mark| (high..=1.4 * high).contains(mark)).unwrap_or(high);
        marks.retain(|mark| (low..=high).contains(mark));
        let ticks = marks.into_iter().map(|mark| (mark, show(mark))).collect();
        Self { label: label.to_owned(), low, high, ticks, log: true, unit: "" }
    }

    /// The same, for values in this unit.
    #[must_use]
    pub fn of(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Where a value lies, 0 at `low` and 1 at `high`, held within.
    pub fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.log { libm::log10(value.max(self.low)) } else { value };
        let (low, high) = (scale(self.low), scale(self.high));
        ((scale(value) - low) / (high - low)).clamp(0.0, 1.0)
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is at least `step` (which is positive).
fn round_step(step: f64) -> f64 {
    let mut decade = 1.0;
    while decade > step {
        decade /= 10.0;
    }
    while decade * 10.0 <= step {
        decade *= 10.0;
    }
    let round = [1.0, 2.0, 2.5, 5.0].into_iter().map(|factor| factor * decade);
    round.into_iter().find(|round| *round >= step * (1.0 - 1e-9)).unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(axis: &Axis) -> Vec<f64> {
        axis.ticks.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn ticks_are_round_and_within() {
        let show = |value: f64| value.to_string();
        assert_eq!(ticks(&Axis::linear("", 0.0, 240.0, 6, show)), [0.0, 50.0, 100.0, 150.0, 200.0]);
        let axis = Axis::from_zero("", 0.37, 4, show);
        assert_eq!((axis.high, axis.ticks.len()), (0.4, 5));
        let axis = Axis::log("", 2.3, 17.0, show);
        assert_eq!(ticks(&axis), [2.0, 5.0, 10.0, 20.0]);
        assert_eq!((axis.low, axis.high), (2.0, 20.0));
        assert_eq!(ticks(&Axis::log("", 2.3, 4.0, show)), [2.0, 5.0]);
        assert_eq!(ticks(&Axis::log("", 2.6, 3.0, show)), [2.0, 5.0]);
    }

    #[test]
    fn an_axis_without_extent_still_has_one() {
        let show = |value: f64| value.to_string();
        assert!(Axis::from_zero("", 0.0, 4, show).high > 0.0);
        let axis = Axis::log("", 10.0, 10.0, show);
        assert!(axis.high > axis.low && axis.ticks.len() > 1);
    }
}
