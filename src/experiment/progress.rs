//! How long work tells how far it is, and learns that nobody wants it any more.

use crate::engine::Span;

/// Who watches. Called from many threads.
pub trait Progress: Sync {
    /// So much virtual time has been simulated since the last call, over all runs together.
    fn simulated(&self, span: Span);

    /// Whether to stop at the next good moment.
    fn interrupted(&self) -> bool;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn simulated(&self, _: Span) {}

    fn interrupted(&self) -> bool {
        false
    }
}
