//! The few strokes that every picture is made of, in layout pixels.

use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingBackend, IntoFont, PathElement, Polygon, RGBColor, Rectangle,
    ShapeStyle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, TextStyle};

use super::layout::Layout;
use super::letters;
use crate::report::page::Stroke;
use crate::report::palette::{Colour, PAPER};

/// The one typeface, registered by [`crate::report::picture`].
const FONT: &str = "sans-serif";
/// plotters' font size is this many times the height of an em in SVG.
const EM: f64 = 1.24;
/// The base line is so far below the middle of a text, in ems.
const DROP: f64 = 0.34;
/// Half the height of an x, in ems.
const HALF_X: f64 = 0.26;
/// Dash and gap in layout pixels.
const DASH: f64 = 5.0;
const GAP: f64 = 3.5;

/// What a backend reports.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DrawError(String);

impl DrawError {
    /// From whatever a backend says.
    pub(in crate::report) fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Which point of a text stands at the given place; all are centred vertically.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
}

/// Who sets the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lettering {
    /// Whoever shows the picture, in a typeface of theirs: SVG.
    Viewer,
    /// We, pixel by pixel.
    Pixels,
}

/// A drawing area in layout pixels.
pub(super) struct Sheet<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: f64,
    lettering: Lettering,
    pub(super) layout: Layout,
}

impl<'a, DB: DrawingBackend> Sheet<'a, DB> {
    pub(super) fn new(
        area: &'a DrawingArea<DB, Shift>,
        scale: u32,
        lettering: Lettering,
        layout: Layout,
    ) -> Result<Self, DrawError> {
        area.fill(&colour(PAPER)).map_err(DrawError::new)?;
        Ok(Self { area, scale: f64::from(scale), lettering, layout })
    }

    pub(super) fn present(&self) -> Result<(), DrawError> {
        self.area.present().map_err(DrawError::new)
    }

    /// A filled rectangle between two corners.
    pub(super) fn fill(
        &self,
        (x0, y0): (f64, f64),
        (x1, y1): (f64, f64),
        with: Colour,
    ) -> Result<(), DrawError> {
        let corners = [self.pixel((x0, y0)), self.pixel((x1, y1))];
        self.area.draw(&Rectangle::new(corners, colour(with).filled())).map_err(DrawError::new)
    }

    /// A filled circle.
    pub(super) fn dot(&self, at: (f64, f64), radius: f64, with: Colour) -> Result<(), DrawError> {
        let radius = (radius * self.scale).round() as i32;
        let dot = Circle::new(self.pixel(at), radius, colour(with).filled());
        self.area.draw(&dot).map_err(DrawError::new)
    }

    /// A filled area within corners.
    pub(super) fn area(&self, corners: &[(f64, f64)], with: Colour) -> Result<(), DrawError> {
        let corners: Vec<_> = corners.iter().map(|corner| self.pixel(*corner)).collect();
        if corners.len() < 3 {
            return Ok(());
        }
        self.area.draw(&Polygon::new(corners, colour(with).filled())).map_err(DrawError::new)
    }

    /// A line through points.
    pub(super) fn line(&self, points: &[(f64, f64)], stroke: Stroke) -> Result<(), DrawError> {
        if !stroke.dashed {
            return self.solid(points, stroke);
        }
        for dash in dashes(points) {
            self.solid(&dash, stroke)?;
        }
        Ok(())
    }

    fn solid(&self, points: &[(f64, f64)], stroke: Stroke) -> Result<(), DrawError> {
        let mut pixels: Vec<_> = points.iter().map(|point| self.pixel(*point)).collect();
        pixels.dedup();
        if pixels.len() < 2 {
            return Ok(());
        }
        let style = ShapeStyle {
            color: colour(stroke.colour).to_rgba(),
            filled: false,
            stroke_width: (stroke.width * self.scale).round().max(1.0) as u32,
        };
        self.area.draw(&PathElement::new(pixels, style)).map_err(DrawError::new)
    }

    /// A line of text, vertically centred at `y`.
    pub(super) fn text(
        &self,
        x: f64,
        y: f64,
        text: &str,
        size: f64,
        with: Colour,
        anchor: Anchor,
    ) -> Result<(), DrawError> {
        let colour = colour(with);
        if self.lettering == Lettering::Pixels {
            let before = match anchor {
                Anchor::Left => 0.0,
                Anchor::Centre => self.width(text, size) / 2.0,
                Anchor::Right => self.width(text, size),
            };
            let start = ((x - before) * self.scale, (y + size * DROP) * self.scale);
            return letters::cover(text, size * self.scale, start, |pixel, covered| {
                self.area.draw_pixel(pixel, &colour.mix(covered)).map_err(DrawError::new)
            });
        }
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        // plotters writes a shift of half the height of an x below the point.
        let point = self.pixel((x, y + size * (DROP - HALF_X)));
        let font = (FONT, size * EM * self.scale).into_font();
        let pos = Pos::new(horizontal, VPos::Center);
        let style = TextStyle::from(font).color(&colour).pos(pos);
        self.area.draw(&Text::new(text.to_owned(), point, style)).map_err(DrawError::new)
    }

    /// Width of a text in layout pixels, in our typeface; others are up to a tenth wider.
    pub(super) fn width(&self, text: &str, size: f64) -> f64 {
        letters::width(text, size * self.scale) / self.scale
    }

    /// The text, cut with an ellipsis where it is wider than `width`.
    pub(super) fn fit(&self, text: &str, size: f64, width: f64) -> String {
        let mut cut = text.to_owned();
        let mut shown = text.to_owned();
        while self.width(&shown, size) > width && cut.pop().is_some() {
            shown = format!("{}…", cut.trim_end());
        }
        shown
    }

    /// The text in two parts, the first at most `width` wide and ending at a blank.
    pub(super) fn broken(&self, text: &str, size: f64, width: f64) -> (String, String) {
        if self.width(text, size) <= width {
            return (text.to_owned(), String::new());
        }
        let fits = |at: &usize| self.width(&text[..*at], size) <= width;
        let blanks: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
        match blanks.into_iter().rfind(fits) {
            Some(at) => (text[..at].to_owned(), text[at + 1..].to_owned()),
            None => (text.to_owned(), String::new()),
        }
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }
}

fn colour(colour: Colour) -> RGBColor {
    RGBColor(colour.0, colour.1, colour.2)
}

/// Cuts a line into dashes.
fn dashes(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut dashes = Vec::new();
    let mut dash: Vec<_> = points.first().copied().into_iter().collect();
    let (mut left, mut on) = (DASH, true);
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let length = (dx * dx + dy * dy).sqrt();
            if length < left {
                left -= length;
                if on {
                    dash.push(to);
                }
                break;
            }
            let part = left / length;
            from = (from.0 + dx * part, from.1 + dy * part);
            dash.push(from);
            if on {
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![from];
            }
            on = !on;
            left = if on { DASH } else { GAP };
        }
    }
    if on && dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_the_line_and_leave_gaps() {
        let dashes = dashes(&[(0.0, 0.0), (3.0, 0.0), (20.0, 0.0)]);
        assert_eq!(dashes[0], [(0.0, 0.0), (3.0, 0.0), (5.0, 0.0)]);
        assert_eq!(dashes[1], [(8.5, 0.0), (13.5, 0.0)]);
        assert_eq!(dashes.len(), 3);
    }
}
