//! The typeface that comes with the program: how wide a text is, and which pixels it covers.
//!
//! plotters can set text in bitmaps by itself, but ignores how far a letter stands from its origin,
//! so that words run together.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, ScaleFont, point};

static TYPEFACE: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    let font = FontRef::try_from_slice(epaint_default_fonts::UBUNTU_LIGHT);
    font.expect("the typeface that comes with the program is a typeface")
});

/// Width of a text, `em` being its size.
pub(super) fn width(text: &str, em: f64) -> f64 {
    place(text, em).1
}

/// Calls `put` with each pixel that the text covers and how much of it, the text starting at (x,
/// baseline).
pub(super) fn cover<E>(
    text: &str,
    em: f64,
    (x, baseline): (f64, f64),
    mut put: impl FnMut((i32, i32), f64) -> Result<(), E>,
) -> Result<(), E> {
    for (id, at) in place(text, em).0 {
        let origin = point((x + at) as f32, baseline as f32);
        let glyph = id.with_scale_and_position(scale(em), origin);
        let Some(outline) = TYPEFACE.outline_glyph(glyph) else { continue };
        let corner = outline.px_bounds().min;
        let mut pixels = Vec::new();
        outline.draw(|dx, dy, covered| {
            let pixel = (corner.x as i32 + dx as i32, corner.y as i32 + dy as i32);
            pixels.push((pixel, f64::from(covered).min(1.0)));
        });
        for (pixel, covered) in pixels.into_iter().filter(|(_, covered)| *covered > 0.0) {
            put(pixel, covered)?;
        }
    }
    Ok(())
}

/// Each letter with its distance from the start, and the width of them all.
fn place(text: &str, em: f64) -> (Vec<(GlyphId, f64)>, f64) {
    let font = TYPEFACE.as_scaled(scale(em));
    let mut placed: Vec<(GlyphId, f64)> = Vec::new();
    let mut at = 0.0;
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        if let Some((before, _)) = placed.last() {
            at += f64::from(font.kern(*before, id));
        }
        placed.push((id, at));
        at += f64::from(font.h_advance(id));
    }
    (placed, at)
}

/// ab_glyph counts the height from ascent to descent, everyone else the em.
fn scale(em: f64) -> PxScale {
    let units = TYPEFACE.units_per_em().expect("a typeface says how its units are to be read");
    PxScale::from(em as f32 * TYPEFACE.height_unscaled() / units)
}
