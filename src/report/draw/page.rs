//! A whole page: title, then its panels under each other.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingBackend};

use super::layout::Layout;
use super::sheet::{Anchor, DrawError, Lettering, Sheet};
use super::{bars, grid, heat, plot, scatter, strips};
use crate::report::page::{Page, Panel};
use crate::report::palette::{GREY, INK};

/// Space under the last panel.
const FOOT: f64 = 8.0;

/// Height of a page in layout pixels.
pub fn height(page: &Page, layout: &Layout) -> f64 {
    let panels = page.panels.iter().map(|panel| panel_height(panel, layout));
    layout.head + panels.sum::<f64>() + FOOT
}

fn panel_height(panel: &Panel, layout: &Layout) -> f64 {
    match panel {
        Panel::Plot(plot) => plot::height(plot, layout),
        Panel::Strips(strips) => strips::height(strips, layout),
        Panel::Bars(bars) => bars::height(bars, layout),
        Panel::Small(plots) => grid::height(plots, layout),
        Panel::Heat(heat) => heat::height(heat, layout),
        Panel::Scatter(scatter) => scatter::height(scatter, layout),
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
    layout: &Layout,
) -> Result<(), DrawError> {
    let sheet = Sheet::new(area, scale, lettering, *layout)?;
    if layout.beside {
        let title = sheet.fit(&page.title, 16.0, layout.width - 24.0);
        sheet.text(12.0, 17.0, &title, 16.0, INK, Anchor::Left)?;
        let subtitle = sheet.fit(&page.subtitle, 12.0, layout.width - 24.0);
        sheet.text(12.0, 36.0, &subtitle, 12.0, GREY, Anchor::Left)?;
    }
    let mut top = layout.head;
    for panel in &page.panels {
        match panel {
            Panel::Plot(plot) => plot::draw(&sheet, plot, top)?,
            Panel::Strips(strips) => strips::draw(&sheet, strips, top)?,
            Panel::Bars(bars) => bars::draw(&sheet, bars, top)?,
            Panel::Small(plots) => grid::draw(&sheet, plots, top)?,
            Panel::Heat(heat) => heat::draw(&sheet, heat, top)?,
            Panel::Scatter(scatter) => scatter::draw(&sheet, scatter, top)?,
        }
        top += panel_height(panel, layout);
    }
    sheet.present()
}
