//! From weights to probabilities, and from a probability table to a draw in constant time.

use super::health::Health;
use super::identity::Ticket;
use super::luck;
use super::params::Params;

/// What selection needs to know of a candidate: weight, and whether it is coming back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) weight: f64,
    pub(crate) recovering: bool,
}

/// What selection gives a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Odds {
    pub(crate) probability: f64,
    /// Most of the probability is not earned by weight: a draw is there to learn.
    pub(crate) explores: bool,
}

/// What level 1 needs to know of a provider for one model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Direction {
    pub(crate) weight: f64,
    /// Keys that are usable, and of those the ones that are coming back.
    pub(crate) usable: usize,
    pub(crate) recovering: usize,
}

/// What level 2 needs to know of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) weight: f64,
    pub(crate) static_weight: f64,
    pub(crate) health: Health,
    pub(crate) held: bool,
}

impl Key {
    /// Whether a key of this health takes part in selection.
    pub(crate) fn usable(health: Health, held: bool) -> bool {
        health != Health::Failed && !held
    }
}

/// Level 1: the odds of a model's providers.
pub(crate) fn of_directions(
    directions: impl Iterator<Item = Direction> + Clone,
    params: &Params,
    out: &mut Vec<Odds>,
) {
    let all_even = params.switch_direction_selection == 0.0;
    let candidates = directions.map(|direction| {
        (direction.usable > 0).then_some(Candidate {
            weight: if all_even { 1.0 } else { direction.weight },
            recovering: direction.recovering == direction.usable,
        })
    });
    probabilities(candidates, params, out);
}

/// Level 2: the odds of a provider's keys.
pub(crate) fn of_keys(
    keys: impl Iterator<Item = Key> + Clone,
    params: &Params,
    out: &mut Vec<Odds>,
) {
    if params.switch_route_selection != 0.0 {
        let candidates = keys.map(|key| {
            let recovering = key.health == Health::Recovering;
            Key::usable(key.health, key.held)
                .then_some(Candidate { weight: key.weight, recovering })
        });
        return probabilities(candidates, params, out);
    }
    let fits = |key: &Key| !key.held && key.static_weight > 0.0;
    let total: f64 = keys.clone().filter(fits).map(|key| key.static_weight).sum();
    out.clear();
    out.extend(
        keys.map(|key| Odds::earned(if fits(&key) { key.static_weight / total } else { 0.0 })),
    );
}

/// Writes each candidate's odds (of those usable; `None` = not usable, probability 0).
///
/// `band`: with probability 1 − explore a draw by weight among those within the band below the best, else an
/// even draw among the rest (so each of the rest gets at least explore/K, the published floor). `smooth`: by
/// weight, with a floor for everyone and a budget for those coming back.
pub(crate) fn probabilities(
    candidates: impl Iterator<Item = Option<Candidate>> + Clone,
    params: &Params,
    out: &mut Vec<Odds>,
) {
    out.clear();
    if params.selection_rule == 0.0 {
        band(candidates, params, out);
    } else {
        smooth(candidates, params, out);
    }
}

fn band(
    candidates: impl Iterator<Item = Option<Candidate>> + Clone,
    params: &Params,
    out: &mut Vec<Odds>,
) {
    let best = candidates.clone().flatten().map(|c| c.weight).fold(0.0, f64::max);
    let edge = best * (1.0 - params.selection_band);
    let inside = |c: &Candidate| c.weight >= edge;
    let weight: f64 = candidates.clone().flatten().filter(inside).map(|c| c.weight).sum();
    let outside = candidates.clone().flatten().filter(|c| !inside(c)).count();
    let explore = if outside == 0 { 0.0 } else { params.selection_explore };
    out.extend(candidates.map(|candidate| match candidate {
        None => Odds::default(),
        Some(c) if inside(&c) => Odds::earned((1.0 - explore) * c.weight / weight),
        Some(_) => Odds { probability: explore / outside as f64, explores: true },
    }));
}

