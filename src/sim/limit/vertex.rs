//! Google Vertex AI (dynamic shared quota): nobody is refused below a guaranteed rate; above it,
//! what is too much competes for a pool that all customers share. No hint.
//!
//! Source: Google Cloud, Vertex AI standard pay-as-you-go and 429 pages, 2025–26, for the baseline,
//! and that spikes within seconds may be refused below it. How the pool decides is not published;
//! ours: with the token rate r over the last second or minute (whichever is further over) and the
//! baseline b, a request is refused with probability (r − b)/r × load of the pool. The load swings
//! by up to 0.1 over the day, highest at 20:00 UTC, and by up to 0.1 from minute to minute, and
//! depends on nothing but the wall clock, the run's seed and the pool's name. Offered tokens count: the prompt, and
//! as output the running mean of what answers had.

use crate::engine::Time;
use crate::engine::luck::{mix, name, unit};

use super::window::MINUTE;
use super::{Charge, Denied, Room, cut};

const SECOND: u64 = 1_000_000_000;
const MINUTES_A_DAY: u64 = 24 * 60;

#[derive(Clone, Debug)]
pub(super) struct Vertex {
    tpm: Option<u64>,
    second: Rate<SECOND>,
    minute: Rate<MINUTE>,
    /// Mean output of recent answers, in 64ths of a token.
    output_64: u64,
    pool: Pool,
}

impl Vertex {
    pub(super) fn new(
        limit_name: &str,
        tpm: Option<u64>,
        pool_load: f64,
        epoch: u64,
        seed: u64,
    ) -> Self {
        let epoch = epoch * SECOND;
        let pool = Pool { key: mix(seed, name(limit_name)), mean: pool_load, epoch, knots: None };
        Self { tpm, second: Rate::new(epoch), minute: Rate::new(epoch), output_64: 0, pool }
    }

    #[inline]
    pub(super) fn admit(
        &mut self,
        now: Time,
        prompt: u64,
        factor: f64,
        luck: u64,
    ) -> Result<Charge, Denied> {
        let Some(tpm) = self.tpm else { return Ok(Charge::default()) };
        let baseline = cut(tpm, factor) as f64;
        let per_minute = (60.0 * self.second.tokens(now)).max(self.minute.tokens(now));
        let offered = prompt + self.output_64 / 64;
        self.second.now += offered;
        self.minute.now += offered;
        if per_minute > baseline {
            let excess = (per_minute - baseline) / per_minute;
            if unit(luck) < excess * self.pool.load(now) {
                return Err(Denied { retry_after: None });
            }
        }
        Ok(Charge::default())
    }

    /// Nothing is used up; what is over the baseline is refused by chance.
    pub(super) fn room(&self, now: Time, factor: f64) -> Room {
        let Some(tpm) = self.tpm else { return Room::UNLIMITED };
        let baseline = cut(tpm, factor) as f64;
        let (mut second, mut minute, mut pool) = (self.second, self.minute, self.pool);
        let per_minute = (60.0 * second.tokens(now)).max(minute.tokens(now));
        let excess = (1.0 - baseline / per_minute.max(1.0)).max(0.0);
        Room {
            used: (per_minute / baseline).min(1.0),
            admits: 1.0 - excess * pool.load(now),
            ..Room::UNLIMITED
        }
    }

    #[inline]
    pub(super) fn settle(&mut self, output: u64) {
        // An attempt that failed says nothing about answers.
        if output > 0 {
            self.output_64 = self.output_64 - self.output_64 / 64 + output;
        }
    }
}

/// Tokens over a sliding window of so many nanoseconds, estimated from two fixed ones.
#[derive(Clone, Copy, Debug)]
struct Rate<const WIDTH: u64> {
    epoch: u64,
    number: u64,
    now: u64,
    before: u64,
}

impl<const WIDTH: u64> Rate<WIDTH> {
    const fn new(epoch: u64) -> Self {
        Self { epoch, number: 0, now: 0, before: 0 }
    }

    #[inline]
    fn tokens(&mut self, now: Time) -> f64 {
        let at = self.epoch + now.0;
        let number = at / WIDTH;
        if number != self.number {
            self.before = if number == self.number + 1 { self.now } else { 0 };
            (self.number, self.now) = (number, 0);
        }
        let gone = (at % WIDTH) as f64 / WIDTH as f64;
        self.now as f64 + self.before as f64 * (1.0 - gone)
    }
}

/// The load that other customers put on the pool.
#[derive(Clone, Copy, Debug)]
struct Pool {
    key: u64,
    mean: f64,
    epoch: u64,
    /// The minute last asked for, and the load at its beginning and end.
    knots: Option<(u64, f64, f64)>,
}

impl Pool {
    /// In [0, 1]; straight lines between whole minutes.
    fn load(&mut self, now: Time) -> f64 {
        let at = self.epoch + now.0;
        let (minute, part) = (at / MINUTE, (at % MINUTE) as f64 / MINUTE as f64);
        let (begin, end) = match self.knots {
            Some((known, begin, end)) if known == minute => (begin, end),
            _ => (self.knot(minute), self.knot(minute + 1)),
        };
        self.knots = Some((minute, begin, end));
        begin + (end - begin) * part
    }

    fn knot(&self, minute: u64) -> f64 {
        let swing = 0.1f64.min(self.mean * 0.5).min((1.0 - self.mean) * 0.5).max(0.0);
        let hour = (minute % MINUTES_A_DAY) as f64 / 60.0;
        let day = libm::cos((hour - 20.0) / 24.0 * std::f64::consts::TAU);
        let noise = 2.0 * unit(mix(self.key, minute)) - 1.0;
        self.mean + swing * (day + noise)
    }
}
