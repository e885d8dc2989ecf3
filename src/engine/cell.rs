//! What deciding and reporting threads write: counters that only grow, per route and shard, and a few words
//! per route that all threads share.
//!
//! A counter is never reset; the tick remembers what it saw and takes differences, so nothing is lost
//! between two ticks, however late they are. Quantities that fall (in flight, age of unanswered attempts)
//! are differences of two counters that only grow.

use std::sync::OnceLock;

use super::sync::{AtomicU32, AtomicU64, Ordering};
use super::time::{Span, Time};

/// Counters of one route in one shard: one cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Counters {
    /// Attempts begun.
    opened: AtomicU64,
    /// Sum of their start times, in units of 2¹⁶ ns, wrapping.
    opened_at: AtomicU64,
    /// Attempts that gave a first sign of life, or ended.
    heard: AtomicU64,
    /// Sum of the start times of those.
    heard_at: AtomicU64,
    /// Attempts done.
    done: AtomicU64,
    /// Attempts counted as errors.
    errors: AtomicU64,
    /// Attempts that ended and count as neither.
    void: AtomicU64,
    /// Tokens of done attempts.
    tokens: AtomicU64,
}

/// Totals over all shards at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    pub(crate) done: u64,
    pub(crate) errors: u64,
    pub(crate) void: u64,
    pub(crate) tokens: u64,
    /// Attempts without a sign of life.
    pub(crate) silent: u64,
    /// Their mean age.
    pub(crate) silent_age: Span,
}

/// Answers kept for the latency model between two ticks.
pub(crate) const SAMPLES: usize = 256;

/// What deciding threads read of a route, apart so that thousands of routes stay in the cache.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Not to be used before this moment.
    pub(crate) excluded_until: AtomicU64,
    /// Which owner of this slot tickets belong to.
    pub(crate) generation: AtomicU32,
}

/// Words of one route that all threads share.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Shared {
    /// Time of the last error; 0 = never.
    pub(crate) last_error: AtomicU64,
    /// Time of the last 429; 0 = never.
    pub(crate) last_limited: AtomicU64,
    /// The last lasting refusal: time in ms shifted by 8, or'd with 1 + its class; 0 = none unheard.
    pub(crate) refusal: AtomicU64,
    /// State of the check of a held key: 0 = none due, 1 = due, else the time it was sent.
    pub(crate) check: AtomicU64,
    /// Every 2^shift-th answer is sampled.
    pub(crate) shift: AtomicU32,
    /// Samples written.
    sampled: AtomicU64,
    /// The samples, packed.
    ring: Box<[AtomicU64]>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            last_error: AtomicU64::new(0),
            last_limited: AtomicU64::new(0),
            refusal: AtomicU64::new(0),
            check: AtomicU64::new(0),
            shift: AtomicU32::new(0),
            sampled: AtomicU64::new(0),
            ring: (0..if cfg!(loom) { 2 } else { SAMPLES }).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// An answer for the latency model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Latency in seconds.
    pub(crate) latency_s: f64,
    pub(crate) prompt: u32,
    pub(crate) output: u32,
}

/// Start times are summed in these units (65.5 µs): an hour of a million attempts stays far below 2⁶⁴.
const fn coarse(time: Time) -> u64 {
    time.0 >> 16
}

impl Counters {
    pub(crate) fn open(&self, now: Time) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.opened_at.fetch_add(coarse(now), Ordering::Relaxed);
    }

    pub(crate) fn hear(&self, started: Time) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.heard_at.fetch_add(coarse(started), Ordering::Relaxed);
    }

    /// Returns how many were done before.
    pub(crate) fn done(&self, tokens: u64) -> u64 {
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn void(&self) {
        self.void.fetch_add(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn excluded_until(&self) -> Time {
        Time(self.excluded_until.load(Ordering::Relaxed))
    }

    /// Excludes the route until at least `until`.
    pub(crate) fn exclude(&self, until: Time) {
        self.excluded_until.fetch_max(until.0, Ordering::Relaxed);
    }
}

impl Shared {
    pub(crate) fn keep(&self, latency: Span, prompt: u32, output: u32) {
        let at = self.sampled.fetch_add(1, Ordering::Relaxed) as usize % self.ring.len();
        self.ring[at].store(pack(latency, prompt, output), Ordering::Relaxed);
    }

    /// Takes the samples written since `seen`, oldest first, and moves `seen`. A sample whose writer has not
    /// finished is left out.
    pub(crate) fn take(&self, seen: &mut u64, samples: &mut Vec<Sample>) {
        let written = self.sampled.load(Ordering::Relaxed);
        let fresh = written.wrapping_sub(*seen).min(self.ring.len() as u64);
        samples.clear();
        for i in (written - fresh)..written {
            let word = self.ring[i as usize % self.ring.len()].swap(0, Ordering::Relaxed);
            if word != 0 {
                samples.push(unpack(word));
            }
        }
        *seen = written;
    }
}

/// 24 bits of latency in 100 µs (28 minutes), 20 bits each of prompt and output tokens; never 0.
fn pack(latency: Span, prompt: u32, output: u32) -> u64 {
    let latency = (latency.0 / 100_000).clamp(1, (1 << 24) - 1);
    let tokens = |n: u32| u64::from(n.min((1 << 20) - 1));
    (latency << 40) | (tokens(prompt) << 20) | tokens(output)
}

fn unpack(word: u64) -> Sample {
    Sample {
        latency_s: (word >> 40) as f64 * 1e-4,
        prompt: ((word >> 20) & 0xf_ffff) as u32,
        output: (word & 0xf_ffff) as u32,
    }
}

/// Cells that are added while others are read: chunk `c` holds `64 << c` of them and never moves.
#[derive(Debug)]
pub(crate) struct Cells<T> {
    chunks: [OnceLock<Box<[T]>>; 20],
}

impl<T: Default> Cells<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: [const { OnceLock::new() }; 20] }
    }

    /// Makes sure that cell `index` exists.
    pub(crate) fn grow_to(&self, index: u32) {
        for (c, chunk) in self.chunks.iter().enumerate().take(place(index).0 + 1) {
            chunk.get_or_init(|| (0..first_chunk() << c).map(|_| T::default()).collect());
        }
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> &T {
        let (chunk, offset) = place(index);
        &self.chunks[chunk].get().expect("slots are grown before they are published")[offset]
    }
}

