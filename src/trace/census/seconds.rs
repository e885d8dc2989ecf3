//! Requests and tokens by second, whatever the order in which they come.

use std::collections::BTreeMap;

use crate::engine::Span;
use crate::trace::dispersion::Spread;

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600;
/// Hours of which seconds are kept: fifty days, 35 MB. Of others only minutes are.
pub(super) const HOURS_MAX: usize = 1_200;
/// Minutes with something in them: a year, 17 MB at most.
const MINUTES_MAX: usize = 366 * 1_440;
/// Gaps shown.
const GAPS: usize = 5;

/// Counts by second.
#[derive(Debug, Default)]
pub(super) struct Seconds {
    hours: BTreeMap<u64, Box<[Cell]>>,
    /// The hour touched last, and its cells while it is out of the map.
    current: Option<(u64, Box<[Cell]>)>,
    minutes: BTreeMap<u64, (u32, u64)>,
    /// The minute touched last.
    minute: (u64, u32, u64),
    overflown: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    requests: u32,
    tokens: u32,
}

/// Requests and tokens by the minute since the first stamp.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Minutes {
    /// Requests, of each minute.
    pub requests: Vec<u64>,
    /// Tokens, of each minute.
    pub tokens: Vec<u64>,
}

/// A time without a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gap {
    /// Seconds after the first stamp.
    pub after_s: u64,
    /// Whole seconds without a request.
    pub seconds: u64,
}

/// What the counts say.
pub(super) struct View {
    pub(super) requests: Spread,
    pub(super) tokens: Spread,
    pub(super) minutes: Minutes,
    pub(super) gaps: Vec<Gap>,
    pub(super) complete: bool,
}

impl Seconds {
    pub(super) fn add(&mut self, at: u64, tokens: u64) {
        let second = at / SECOND;
        self.add_minute(second / 60, tokens);
        let hour = second / HOUR;
        if self.current.as_ref().is_none_or(|(current, _)| *current != hour) {
            if let Some((hour, cells)) = self.current.take() {
                self.hours.insert(hour, cells);
            }
            let cells = match self.hours.remove(&hour) {
                Some(cells) => cells,
                None if self.hours.len() < HOURS_MAX => {
                    vec![Cell::default(); HOUR as usize].into_boxed_slice()
                }
                None => {
                    self.overflown = true;
                    return;
                }
            };
            self.current = Some((hour, cells));
        }
        if let Some((_, cells)) = &mut self.current {
            let cell = &mut cells[(second % HOUR) as usize];
            cell.requests = cell.requests.saturating_add(1);
            cell.tokens = cell.tokens.saturating_add(tokens.min(u64::from(u32::MAX)) as u32);
        }
    }

    fn add_minute(&mut self, minute: u64, tokens: u64) {
        if self.minute.0 != minute {
            self.flush();
            self.minute = (minute, 0, 0);
        }
        self.minute.1 += 1;
        self.minute.2 += tokens;
    }

    fn flush(&mut self) {
        let (minute, requests, tokens) = self.minute;
        if requests > 0 && (self.minutes.len() < MINUTES_MAX || self.minutes.contains_key(&minute))
        {
            let sum = self.minutes.entry(minute).or_default();
            sum.0 = sum.0.saturating_add(requests);
            sum.1 += tokens;
        }
    }