fn smooth(
    candidates: impl Iterator<Item = Option<Candidate>> + Clone,
    params: &Params,
    out: &mut Vec<Odds>,
) {
    let count = candidates.clone().flatten().count();
    if count == 0 {
        out.extend(candidates.map(|_| Odds::default()));
        return;
    }
    let weight: f64 = candidates.clone().flatten().map(|c| c.weight).sum();
    let recovering = candidates.clone().flatten().filter(|c| c.recovering).count();
    let floor = params.selection_floor.min(1.0 / count as f64);
    let probe = if recovering == 0 { 0.0 } else { params.selection_probe };
    let rest = (1.0 - floor * count as f64 - probe).max(0.0);
    let sum = floor * count as f64 + probe + rest;
    out.extend(candidates.map(|candidate| match candidate {
        None => Odds::default(),
        Some(c) => {
            let given = floor + if c.recovering { probe / recovering as f64 } else { 0.0 };
            let earned = rest * c.weight / weight;
            Odds { probability: (given + earned) / sum, explores: given > earned }
        }
    }));
}

impl Odds {
    /// A probability that weight has earned.
    pub(crate) const fn earned(probability: f64) -> Self {
        Self { probability, explores: false }
    }
}

/// An alias table (Walker 1977, Vose 1991): one word of luck, one look, whatever the number of routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// Every route that the table may give with its probability, ascending by slot.
    pub(crate) odds: Vec<(Drawn, f64)>,
    /// Every route that it was made for, usable or not, ascending by slot.
    pub(crate) members: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Keep `own` if the low half of the luck is below this.
    keep: u32,
    own: Drawn,
    other: Drawn,
}

/// What a draw met, see [`Table::look`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) column: u32,
    pub(crate) columns: u32,
    /// Where along all columns, in [0, 1).
    pub(crate) along: f64,
    pub(crate) height: f64,
    pub(crate) keep: f64,
    pub(crate) below: u32,
    pub(crate) above: u32,
}

/// A slot, and in its top bit whether drawing it explores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn(u32);

impl Drawn {
    const EXPLORES: u32 = 1 << 31;

    const fn new(slot: u32, explores: bool) -> Self {
        Self(if explores { slot | Self::EXPLORES } else { slot })
    }

    #[inline]
    pub(crate) const fn slot(self) -> u32 {
        self.0 & !Self::EXPLORES
    }

    /// The flag of a ticket.
    #[inline]
    pub(crate) const fn flag(self) -> u32 {
        (self.0 >> 31) * Ticket::EXPLORES
    }
}

impl Table {
    /// A table over `members` (ascending) with these odds; those at zero are never drawn.
    pub(crate) fn new(members: Vec<u32>, odds: impl Fn(usize) -> Odds) -> Self {
        let odds: Vec<(Drawn, f64)> = (members.iter().enumerate())
            .map(|(i, slot)| (*slot, odds(i)))
            .filter(|(_, odds)| odds.probability > 0.0)
            .map(|(slot, odds)| (Drawn::new(slot, odds.explores), odds.probability))
            .collect();
        let mut table = Self { entries: Vec::with_capacity(odds.len()), odds, members };
        table.build();
        table
    }

