//! Health states over time. Each state has a colour *and* a texture: failed is solid, degraded has
//! upright stripes, recovering has level lines.

use plotters::prelude::DrawingBackend;

use super::frame::{Frame, foot, heading};
use super::layout::{ENTRY, Layout};
use super::sheet::{Anchor, DrawError, Sheet};
use crate::report::page::{Strips, Stroke};
use crate::report::palette::{Colour, GRID, INK, ORANGE, SKY, VERMILLION};

/// Height of a row, with the gap to the next.
const ROW: f64 = 15.0;
const GAP: f64 = 3.0;

/// How a state is drawn.
#[derive(Clone, Copy)]
struct Texture {
    name: &'static str,
    colour: Colour,
    fill: Fill,
}

#[derive(Clone, Copy)]
enum Fill {
    Solid,
    Upright,
    Level,
}

const FAILED: Texture = Texture { name: "failed", colour: VERMILLION, fill: Fill::Solid };
const DEGRADED: Texture = Texture { name: "degraded", colour: ORANGE, fill: Fill::Upright };
const RECOVERING: Texture = Texture { name: "recovering", colour: SKY, fill: Fill::Level };

/// Above a column's strips the legend has a row of its own.
fn legend_height(layout: &Layout) -> f64 {
    if layout.beside { 0.0 } else { ENTRY }
}

pub(super) fn height(strips: &Strips, layout: &Layout) -> f64 {
    layout.heading + legend_height(layout) + strips.rows.len() as f64 * ROW + foot(&strips.x)
}

pub(super) fn draw<DB: DrawingBackend>(
    sheet: &Sheet<'_, DB>,
    strips: &Strips,
    top: f64,
) -> Result<(), DrawError> {
    heading(sheet, &strips.heading, top)?;
    let layout = sheet.layout;
    let rows = top + layout.heading + legend_height(&layout);
    legend(sheet, if layout.beside { top + layout.heading / 2.0 } else { rows - ENTRY / 2.0 })?;
    let frame = Frame::between(&layout, rows, rows + strips.rows.len() as f64 * ROW);
    frame.shade(sheet, &strips.x, &strips.shades)?;
    frame.x_axis(sheet, &strips.x)?;
    frame.edges(sheet, &strips.x, &strips.shades)?;
    for (i, row) in strips.rows.iter().enumerate() {
        let (above, below) = (rows + i as f64 * ROW + GAP, rows + (i + 1) as f64 * ROW);
        let line = Stroke { colour: GRID, width: 1.0, dashed: false };
        sheet.line(&[(layout.left, below), (layout.right, below)], line)?;
        for piece in &row.pieces {
            let (from, to) = (frame.x_at(&strips.x, piece.from), frame.x_at(&strips.x, piece.to));
            let mut bottom = below;
            let parts = [
                (FAILED, piece.failed),
                (DEGRADED, piece.degraded),
                (RECOVERING, piece.recovering),
            ];
            for (texture, part) in parts.into_iter().filter(|(_, part)| *part > 0.0) {
                let top = bottom - (below - above) * part;
                texture.draw(sheet, (from, top), (to, bottom))?;
                bottom = top;
            }
        }
        let name = sheet.fit(&row.name, 11.0, layout.margin_width() * 0.92);
        sheet.text(layout.margin(), (above + below) / 2.0, &name, 11.0, INK, Anchor::Left)?;
    }
    Ok(())
}

fn legend<DB: DrawingBackend>(sheet: &Sheet<'_, DB>, y: f64) -> Result<(), DrawError> {
    let mut x = if sheet.layout.beside { sheet.layout.right } else { sheet.layout.width - 4.0 };
    for texture in [RECOVERING, FAILED, DEGRADED] {
        // Viewers' typefaces are up to a tenth wider than ours.
        x -= sheet.width(texture.name, 11.0) * 1.1;
        sheet.text(x, y, texture.name, 11.0, INK, Anchor::Left)?;
        x -= 28.0;
        texture.draw(sheet, (x, y - 5.0), (x + 22.0, y + 5.0))?;
        x -= 16.0;
    }
    Ok(())
}

impl Texture {
    fn draw<DB: DrawingBackend>(
        self,
        sheet: &Sheet<'_, DB>,
        (left, top): (f64, f64),
        (right, bottom): (f64, f64),
    ) -> Result<(), DrawError> {
        let right = right.max(left + 1.0);
        let stroke = Stroke { colour: self.colour, width: 1.5, dashed: false };
        match self.fill {
            Fill::Solid => sheet.fill((left, top), (right, bottom), self.colour),
            Fill::Upright => {
                sheet.fill((left, top), (right, bottom), self.colour.lighter(0.6))?;
                let stripes = (0..).map(|i| left + 1.0 + 4.0 * f64::from(i));
                for x in stripes.take_while(|x| *x < right) {
                    sheet.line(&[(x, top), (x, bottom)], stroke)?;
                }
                Ok(())
            }
            Fill::Level => {
                sheet.fill((left, top), (right, bottom), self.colour.lighter(0.75))?;
                let stripes = (0..).map(|i| bottom - 1.0 - 4.0 * f64::from(i));
                for y in stripes.take_while(|y| *y > top) {
                    sheet.line(&[(left, y), (right, y)], stroke)?;
                }
                Ok(())
            }
        }
    }
}