    /// What the counts say of a log that starts at `start` nanoseconds and is `span` long.
    pub(super) fn view(mut self, start: u64, span: Span) -> View {
        self.flush();
        if let Some((hour, cells)) = self.current.take() {
            self.hours.insert(hour, cells);
        }
        let first = start / SECOND;
        let last = (start + span.0) / SECOND;
        // Where the seconds of some hours are not kept, only a stretch from the first one on counts.
        let end = if self.overflown { self.kept_until(first) } else { last };
        let (mut requests, mut tokens) = (Windows::new(), Windows::new());
        let mut gaps = Vec::new();
        let mut quiet = 0;
        for second in first..=end {
            let cell = self.cell(second);
            // The last second is not whole.
            if second < end {
                requests.add(cell.requests);
                tokens.add(cell.tokens);
            }
            if cell.requests == 0 {
                quiet += 1;
                continue;
            }
            if quiet > 0 {
                gaps.push(Gap { after_s: second - first - quiet, seconds: quiet });
                keep_longest(&mut gaps, 64);
            }
            quiet = 0;
        }
        keep_longest(&mut gaps, 0);
        View {
            requests: requests.spread(),
            tokens: tokens.spread(),
            minutes: self.minutes(first, last),
            gaps,
            complete: !self.overflown,
        }
    }

    fn cell(&self, second: u64) -> Cell {
        let hour = self.hours.get(&(second / HOUR));
        hour.map_or_else(Cell::default, |cells| cells[(second % HOUR) as usize])
    }

    /// The end of the unbroken row of hours that are kept.
    fn kept_until(&self, first: u64) -> u64 {
        let hours = (first / HOUR..).take_while(|hour| self.hours.contains_key(hour)).count();
        (first / HOUR + hours as u64) * HOUR - 1
    }

    fn minutes(&self, first: u64, last: u64) -> Minutes {
        let range = first / 60..=last / 60;
        let of = |minute| self.minutes.get(&minute).copied().unwrap_or_default();
        let count = (last / 60 - first / 60 + 1).min(2 * MINUTES_MAX as u64) as usize;
        Minutes {
            requests: range.clone().take(count).map(|minute| u64::from(of(minute).0)).collect(),
            tokens: range.take(count).map(|minute| of(minute).1).collect(),
        }
    }
}

/// Counts in whole windows of 1, 10 and 60 s, second by second, with nothing kept but their sums and
/// the minutes that have something in them.
struct Windows {
    seconds: u64,
    open: [u64; 3],
    sum: [u128; 3],
    squares: [u128; 3],
    minutes: Vec<u64>,
}

const WIDTHS: [u64; 3] = [1, 10, 60];

impl Windows {
    fn new() -> Self {
        Self { seconds: 0, open: [0; 3], sum: [0; 3], squares: [0; 3], minutes: Vec::new() }
    }

    fn add(&mut self, count: u32) {
        self.seconds += 1;
        for (at, width) in WIDTHS.iter().enumerate() {
            self.open[at] += u64::from(count);
            if !self.seconds.is_multiple_of(*width) {
                continue;
            }
            let whole = std::mem::take(&mut self.open[at]);
            self.sum[at] += u128::from(whole);
            self.squares[at] += u128::from(whole) * u128::from(whole);
            if *width == 60 && whole > 0 {
                self.minutes.push(whole);
            }
        }
    }

    fn spread(mut self) -> Spread {
        let windows = WIDTHS.map(|width| self.seconds / width);
        let index = std::array::from_fn(|at| {
            let n = windows[at] as f64;
            let mean = self.sum[at] as f64 / n;
            (self.squares[at] as f64 / n - mean * mean) / mean
        });
        self.minutes.sort_unstable();
        // Minutes with nothing in them come first in rank.
        let (all, filled) = (windows[2] as usize, self.minutes.len());
        let rank = (all * 95).div_ceil(100).max(1);
        let p95 = match (rank + filled).checked_sub(all) {
            _ if all == 0 => f64::NAN,
            None | Some(0) => 0.0,
            Some(rank) => self.minutes[rank - 1] as f64,
        };
        Spread { index, minute_p95_over_mean: p95 / (self.sum[2] as f64 / windows[2] as f64) }
    }
}

/// Keeps the longest gaps once there are more than `over`.
fn keep_longest(gaps: &mut Vec<Gap>, over: usize) {
    if gaps.len() > over {
        gaps.sort_by_key(|gap| (u64::MAX - gap.seconds, gap.after_s));
        gaps.truncate(GAPS);
    }
}
