//! What a hunt varies: faults in time, and the load.

use super::kinds::Kind;

/// A fault schedule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Schedule {
    /// Load in percent of the base scenario's.
    pub(super) load: u32,
    /// What goes wrong, at least one.
    pub(super) strikes: Vec<Strike>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Strike {
    pub(super) kind: &'static Kind,
    /// Where, as `on` of a scenario.
    pub(super) on: String,
    /// Second of its start.
    pub(super) start_s: u32,
    /// Its length in seconds.
    pub(super) lasts_s: u32,
    /// How deep, in percent of what the kind can do, 5 to 100.
    pub(super) depth: u32,
    /// Seconds on and off of kinds that come in waves.
    pub(super) wave: (u32, u32),
    /// Whether it breaks what is under way.
    pub(super) cuts: bool,
}

impl Schedule {
    /// What it is the worst of: its kind of fault, or `combined`.
    pub(super) fn class(&self) -> &'static str {
        match &self.strikes[..] {
            [one] => one.kind.label,
            _ => "combined",
        }
    }

    /// How much of a fault it is; of two that hurt alike the smaller is better.
    pub(super) fn size(&self) -> u32 {
        let of = |strike: &Strike| 1_000 + strike.lasts_s * strike.depth / 100;
        self.strikes.iter().map(of).sum::<u32>() + self.load.abs_diff(100)
    }

    /// The same, so many seconds later.
    pub(super) fn moved(&self, first_start_s: u32) -> Self {
        let mut moved = self.clone();
        let first = self.strikes.iter().map(|strike| strike.start_s).min().unwrap_or(0);
        for strike in &mut moved.strikes {
            strike.start_s = strike.start_s - first + first_start_s;
        }
        moved
    }
}
