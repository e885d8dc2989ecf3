//! Axes, grid and shaded intervals: what a plot and a strip have in common.

use plotters::prelude::DrawingBackend;

use super::layout::Layout;
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Axis, Shade, Stroke};
use crate::report::palette::{GREY, GRID, INK, SHADE};

/// Height of one row of shades' names.
pub(super) const NAMES: f64 = 15.0;
/// Height of the numbers under an axis.
pub(super) const NUMBERS: f64 = 22.0;
/// Height of the label under the numbers.
pub(super) const LABEL: f64 = 18.0;

/// The rectangle in which data is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

const THIN: Stroke = Stroke { colour: GRID, width: 1.0, dashed: false };
const EDGE: Stroke = Stroke { colour: GREY, width: 0.75, dashed: true };

pub(super) fn heading<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    text: &str,
    top: f64,
) -> Result<(), DrawError> {
    let Layout { width, heading, .. } = sheet.layout;
    if sheet.layout.beside {
        return sheet.text(12.0, top + heading / 2.0, text, 13.0, INK, Anchor::Left);
    }
    // A column is narrow: two lines, if need be.
    let (first, rest) = sheet.broken(text, 11.0, width - 10.0);
    let middle = top + if rest.is_empty() { heading - 9.0 } else { heading / 2.0 - 6.5 };
    sheet.text(5.0, middle, &first, 11.0, INK, Anchor::Left)?;
    let rest = sheet.fit(&rest, 11.0, width - 10.0);
    sheet.text(5.0, middle + 13.0, &rest, 11.0, INK, Anchor::Left)
}

impl Frame {
    /// Between the margins that all panels over time share.
    pub(super) const fn between(layout: &Layout, top: f64, bottom: f64) -> Self {
        Self { left: layout.left, right: layout.right, top, bottom }
    }

    pub(super) fn x_at(self, axis: &Axis, value: f64) -> f64 {
        self.left + (self.right - self.left) * axis.place(value)
    }

    pub(super) fn y_at(self, axis: &Axis, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * axis.place(value)
    }

    pub(super) fn shade<DB: DrawingBackend>(
        self,
        sheet: &Sheet<'_, DB>,
        x: &Axis,
        shades: &[Shade],
    ) -> Result<(), DrawError> {
        for shade in shades {
            let (from, to) = (self.x_at(x, shade.from), self.x_at(x, shade.to));
            sheet.fill((from, self.top), (to, self.bottom), SHADE)?;
        }
        Ok(())
    }

    /// The edges of shaded intervals, on top of the grid.
    pub(super) fn edges<DB: DrawingBackend>(
        self,
        sheet: &Sheet<'_, DB>,
        x: &Axis,
        shades: &[Shade],
    ) -> Result<(), DrawError> {
        for at in shades.iter().flat_map(|shade| [shade.from, shade.to]) {
            if at > x.low && at < x.high {
                sheet
                    .line(&[(self.x_at(x, at), self.top), (self.x_at(x, at), self.bottom)], EDGE)?;
            }
        }
        Ok(())
    }

    pub(super) fn x_axis<DB: DrawingBackend>(
        self,
        sheet: &Sheet<'_, DB>,
        axis: &Axis,
    ) -> Result<(), DrawError> {
        let mut free = f64::NEG_INFINITY;
        for (at, text) in &axis.ticks {
            let x = self.x_at(axis, *at);
            sheet.line(&[(x, self.top), (x, self.bottom)], THIN)?;
            let half = sheet.width(text, 11.0) / 2.0;
            if x - half >= free {
                sheet.text(x, self.bottom + 10.0, text, 11.0, GREY, Anchor::Centre)?;
                free = x + half + 4.0;
            }
        }
        sheet.line(
            &[(self.left, self.bottom), (self.right, self.bottom)],
            Stroke { colour: GREY, ..THIN },
        )?;
        if axis.label.is_empty() {
            return Ok(());
        }
        let (x, y) = ((self.left + self.right) / 2.0, self.bottom + NUMBERS + 3.0);
        let half = sheet.width(&axis.label, 11.5) * 0.55;
        // A label wider than its axis stands as far to the right as there is room.
        let x = x.min(sheet.layout.width - half - 2.0).max(half + 2.0);
        sheet.text(x, y, &axis.label, 11.5, GREY, Anchor::Centre)
    }

    pub(super) fn y_axis<DB: DrawingBackend>(
        self,
        sheet: &Sheet<'_, DB>,
        axis: &Axis,
    ) -> Result<(), DrawError> {
        for (at, text) in &axis.ticks {
            let y = self.y_at(axis, *at);
            sheet.line(&[(self.left, y), (self.right, y)], THIN)?;
            sheet.text(self.left - 7.0, y, text, 11.0, GREY, Anchor::Right)?;
        }
        Ok(())
    }
}

/// Height of what stands under a frame.
pub(super) fn foot(axis: &Axis) -> f64 {
    if axis.label.is_empty() { NUMBERS } else { NUMBERS + LABEL }
}
