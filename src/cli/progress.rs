//! Progress on the terminal, and Ctrl-C.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::style;
use crate::engine::Span;
use crate::experiment::Progress;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Whether somebody pressed Ctrl-C.
pub(super) fn interrupted() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// From now on Ctrl-C asks for an orderly end.
pub(super) fn catch_interrupts() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // Without a handler Ctrl-C ends the process at once, which leaves whole files too.
        let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    });
}

/// A progress bar in virtual seconds; hidden without a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// For so much virtual time.
    pub(super) fn new(total: Span) -> Self {
        let target = if style::draws_progress() {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total.0 / 1_000_000_000), target);
        let template = "{wide_bar} {pos}/{len} virtual s  {per_sec}  {eta} left";
        if let Ok(look) = ProgressStyle::with_template(template) {
            bar.set_style(look);
        }
        Self(bar)
    }

    /// For so many worlds, a virtual second each.
    pub(super) fn of_worlds(worlds: u64) -> Self {
        let bar = Self::new(Span::from_secs(worlds));
        if let Ok(look) =
            ProgressStyle::with_template("{wide_bar} {pos}/{len} worlds  {per_sec}  {eta} left")
        {
            bar.0.set_style(look);
        }
        bar
    }

    /// So much was done before.
    pub(super) fn skip(&self, span: Span) {
        self.0.inc(span.0 / 1_000_000_000);
        self.0.reset_eta();
    }

    /// Removes it.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn simulated(&self, span: Span) {
        self.0.inc(span.0 / 1_000_000_000);
    }

    fn interrupted(&self) -> bool {
        interrupted()
    }
}

/// No bar, but Ctrl-C is heard: for work that reports in lines of its own.
pub(super) struct Quiet;

impl Progress for Quiet {
    fn simulated(&self, _: Span) {}

    fn interrupted(&self) -> bool {
        interrupted()
    }
}