    fn build(&mut self) {
        let n = self.odds.len();
        let total: f64 = self.odds.iter().map(|(_, p)| p).sum();
        let mut mass: Vec<f64> = self.odds.iter().map(|(_, p)| p / total * n as f64).collect();
        self.entries.extend(self.odds.iter().map(|(drawn, _)| Entry {
            keep: u32::MAX,
            own: *drawn,
            other: *drawn,
        }));
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| mass[*i] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.pop()) {
            self.entries[poor].keep = (mass[poor] * 4_294_967_296.0) as u32;
            self.entries[poor].other = self.entries[rich].own;
            mass[rich] -= 1.0 - mass[poor];
            if mass[rich] < 1.0 { small.push(rich) } else { large.push(rich) }
        }
    }

    /// What a word of luck meets in the table: the number of the column, how many there are, the height in it
    /// and what it is compared with (both as shares), and what lies below and above that.
    pub(crate) fn look(&self, word: u64) -> Option<Look> {
        let column = luck::below(word, self.entries.len() as u32);
        let entry = self.entries.get(column as usize)?;
        let share = |part: u32| f64::from(part) / 4_294_967_296.0;
        Some(Look {
            column,
            columns: self.entries.len() as u32,
            along: share((word >> 32) as u32),
            height: share(word as u32),
            keep: share(entry.keep),
            below: entry.own.slot(),
            above: entry.other.slot(),
        })
    }

    /// What lies at this height of a column.
    pub(crate) fn at(&self, column: u32, height: f64) -> Option<u32> {
        let entry = self.entries.get(column as usize)?;
        let below = height < f64::from(entry.keep) / 4_294_967_296.0;
        Some(if below { entry.own.slot() } else { entry.other.slot() })
    }

    /// Draws a route; `None` if nothing can be drawn.
    #[inline]
    pub(crate) fn draw(&self, word: u64) -> Option<Drawn> {
        let entry = self.entries.get(luck::below(word, self.entries.len() as u32) as usize)?;
        Some(if (word as u32) < entry.keep { entry.own } else { entry.other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odds(weights: &[f64], rule: f64) -> Vec<f64> {
        both(weights, rule).iter().map(|odds| odds.probability).collect()
    }

    fn both(weights: &[f64], rule: f64) -> Vec<Odds> {
        let mut params = Params::default();
        params.set("selection.rule", rule).unwrap();
        let mut out = Vec::new();
        let all = weights
            .iter()
            .map(|&weight| (weight > 0.0).then_some(Candidate { weight, recovering: false }));
        probabilities(all, &params, &mut out);
        out
    }

    // The worked examples of the published band rule.
    #[test]
    fn the_band_gives_the_published_probabilities() {
        assert_eq!(odds(&[850.0, 620.0, 45.0], 0.0), [0.75, 0.125, 0.125]);
        assert_eq!(odds(&[1000.0, 1000.0, 802.0], 0.0), [0.375, 0.375, 0.25]);
        assert_eq!(odds(&[1000.0, 802.0], 0.0), [0.75, 0.25]);
        assert_eq!(odds(&[1000.0, 0.0, 1000.0], 0.0), [0.5, 0.0, 0.5]);
        // Exactly on the edge is inside.
        assert_eq!(odds(&[1000.0, 950.0], 0.0)[1], 950.0 / 1950.0);
    }

    #[test]
    fn a_draw_explores_where_weight_has_not_earned_it() {
        let explores = |weights: &[f64], rule| {
            both(weights, rule).iter().map(|odds| odds.explores).collect::<Vec<_>>()
        };
        assert_eq!(explores(&[850.0, 620.0, 0.0, 45.0], 0.0), [false, true, false, true]);
        assert_eq!(explores(&[1000.0, 950.0], 0.0), [false, false]);
        // A weight of 5 in 1,000 earns less than the floor of 1 %.
        assert_eq!(explores(&[900.0, 95.0, 5.0], 1.0), [false, false, true]);
    }

    #[test]
    fn smooth_selection_is_by_weight_over_a_floor() {
        let p = odds(&[900.0, 100.0], 1.0);
        assert!((p[0] - (0.01 + 0.98 * 0.9)).abs() < 1e-12);
        assert!((p[0] + p[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_table_draws_what_it_promises() {
        let weights = [0.5, 0.0, 0.3, 0.15, 0.05];
        let table = Table::new(vec![3, 5, 8, 9, 20], |i| Odds {
            probability: weights[i],
            explores: i == 3,
        });
        let mut seen = [0u32; 21];
        let n = 400_000;
        for i in 0..n {
            let drawn = table.draw(luck::mix(1, i)).unwrap();
            assert_eq!(drawn.flag() != 0, drawn.slot() == 9);
            seen[drawn.slot() as usize] += 1;
        }
        for (slot, p) in [(3, 0.5), (5, 0.0), (8, 0.3), (9, 0.15), (20, 0.05)] {
            let share = f64::from(seen[slot]) / n as f64;
            assert!((share - p).abs() < 0.003, "slot {slot}: {share} instead of {p}");
            assert!(p == 0.0 || table.odds.contains(&(Drawn::new(slot as u32, slot == 9), p)));
        }
        assert_eq!(Table::default().draw(5), None);
    }
}
