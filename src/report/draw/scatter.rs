//! Points over two axes.

use plotters::prelude::DrawingBackend;

use super::frame::{Frame, foot, heading};
use super::layout::Layout;
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Mark, MarkKind, Scatter};
use crate::report::palette::{BLUE, GREY, INK, PAPER, VERMILLION};

/// Above the plotting area.
const ABOVE: f64 = 6.0;

pub(super) fn height(scatter: &Scatter, layout: &Layout) -> f64 {
    layout.heading + ABOVE + scatter.height * layout.flat + foot(&scatter.x)
}

pub(super) fn draw<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    scatter: &Scatter,
    top: f64,
) -> Result<(), DrawError> {
    heading(sheet, &scatter.heading, top)?;
    let layout = sheet.layout;
    let upper = top + layout.heading + ABOVE;
    let frame = Frame::between(&layout, upper, upper + scatter.height * layout.flat);
    frame.x_axis(sheet, &scatter.x)?;
    frame.y_axis(sheet, &scatter.y)?;
    let at = |(x, y): (f64, f64)| (frame.x_at(&scatter.x, x), frame.y_at(&scatter.y, y));
    if let Some(line) = &scatter.line {
        for piece in &line.pieces {
            let points: Vec<_> = piece.iter().map(|point| at(*point)).collect();
            sheet.line(&points, line.stroke)?;
        }
    }
    scatter.marks.iter().try_for_each(|mark| self::mark(sheet, at(mark.at), mark))
}

fn mark<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    (x, y): (f64, f64),
    mark: &Mark,
) -> Result<(), DrawError> {
    match mark.kind {
        MarkKind::Faint => sheet.dot((x, y), 2.5, GREY.lighter(0.45))?,
        MarkKind::Full => sheet.dot((x, y), 3.5, BLUE)?,
        MarkKind::Ring => {
            sheet.dot((x, y), 5.0, INK)?;
            sheet.dot((x, y), 3.25, PAPER)?;
        }
        MarkKind::Chosen => sheet.dot((x, y), 6.0, VERMILLION)?,
    }
    if mark.label.is_empty() {
        return Ok(());
    }
    let anchor = if x > f64::midpoint(sheet.layout.left, sheet.layout.right) {
        Anchor::Right
    } else {
        Anchor::Left
    };
    let beside = if anchor == Anchor::Left { 9.0 } else { -9.0 };
    sheet.text(x + beside, y - 9.0, &mark.label, 11.0, INK, anchor)
}
