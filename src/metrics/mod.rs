//! What a run leaves behind, and what is computed from it.

pub mod recorder;
pub mod tape;

pub use tape::*;
