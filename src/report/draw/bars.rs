//! Named times as horizontal bars, with intervals; a time that was not reached has an open end.

use plotters::prelude::DrawingBackend;

use super::frame::{Frame, foot, heading};
use super::layout::Layout;
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Axis, Bar, Bars, Length, Stroke};
use crate::report::palette::{GREY, INK, PAPER};

/// Height of a row.
const ROW: f64 = 24.0;
/// Height of a bar.
const BAR: f64 = 12.0;

pub(super) fn height(bars: &Bars, layout: &Layout) -> f64 {
    layout.heading + bars.rows.len() as f64 * ROW + foot(&bars.x) + 6.0
}

pub(super) fn draw<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    bars: &Bars,
    top: f64,
) -> Result<(), DrawError> {
    heading(sheet, &bars.heading, top)?;
    let Layout { heading: above, bars_left: left, bars_right: right, .. } = sheet.layout;
    let bottom = top + above + bars.rows.len() as f64 * ROW;
    let frame = Frame { left, right, top: top + above, bottom };
    frame.x_axis(sheet, &bars.x)?;
    for (i, bar) in bars.rows.iter().enumerate() {
        row(sheet, frame, &bars.x, bar, frame.top + (i as f64 + 0.5) * ROW)?;
    }
    Ok(())
}

fn row<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    frame: Frame,
    axis: &Axis,
    bar: &Bar,
    y: f64,
) -> Result<(), DrawError> {
    let zero = frame.x_at(axis, 0.0);
    let (above, below) = (y - BAR / 2.0, y + BAR / 2.0);
    let mut end = zero;
    match bar.length {
        Length::Known(length) => {
            end = frame.x_at(axis, length);
            sheet.fill((zero, above), (end.max(zero + 1.5), below), bar.colour)?;
        }
        Length::Open(length) => {
            end = frame.x_at(axis, length);
            sheet.fill((zero, above), (end, below), bar.colour.lighter(0.55))?;
            end = arrow(sheet, end, y, bar)?;
        }
        Length::None => {}
    }
    if let Some((low, high)) = bar.interval {
        let (low, high) = (frame.x_at(axis, low), frame.x_at(axis, high));
        let stroke = Stroke { colour: INK, width: 1.25, dashed: false };
        sheet.line(&[(low, y), (high, y)], stroke)?;
        for x in [low, high] {
            sheet.line(&[(x, y - 4.0), (x, y + 4.0)], stroke)?;
        }
        end = end.max(high);
    }
    let name = sheet.fit(&bar.name, 11.5, zero - 10.0);
    sheet.text(zero - 8.0, y, &name, 11.5, INK, Anchor::Right)?;
    let colour = if bar.length == Length::None { GREY } else { INK };
    let text = sheet.fit(&bar.text, 11.5, (sheet.layout.width - 15.0 - end) * 0.95);
    let behind = (end + 10.0 + sheet.width(&text, 11.5), below);
    sheet.fill((end + 5.0, above), behind, PAPER)?;
    sheet.text(end + 7.0, y, &text, 11.5, colour, Anchor::Left)
}

/// An arrow head behind the open end of a bar; returns where it ends.
fn arrow<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    x: f64,
    y: f64,
    bar: &Bar,
) -> Result<f64, DrawError> {
    let stroke = Stroke { colour: bar.colour, width: 2.0, dashed: false };
    let tip = x + 14.0;
    sheet.line(&[(x, y), (tip, y)], stroke)?;
    sheet.line(&[(tip - 6.0, y - 5.0), (tip, y), (tip - 6.0, y + 5.0)], stroke)?;
    Ok(tip)
}
