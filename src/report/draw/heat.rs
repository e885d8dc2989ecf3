//! A table of numbers, the greater the darker.

use plotters::prelude::DrawingBackend;

use super::frame::heading;
use super::layout::Layout;
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::Heat;
use crate::report::palette::{Colour, GREY, GRID, INK};

const ROW: f64 = 26.0;
const NAMES: f64 = 20.0;
const LABEL: f64 = 18.0;

pub(super) fn height(heat: &Heat, layout: &Layout) -> f64 {
    layout.heading + LABEL + heat.rows.len() as f64 * ROW + NAMES + LABEL + 6.0
}

pub(super) fn draw<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    heat: &Heat,
    top: f64,
) -> Result<(), DrawError> {
    heading(sheet, &heat.heading, top)?;
    let layout = sheet.layout;
    let (left, right) = (
        layout.left + 30.0,
        layout.right.min(layout.left + 30.0 + 90.0 * heat.columns.len() as f64),
    );
    let top = top + layout.heading;
    sheet.text(left, top + LABEL / 2.0, &heat.y, 11.0, GREY, Anchor::Left)?;
    let top = top + LABEL;
    let width = (right - left) / heat.columns.len().max(1) as f64;
    let rows = heat.rows.len();
    for (r, (row, cells)) in heat.rows.iter().zip(&heat.cells).enumerate() {
        let above = top + (rows - 1 - r) as f64 * ROW;
        sheet.text(left - 7.0, above + ROW / 2.0, row, 11.0, GREY, Anchor::Right)?;
        for (c, cell) in cells.iter().enumerate() {
            let x = left + c as f64 * width;
            let (colour, text) = match cell {
                Some((part, text)) => (Colour::heat(*part), text.as_str()),
                None => (GRID, "–"),
            };
            sheet.fill((x + 1.0, above + 1.0), (x + width - 1.0, above + ROW - 1.0), colour)?;
            let text = sheet.fit(text, 11.0, width - 4.0);
            sheet.text(x + width / 2.0, above + ROW / 2.0, &text, 11.0, INK, Anchor::Centre)?;
        }
    }
    let below = top + rows as f64 * ROW;
    for (c, column) in heat.columns.iter().enumerate() {
        let x = left + (c as f64 + 0.5) * width;
        let text = sheet.fit(column, 11.0, width - 2.0);
        sheet.text(x, below + NAMES / 2.0, &text, 11.0, GREY, Anchor::Centre)?;
    }
    let middle = f64::midpoint(left, right);
    sheet.text(middle, below + NAMES + LABEL / 2.0, &heat.x, 11.5, GREY, Anchor::Centre)
}
