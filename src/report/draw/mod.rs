//! Pages onto a drawing area: one look for every picture.

mod bars;
mod frame;
mod grid;
mod heat;
mod layout;
mod letters;
mod page;
mod plot;
mod scatter;
mod sheet;
mod strips;

pub use layout::Layout;
pub use page::{draw, height};
pub use sheet::{DrawError, Lettering};
