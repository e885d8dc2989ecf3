//! Lines and boxes over two axes, with a legend at the right.

use plotters::prelude::DrawingBackend;

use super::frame::{Frame, NAMES, foot, heading};
use super::layout::{ENTRY, INDENT, Layout};
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Entry, Line, Plot};
use crate::report::palette::{BLUE, GREY, INK};

/// Rows of names above a plot; a fault whose name finds no room is shaded without one.
const NAME_ROWS: usize = 2;

pub(super) fn height(plot: &Plot, layout: &Layout) -> f64 {
    let legend = layout.legend_height(&plot.legend);
    layout.heading + legend + names_height(plot) + body(plot, layout) + foot(&plot.x)
}

/// The plot is made higher where its legend needs it.
fn body(plot: &Plot, layout: &Layout) -> f64 {
    let height = plot.height * layout.flat;
    if !layout.beside {
        return height;
    }
    height.max(plot.legend.len() as f64 * ENTRY - names_height(plot))
}

fn names_height(plot: &Plot) -> f64 {
    match plot.shades.iter().filter(|shade| !shade.name.is_empty()).count() {
        0 => 4.0,
        named => NAMES * named.min(NAME_ROWS) as f64 + 2.0,
    }
}

pub(super) fn draw<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    plot: &Plot,
    top: f64,
) -> Result<(), DrawError> {
    heading(sheet, &plot.heading, top)?;
    let layout = sheet.layout;
    let names_top = top + layout.heading + layout.legend_height(&plot.legend);
    let frame_top = names_top + names_height(plot);
    let frame = Frame::between(&layout, frame_top, frame_top + body(plot, &layout));
    frame.shade(sheet, &plot.x, &plot.shades)?;
    frame.x_axis(sheet, &plot.x)?;
    frame.y_axis(sheet, &plot.y)?;
    frame.edges(sheet, &plot.x, &plot.shades)?;
    names(sheet, plot, frame, names_top)?;
    for (left, right, value) in &plot.boxes {
        let (left, right) = (frame.x_at(&plot.x, *left), frame.x_at(&plot.x, *right));
        let corner = (right.max(left + 1.0), frame.bottom);
        sheet.fill((left, frame.y_at(&plot.y, *value)), corner, BLUE)?;
    }
    for area in &plot.areas {
        let x = |at: &f64| frame.x_at(&plot.x, *at);
        let upper = area.points.iter().map(|(at, _, high)| (x(at), frame.y_at(&plot.y, *high)));
        let lower = area.points.iter().map(|(at, low, _)| (x(at), frame.y_at(&plot.y, *low)));
        let corners: Vec<_> = upper.chain(lower.rev()).collect();
        let colour = if area.faint { area.colour.lighter(0.78) } else { area.colour };
        sheet.area(&corners, colour)?;
    }
    for line in &plot.lines {
        draw_line(sheet, plot, frame, line)?;
    }
    legend(sheet, &plot.legend, top + layout.heading + ENTRY / 2.0)
}

fn draw_line<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    plot: &Plot,
    frame: Frame,
    line: &Line,
) -> Result<(), DrawError> {
    for piece in &line.pieces {
        let at = |(x, y): &(f64, f64)| (frame.x_at(&plot.x, *x), frame.y_at(&plot.y, *y));
        let points: Vec<_> = piece.iter().map(at).collect();
        sheet.line(&points, line.stroke)?;
    }
    Ok(())
}

/// Names of shaded intervals, each over its start, in the first row that has room.
fn names<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    plot: &Plot,
    frame: Frame,
    top: f64,
) -> Result<(), DrawError> {
    let Layout { left, right, .. } = sheet.layout;
    let mut ends = [left; NAME_ROWS];
    for shade in plot.shades.iter().filter(|shade| !shade.name.is_empty()) {
        let name = sheet.fit(&shade.name, 11.0, (right - left) / 2.0);
        let width = sheet.width(&name, 11.0);
        let from = frame.x_at(&plot.x, shade.from).min(right - width);
        if let Some(row) = ends.iter().position(|end| *end <= from) {
            ends[row] = from + width + 8.0;
            let y = top + NAMES * (row as f64 + 0.5);
            sheet.text(from, y, &name, 11.0, GREY, Anchor::Left)?;
        }
    }
    Ok(())
}

fn legend<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    entries: &[Entry],
    top: f64,
) -> Result<(), DrawError> {
    let layout = sheet.layout;
    let places = match layout.beside {
        true => (0..entries.len()).map(|row| (layout.margin(), row)).collect(),
        false => layout.above(entries),
    };
    for (entry, (x, row)) in entries.iter().zip(places) {
        let y = top + ENTRY * row as f64;
        if let Some(stroke) = entry.stroke {
            sheet.line(&[(x, y), (x + 20.0, y)], stroke)?;
        }
        let room = if layout.beside { layout.margin_width() } else { layout.width - x };
        let text = sheet.fit(&entry.text, 11.5, (room - INDENT) * 0.92);
        sheet.text(x + INDENT, y, &text, 11.5, INK, Anchor::Left)?;
    }
    Ok(())
}
