//! A report as data: what was found, figures, tables, how it was measured, what is left out, and the command
//! that makes it again. Made from stored results alone; written as HTML, Markdown or LaTeX elsewhere.

mod bench;
mod check;
mod claims;
mod compared;
mod comparison;
mod method;
mod outline;
mod run;
mod source;
mod standings;
mod sweep;
mod tuning;
mod words;

pub use outline::{Block, Document, Figure, Finding, Grid, Section, document};
pub use source::{Source, SourceError, sources};
