//! A whole page: title, then its panels under each other.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

use super::sheet::{Anchor, DrawError, Lettering, Sheet};
use super::{bars, grid, plot, strips};
use crate::report::page::{Page, Panel};
use crate::report::palette::{GREY, INK};

/// Width of every page in layout pixels.
pub const WIDTH: f64 = 860.0;
/// Height of title and subtitle.
const HEAD: f64 = 48.0;
/// Space under the last panel.
const FOOT: f64 = 8.0;

/// Height of a page in layout pixels.
pub fn height(page: &Page) -> f64 {
    HEAD + page.panels.iter().map(panel_height).sum::<f64>() + FOOT
}

fn panel_height(panel: &Panel) -> f64 {
    match panel {
        Panel::Plot(plot) => plot::height(plot),
        Panel::Strips(strips) => strips::height(strips),
        Panel::Bars(bars) => bars::height(bars),
        Panel::Small(plots) => grid::height(plots),
    }
}

/// Draws a page, `scale` device pixels to a layout pixel.
///
/// # Errors
/// What the backend reports.
pub fn draw<DB: DrawingBackend>(
    page: &Page,
    area: &DrawingArea<DB, Shift>,
    scale: u32,
    lettering: Lettering,
) -> Result<(), DrawError> {
    let sheet = Sheet::new(area, scale, lettering)?;
    let title = sheet.fit(&page.title, 16.0, WIDTH - 24.0);
    sheet.text(12.0, 17.0, &title, 16.0, INK, Anchor::Left)?;
    let subtitle = sheet.fit(&page.subtitle, 12.0, WIDTH - 24.0);
    sheet.text(12.0, 36.0, &subtitle, 12.0, GREY, Anchor::Left)?;
    let mut top = HEAD;
    for panel in &page.panels {
        match panel {
            Panel::Plot(plot) => plot::draw(&sheet, plot, top)?,
            Panel::Strips(strips) => strips::draw(&sheet, strips, top)?,
            Panel::Bars(bars) => bars::draw(&sheet, bars, top)?,
            Panel::Small(plots) => grid::draw(&sheet, plots, top)?,
        }
        top += panel_height(panel);
    }
    sheet.present()
}
