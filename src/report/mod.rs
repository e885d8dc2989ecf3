//! Stored results as pictures and tables. Nothing here runs a simulation.
//!
//! A figure is data first ([`figure`]: a run to a [`page::Page`]), then drawn once for SVG and PNG
//! alike ([`draw`]), with a font that comes with the program, so that the bytes are the same
//! everywhere.

pub mod check;
pub mod claims;
mod cluster;
pub mod document;
pub mod draw;
pub mod explained;
pub mod figure;
pub mod html;
pub mod hunt;
pub mod latex;
pub mod league;
pub mod log;
pub mod markdown;
pub mod page;
pub mod palette;
pub mod picture;
pub mod publish;
pub mod solution;
pub mod spark;
pub mod sweep;
pub mod terminal;
pub mod tuning;
pub mod values;

pub use document::{Document, document};
pub use picture::{
    ReportError, pages, svg, write_all, write_comparison, write_overhead, write_sweep,
};
