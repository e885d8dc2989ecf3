//! What a run leaves behind, and what is computed from it.

pub mod tape;

pub use tape::*;
