//! New schedules: drawn, or made of known ones by a small change. A draw is a function of the hunt's seed and
//! the schedule's number.

use crate::engine::luck::{below, mix};
use crate::policy::Pool;

use super::kinds::{KINDS, Kind, Place, places};
use super::schedule::{Schedule, Strike};

/// What schedules are drawn from.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    kinds: Vec<(&'static Kind, Vec<String>)>,
    /// First second at which a fault may start; it may start in the minute from there.
    pub(super) from_s: u32,
    /// Seconds of a run.
    pub(super) horizon_s: u32,
    has_load: bool,
}

/// Draws of one schedule.
struct Dice {
    luck: u64,
    drawn: u64,
}

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.drawn += 1;
        below(mix(self.luck, self.drawn), n as u32) as usize
    }

    /// Evenly from both ends, ends included.
    fn between(&mut self, least: u32, most: u32) -> u32 {
        least + self.below((most.max(least) - least + 1) as usize) as u32
    }
}

/// Shortest fault.
const LEAST_S: u32 = 3;
/// Longest clock period in play, in which a fault may start anywhere.
pub(super) const PERIOD_S: u32 = 60;
/// Seconds at the end of a run that no fault reaches, so that a recovery can be seen.
const REST_S: u32 = 20;

impl Ground {
    /// The kinds of these names that the world has a place for; all where none is named.
    pub(super) fn new(pool: &Pool, names: &[String], horizon_s: u32, has_load: bool) -> Self {
        let kinds = KINDS
            .iter()
            .filter(|kind| names.is_empty() || names.iter().any(|name| name == kind.label))
            .map(|kind| (kind, places(pool, kind.place)))
            .filter(|(_, places)| !places.is_empty())
            .collect();
        let period = PERIOD_S.min(horizon_s / 3);
        Self { kinds, from_s: period, horizon_s, has_load }
    }

    /// Whether there is anything to draw from.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// How many kinds there are.
    pub(super) fn kinds(&self) -> usize {
        self.kinds.len()
    }

    /// Leaves a kind out: the world refuses it.
    pub(super) fn without(&mut self, label: &str) {
        self.kinds.retain(|(kind, _)| kind.label != label);
    }

    /// The `nth` drawn schedule: kinds take turns.
    pub(super) fn draw(&self, luck: u64, nth: usize) -> Schedule {
        let mut dice = Dice { luck, drawn: 0 };
        let first = self.strike(nth % self.kinds.len(), &mut dice);
        Schedule { load: 100, strikes: vec![first] }
    }

    fn strike(&self, kind: usize, dice: &mut Dice) -> Strike {
        let (kind, places) = &self.kinds[kind];
        let start_s = self.from_s + dice.below(PERIOD_S.min(self.from_s) as usize) as u32;
        Strike {
            kind,
            on: self.place(kind, places, dice),
            start_s,
            lasts_s: self.fitting(start_s, dice.between(LEAST_S, self.horizon_s)),
            depth: dice.between(1, 20) * 5,
            wave: (dice.between(2, 30), dice.between(2, 30)),
            cuts: dice.below(2) == 0,
        }
    }

    /// Half of the time a whole provider.
    fn place(&self, kind: &Kind, places: &[String], dice: &mut Dice) -> String {
        let wide = places.iter().take_while(|place| !place.contains([':', '/', '@'])).count();
        let n = if kind.place == Place::Any && dice.below(2) == 0 { wide } else { places.len() };
        places[dice.below(n)].clone()
    }

    /// A length that leaves the end of the run free.
    pub(super) fn fitting(&self, start_s: u32, lasts_s: u32) -> u32 {
        let most = self.horizon_s.saturating_sub(start_s + REST_S).max(LEAST_S);
        lasts_s.clamp(LEAST_S, most)
    }

    /// A schedule like this one.
    pub(super) fn changed(&self, parent: &Schedule, luck: u64) -> Schedule {
        let mut dice = Dice { luck, drawn: 0 };
        let mut child = parent.clone();
        for _ in 0..=dice.below(2) {
            self.change(&mut child, &mut dice);
        }
        for strike in &mut child.strikes {
            strike.lasts_s = self.fitting(strike.start_s, strike.lasts_s);
        }
        child
    }

    fn change(&self, child: &mut Schedule, dice: &mut Dice) {
        let at = dice.below(child.strikes.len());
        let what = dice.below(10);
        let strikes = child.strikes.len();
        let strike = &mut child.strikes[at];
        match what {
            0..=2 => {
                // Small steps find an edge, great ones another minute's other end.
                let period = PERIOD_S.min(self.from_s);
                let step = [1, 3, 7, 15, 30][dice.below(5)];
                let step = if dice.below(2) == 0 { step } else { period - step % period };
                strike.start_s = self.from_s + (strike.start_s - self.from_s + step) % period;
            }
            3 => strike.lasts_s = strike.lasts_s * dice.between(50, 200) / 100,
            4 if strike.kind.has_depth => strike.depth = dice.between(1, 20) * 5,
            4 | 5 if strike.kind.has_wave => {
                strike.wave = (dice.between(2, 30), dice.between(2, 30));
            }
            6 => {
                let of = self.kinds.iter().find(|(kind, _)| *kind == strike.kind);
                if let Some((kind, places)) = of {
                    strike.on = self.place(kind, places, dice);
                }
            }
            7 if self.has_load => child.load = dice.between(10, 30) * 5,
            8 if strikes < 2 => {
                let kind = dice.below(self.kinds.len());
                let more = self.strike(kind, dice);
                child.strikes.push(more);
            }
            8 => drop(child.strikes.remove(at)),
            _ => strike.cuts = !strike.cuts,
        }
    }
}
