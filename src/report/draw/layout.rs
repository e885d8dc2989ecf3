//! How wide a picture is, and where things stand in it: a page of a screen, or a column of print.

use super::letters;
use crate::report::page::{Entry, Page, Panel};

/// Places in layout pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Width of the picture.
    pub width: f64,
    /// Height of title and subtitle; 0 where they stand in a caption outside.
    pub(super) head: f64,
    /// Height of a panel's heading.
    pub(super) heading: f64,
    /// Left edge of every plotting area: room for the numbers of the vertical axis.
    pub(super) left: f64,
    /// Right edge of every plotting area: behind it stand names, and legends where there is room for them.
    pub(super) right: f64,
    /// Whether legends stand beside plots, or else above them.
    pub(super) beside: bool,
    /// Height of plotting areas, in parts of what their figures ask for.
    pub(super) flat: f64,
    /// Left end of the axis of bars: before it stand the names.
    pub(super) bars_left: f64,
    /// Its right end: behind it is room for the values in words.
    pub(super) bars_right: f64,
    /// Small plots beside each other.
    pub(super) columns: usize,
}

/// Height of an entry of a legend.
pub(super) const ENTRY: f64 = 17.0;
/// Where the text of an entry begins.
pub(super) const INDENT: f64 = 27.0;
/// Between two entries beside each other.
const BETWEEN: f64 = 12.0;

impl Layout {
    /// A page of a screen.
    pub const WIDE: Self = Self {
        width: 860.0,
        head: 48.0,
        heading: 24.0,
        left: 62.0,
        right: 860.0 - 190.0,
        beside: true,
        flat: 1.0,
        bars_left: 210.0,
        bars_right: 860.0 - 230.0,
        columns: 4,
    };

    /// A column of print: 340 pixels are 3.5 inches at 96 to an inch, letters of 11 pixels are 8 points. Title
    /// and subtitle belong into the caption.
    pub fn column(page: &Page) -> Self {
        let strips = page.panels.iter().any(|panel| matches!(panel, Panel::Strips(_)));
        Self {
            width: 340.0,
            head: 2.0,
            heading: 32.0,
            left: 48.0,
            right: if strips { 244.0 } else { 330.0 },
            beside: false,
            flat: 0.72,
            bars_left: 122.0,
            bars_right: 222.0,
            columns: 2,
        }
    }

    /// Where legends and names begin.
    pub(super) fn margin(&self) -> f64 {
        self.right + if self.beside { 12.0 } else { 6.0 }
    }

    /// Width of legends and names.
    pub(super) fn margin_width(&self) -> f64 {
        self.width - self.margin() - if self.beside { 8.0 } else { 2.0 }
    }

    /// Where each entry of a legend above a plot stands, (left, row).
    pub(super) fn above(&self, entries: &[Entry]) -> Vec<(f64, usize)> {
        let (mut x, mut row) = (self.left, 0);
        let mut places = Vec::new();
        for entry in entries {
            // Viewers' typefaces are up to a tenth wider than ours.
            let width = INDENT + letters::width(&entry.text, 11.5) * 1.1 + BETWEEN;
            if x > self.left && x + width - BETWEEN > self.width {
                (x, row) = (self.left, row + 1);
            }
            places.push((x, row));
            x += width;
        }
        places
    }

    /// Height of a legend above a plot.
    pub(super) fn legend_height(&self, entries: &[Entry]) -> f64 {
        if self.beside {
            return 0.0;
        }
        self.above(entries).last().map_or(0.0, |(_, row)| (*row + 1) as f64 * ENTRY)
    }
}
