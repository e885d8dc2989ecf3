//! Pages onto a drawing area: one look for every picture.

mod bars;
mod frame;
mod grid;
mod letters;
mod page;
mod plot;
mod sheet;
mod strips;

pub use page::{WIDTH, draw, height};
pub use sheet::{DrawError, Lettering};
