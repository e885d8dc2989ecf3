//! Stored results as pictures and tables. Nothing here runs a simulation.
//!
//! A figure is data first ([`figure`]: a run to a [`page::Page`]), then drawn once for SVG and PNG
//! alike ([`draw`]), with a font that comes with the program, so that the bytes are the same
//! everywhere.

pub mod claims;
mod cluster;
pub mod draw;
pub mod figure;
pub mod league;
pub mod page;
pub mod palette;
pub mod picture;
pub mod terminal;

pub use picture::{ReportError, pages, svg, write_all, write_comparison, write_overhead};
