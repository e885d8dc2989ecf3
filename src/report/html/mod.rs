//! A document as one HTML file that needs nothing but itself: styles, script and figures stand in it, and it
//! forbids the browser to fetch anything.
//!
//! Letters are HTML and marks are SVG, so that a figure is as wide as its reader's screen while its letters
//! keep their size. Marks carry what the script needs to read them out; without the script everything is
//! there but the reading out.

mod bars;
mod figure;
mod heat;
mod page;
mod plot;
mod scatter;
mod small;
mod strips;
mod text;
mod tint;

pub use page::page;
