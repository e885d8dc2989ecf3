//! Small plots beside and under each other, all with the same axes.

use plotters::prelude::DrawingBackend;

use super::frame::{Frame, foot, heading};
use super::layout::Layout;
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Axis, Small, SmallPlots};
use crate::report::palette::INK;

/// Height of a plotting area.
const HEIGHT: f64 = 74.0;
/// Height of a plot's name.
const NAME: f64 = 18.0;
/// Room for the numbers of the vertical axis.
const NUMBERS: f64 = 34.0;
/// Between two plots.
const GAP: f64 = 12.0;

fn rows(plots: &SmallPlots, layout: &Layout) -> usize {
    plots.plots.len().div_ceil(layout.columns)
}

fn row_height(plots: &SmallPlots) -> f64 {
    NAME + HEIGHT + foot(&bare(&plots.x))
}

/// The axis without its label, which stands once under all.
fn bare(axis: &Axis) -> Axis {
    Axis { label: String::new(), ..axis.clone() }
}

pub(super) fn height(plots: &SmallPlots, layout: &Layout) -> f64 {
    layout.heading + rows(plots, layout) as f64 * row_height(plots) + 22.0
}

pub(super) fn draw<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    plots: &SmallPlots,
    top: f64,
) -> Result<(), DrawError> {
    heading(sheet, &plots.heading, top)?;
    let Layout { width: whole, heading: above, columns, .. } = sheet.layout;
    let side = if sheet.layout.beside { 12.0 } else { 2.0 };
    let width = (whole - 2.0 * side) / columns as f64;
    for (i, plot) in plots.plots.iter().enumerate() {
        let left = side + (i % columns) as f64 * width;
        let upper = top + above + (i / columns) as f64 * row_height(plots);
        one(sheet, plots, plot, (left, upper), width)?;
    }
    let bottom = top + above + rows(plots, &sheet.layout) as f64 * row_height(plots) + 6.0;
    sheet.text(whole / 2.0, bottom, &plots.x.label, 11.5, INK, Anchor::Centre)
}

fn one<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    plots: &SmallPlots,
    plot: &Small,
    (left, top): (f64, f64),
    width: f64,
) -> Result<(), DrawError> {
    let upper = top + NAME;
    let frame = Frame {
        left: left + NUMBERS,
        right: left + width - GAP,
        top: upper,
        bottom: upper + HEIGHT,
    };
    let axis = bare(&plots.x);
    frame.shade(sheet, &axis, &plots.shades)?;
    frame.x_axis(sheet, &axis)?;
    frame.y_axis(sheet, &plots.y)?;
    for line in plots.behind.iter().chain([&plot.line]) {
        for piece in &line.pieces {
            let at = |(x, y): &(f64, f64)| (frame.x_at(&axis, *x), frame.y_at(&plots.y, *y));
            let points: Vec<_> = piece.iter().map(at).collect();
            sheet.line(&points, line.stroke)?;
        }
    }
    let name = sheet.fit(&plot.name, 11.5, width - GAP);
    sheet.text(frame.left, top + NAME / 2.0, &name, 11.5, INK, Anchor::Left)
}
