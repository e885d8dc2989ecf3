//! Pages as SVG and PNG files.

use std::path::{Path, PathBuf};
use std::sync::Once;

use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};
use plotters::style::{FontStyle, register_font};

use super::draw::{self, DrawError, Layout, Lettering};
use super::page::Page;
use super::{figure, league};
use crate::record::{Bench, Comparison, StoreError, StoredRun, Sweep, store};

/// Device pixels to a layout pixel: PNG files are sharp on dense screens, and lines in SVG files
/// fall between whole layout pixels.
const SCALE: u32 = 2;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The picture could not be drawn.
    #[error("cannot draw {}: {source}", path.display())]
    Draw {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: DrawError,
    },
    /// The picture could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The figures of a run with their names, in the order of a report. A figure that has nothing to
/// show (no fault, no states) is left out.
pub fn pages(run: &StoredRun) -> Vec<(&'static str, Page)> {
    all(run).into_iter().filter_map(|(name, page)| Some((name, page?))).collect()
}

fn all(run: &StoredRun) -> [(&'static str, Option<Page>); 6] {
    [
        ("share", figure::share::share(run)),
        ("weights", figure::weights::weights(run)),
        ("parts", figure::parts::parts(run)),
        ("goodput", figure::goodput::goodput(run)),
        ("latency", figure::latency::latency(run)),
        ("recovery", figure::recovery::recovery(run)),
    ]
}

/// Draws all figures of a run into a folder, as SVG and PNG, and returns the files in order. A figure
/// that an earlier run left there and this one does not have is removed.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn write_all(dir: &Path, run: &StoredRun) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = Vec::new();
    for (name, page) in all(run) {
        match page {
            Some(page) => paths.extend(write(dir, name, &page)?),
            None => ["svg", "png"]
                .iter()
                .try_for_each(|ending| store::remove(&dir.join(format!("{name}.{ending}"))))?,
        }
    }
    Ok(paths)
}

/// Draws the cost of decisions into a folder, as `overhead.svg` and `overhead.png`. No files
/// without a bench.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn write_overhead(dir: &Path, benches: &[Bench]) -> Result<Vec<PathBuf>, ReportError> {
    match figure::overhead::overhead(benches) {
        Some(page) => Ok(write(dir, "overhead", &page)?.to_vec()),
        None => Ok(Vec::new()),
    }
}

/// Draws all figures of a comparison into a folder, one of its scenarios' own each, and its tables as
/// `README.md`. Gives the number of files.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn write_comparison(dir: &Path, comparison: &Comparison) -> Result<usize, ReportError> {
    let mut files = 1;
    for (name, page) in figure::compare::figures(comparison) {
        files += write(dir, &name, &page)?.len();
    }
    store::write_whole(&dir.join("README.md"), league::markdown(comparison).as_bytes())?;
    Ok(files)
}

/// Draws all figures of a sweep into a folder, and returns the files in order.
///
/// # Errors
/// [`ReportError`]; files written before are whole.
pub fn write_sweep(dir: &Path, sweep: &Sweep) -> Result<Vec<PathBuf>, ReportError> {
    let mut paths = Vec::new();
    for (name, page) in figure::sweep::figures(sweep) {
        paths.extend(write(dir, &name, &page)?);
    }
    Ok(paths)
}

pub(super) fn write(dir: &Path, name: &str, page: &Page) -> Result<[PathBuf; 2], ReportError> {
    let path = dir.join(format!("{name}.svg"));
    let failed = |source| ReportError::Draw { path: path.clone(), source };
    let text = svg(page).map_err(failed)?;
    store::write_whole(&path, text.as_bytes())?;
    let picture = dir.join(format!("{name}.png"));
    store::write_whole_with(&picture, |temporary| {
        png(page, temporary).map_err(std::io::Error::other)
    })?;
    Ok([path, picture])
}

/// A page as SVG text.
///
/// # Errors
/// What the backend reports.
pub fn svg(page: &Page) -> Result<String, DrawError> {
    svg_in(page, &Layout::WIDE)
}

/// A page as SVG text, as wide as a column of print.
///
/// # Errors
/// What the backend reports.
pub fn column(page: &Page) -> Result<String, DrawError> {
    svg_in(page, &Layout::column(page))
}

fn svg_in(page: &Page, layout: &Layout) -> Result<String, DrawError> {
    register();
    let (width, height) = size(page, layout, SCALE);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw::draw(page, &area, SCALE, Lettering::Viewer, layout)?;
    }
    // Drawn at twice the size; shown at its own.
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let (width, height) = size(page, layout, 1);
    Ok(text.replacen(&drawn, &format!("width=\"{width}\" height=\"{height}\""), 1))
}

/// Drawn at twice the size and averaged, because plotters' thick lines have ragged edges.
fn png(page: &Page, path: &Path) -> Result<(), DrawError> {
    register();
    let fine = size(page, &Layout::WIDE, 2 * SCALE);
    let mut pixels = vec![0; fine.0 as usize * fine.1 as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, fine).into_drawing_area();
        draw::draw(page, &area, 2 * SCALE, Lettering::Pixels, &Layout::WIDE)?;
    }
    let (pixels, size) = (halve(&pixels, fine.0 as usize), size(page, &Layout::WIDE, SCALE));
    let mut file = BitMapBackend::new(path, size);
    file.blit_bitmap((0, 0), size, &pixels).map_err(DrawError::new)?;
    file.present().map_err(DrawError::new)
}

/// Each pixel of the result is the mean of four; `width` pixels to a row, three bytes to a pixel.
fn halve(pixels: &[u8], width: usize) -> Vec<u8> {
    let row = 3 * width;
    let mut half = Vec::with_capacity(pixels.len() / 4);
    for rows in pixels.chunks_exact(2 * row) {
        let (upper, lower) = rows.split_at(row);
        for (upper, lower) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for channel in 0..3 {
                let four = [upper[channel], upper[channel + 3], lower[channel], lower[channel + 3]];
                let sum: u16 = four.into_iter().map(u16::from).sum();
                half.push(((sum + 2) / 4) as u8);
            }
        }
    }
    half
}

fn size(page: &Page, layout: &Layout, scale: u32) -> (u32, u32) {
    (layout.width as u32 * scale, draw::height(page, layout).ceil() as u32 * scale)
}

/// Registers the typeface, which comes with the program: the system's fonts differ from machine to
/// machine.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = epaint_default_fonts::UBUNTU_LIGHT;
        let registered = register_font("sans-serif", FontStyle::Normal, font);
        assert!(registered.is_ok(), "the typeface that comes with the program is a typeface");
    });
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
