//! Axes, grid and shaded intervals: what a plot and a strip have in common.

use plotters::prelude::DrawingBackend;

use super::WIDTH;
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Axis, Shade, Stroke};
use crate::report::palette::{GREY, GRID, INK, SHADE};

/// Left edge of every plotting area: room for the numbers of the vertical axis.
pub(super) const LEFT: f64 = 62.0;
/// Right edge of every plotting area: behind it stand legends and names.
pub(super) const RIGHT: f64 = WIDTH - 190.0;
/// Where legends and names begin.
pub(super) const MARGIN: f64 = RIGHT + 12.0;
/// Width of legends and names.
pub(super) const MARGIN_WIDTH: f64 = WIDTH - MARGIN - 8.0;
/// Height of a panel's heading.
pub(super) const HEADING: f64 = 24.0;
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
    sheet.text(12.0, top + HEADING / 2.0, text, 13.0, INK, Anchor::Left)
}

impl Frame {
    /// Between the margins that all panels over time share.
    pub(super) const fn between(top: f64, bottom: f64) -> Self {
        Self { left: LEFT, right: RIGHT, top, bottom }
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
        for (at, text) in &axis.ticks {
            let x = self.x_at(axis, *at);
            sheet.line(&[(x, self.top), (x, self.bottom)], THIN)?;
            sheet.text(x, self.bottom + 10.0, text, 11.0, GREY, Anchor::Centre)?;
        }
        sheet.line(
            &[(self.left, self.bottom), (self.right, self.bottom)],
            Stroke { colour: GREY, ..THIN },
        )?;
        if axis.label.is_empty() {
            return Ok(());
        }
        let (x, y) = ((self.left + self.right) / 2.0, self.bottom + NUMBERS + 3.0);
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
