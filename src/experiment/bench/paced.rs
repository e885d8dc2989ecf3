//! 5,000 decisions a second with their reports, while a ticker publishes: the load that vendors quote.
#![expect(clippy::disallowed_types, reason = "the real clock")]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::record::Bench;

use super::engine::{Rig, Subset, figure_of};
use super::timer;
use super::{Effort, PercentileFigure};

const PER_SECOND: u64 = 5_000;

/// Decisions due every 200 µs; the ticker recomputes ten times a second, fifty times as often as in
/// production, so that publications meet decisions.
pub(super) fn paced(effort: Effort) -> (PercentileFigure, Option<Bench>) {
    let rig = Rig::new(12);
    let stop = AtomicBool::new(false);
    let (raw, clock) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut ticks = 0;
            while !stop.load(Ordering::Relaxed) {
                rig.tick(ticks);
                ticks += 1;
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let calls = PER_SECOND * u64::from(effort.paced_s);
        let mut raw = Vec::with_capacity(calls as usize);
        let mut clock = Vec::with_capacity(calls as usize);
        let start = Instant::now();
        for i in 0..calls {
            let due = start + Duration::from_micros(i * 1_000_000 / PER_SECOND);
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            let (ns, ticket) = timer::single(|| rig.decide(Subset::Full, black_box(i)));
            raw.push(ns);
            rig.end(ticket);
            clock.push(timer::single(|| black_box(i)).0);
        }
        stop.store(true, Ordering::Relaxed);
        (raw, clock)
    });
    figure_of("decide, 5,000/s beside ticks", 12, &raw, &clock)
}