const fn first_chunk() -> usize {
    if cfg!(loom) { 1 } else { 64 }
}

/// Chunk and offset of a cell: counted from the size of the first chunk, cell `n` lies in the chunk of its
/// highest bit.
#[inline]
const fn place(index: u32) -> (usize, usize) {
    let n = index as usize + first_chunk();
    let top = n.ilog2();
    ((top - first_chunk().ilog2()) as usize, n ^ (1 << top))
}

/// All cells of an engine.
#[derive(Debug)]
pub(crate) struct Board {
    shards: Box<[Cells<Counters>]>,
    pub(crate) gates: Cells<Gate>,
    pub(crate) shared: Cells<Shared>,
}

impl Board {
    pub(crate) fn new(shards: usize) -> Self {
        let shards = shards.max(1).next_power_of_two();
        Self {
            shards: (0..shards).map(|_| Cells::new()).collect(),
            gates: Cells::new(),
            shared: Cells::new(),
        }
    }

    pub(crate) fn grow_to(&self, index: u32) {
        for shard in &self.shards {
            shard.grow_to(index);
        }
        self.gates.grow_to(index);
        self.shared.grow_to(index);
    }

    /// This thread's counters of a route. Threads are told apart by where their stacks lie (2 MiB apart or
    /// more), so no thread-local and no registration is needed; two threads in one shard are slow, not wrong.
    #[inline]
    pub(crate) fn counters(&self, index: u32) -> &Counters {
        let shard = if self.shards.len() == 1 {
            0
        } else {
            let here = 0u8;
            (std::ptr::from_ref(&here).addr() >> 21) & (self.shards.len() - 1)
        };
        self.shards[shard].get(index)
    }

    /// Sums the shards. `heard` is read before `opened`, so that an attempt heard meanwhile never makes the
    /// silent ones negative.
    pub(crate) fn totals(&self, index: u32, now: Time) -> Totals {
        let mut totals = Totals::default();
        let (mut heard, mut heard_at, mut opened_at) = (0u64, 0u64, 0u64);
        for shard in &self.shards {
            let cell = shard.get(index);
            heard += cell.heard.load(Ordering::Acquire);
            heard_at = heard_at.wrapping_add(cell.heard_at.load(Ordering::Acquire));
            totals.done += cell.done.load(Ordering::Relaxed);
            totals.errors += cell.errors.load(Ordering::Relaxed);
            totals.void += cell.void.load(Ordering::Relaxed);
            totals.tokens += cell.tokens.load(Ordering::Relaxed);
        }
        for shard in &self.shards {
            let cell = shard.get(index);
            totals.opened += cell.opened.load(Ordering::Acquire);
            opened_at = opened_at.wrapping_add(cell.opened_at.load(Ordering::Acquire));
        }
        totals.silent = totals.opened.saturating_sub(heard);
        if let Some(mean) = opened_at.wrapping_sub(heard_at).checked_div(totals.silent) {
            totals.silent_age = now.since(Time(mean << 16));
        }
        totals
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_its_own_cell() {
        let mut next = 0;
        for index in 0..100_000u32 {
            let (chunk, offset) = place(index);
            assert!(offset < 64 << chunk);
            if offset == 0 {
                assert_eq!(chunk, next);
                next += 1;
            }
        }
    }

    #[test]
    fn samples_survive_packing() {
        let sample = unpack(pack(Span::from_millis(1_234), 5_000, 321));
        assert_eq!(sample, Sample { latency_s: 1.234, prompt: 5_000, output: 321 });
        assert_ne!(pack(Span::ZERO, 0, 0), 0);
    }

    #[test]
    fn an_overrun_ring_gives_its_newest_samples_once() {
        let (shared, mut seen, mut samples) = (Shared::default(), 0, Vec::new());
        for i in 0..300 {
            shared.keep(Span::from_millis(100), i, 1);
        }
        shared.take(&mut seen, &mut samples);
        assert_eq!(samples.len(), SAMPLES);
        assert_eq!((samples[0].prompt, samples[SAMPLES - 1].prompt), (44, 299));
        shared.take(&mut seen, &mut samples);
        assert!(samples.is_empty());
    }

    #[test]
    fn the_age_of_silent_attempts_is_their_mean() {
        let board = Board::new(1);
        board.grow_to(0);
        board.counters(0).open(Time::from_secs(10));
        board.counters(0).open(Time::from_secs(20));
        board.counters(0).open(Time::from_secs(25));
        board.counters(0).hear(Time::from_secs(25));
        let totals = board.totals(0, Time::from_secs(30));
        assert_eq!(totals.silent, 2);
        assert!((totals.silent_age.as_secs_f64() - 15.0).abs() < 0.001);
    }
}
