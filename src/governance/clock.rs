//! The current window of all limits that have it in common.

use super::window::Window;

/// A window and the grid that it is on. Moments are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) start: u64,
    pub(super) end: u64,
    window: Window,
    anchor: u64,
}

impl Clock {
    /// Shows the window that holds `at`, on a grid from `anchor` on.
    pub(super) const fn new(window: Window, anchor: u64, at: u64) -> Self {
        let (start, end) = window.around(at, anchor);
        Self { start, end, window, anchor }
    }

    /// When it goes on.
    pub(super) fn due(&self) -> u64 {
        if planted!(WindowOffByOne) { self.end + 1_000_000_000 } else { self.end }
    }

    /// Goes on to the window that holds `at`.
    pub(super) const fn turn(&mut self, at: u64) {
        (self.start, self.end) = self.window.around(at, self.anchor);
    }
}
