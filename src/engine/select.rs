//! From weights to probabilities, and from a probability table to a draw in constant time.

use super::luck;
use super::params::Params;

/// What selection needs to know of a candidate: weight, and whether it is coming back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) weight: f64,
    pub(crate) recovering: bool,
}

/// Writes each candidate's probability (of those usable; `None` = not usable, probability 0).
///
/// `band`: with probability 1 − explore a draw by weight among those within the band below the best, else an
/// even draw among the rest (so each of the rest gets at least explore/K, the published floor). `smooth`: by
/// weight, with a floor for everyone and a budget for those coming back.
pub(crate) fn probabilities(
    candidates: impl Iterator<Item = Option<Candidate>> + Clone,
    params: &Params,
    out: &mut Vec<f64>,
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
    out: &mut Vec<f64>,
) {
    let best = candidates.clone().flatten().map(|c| c.weight).fold(0.0, f64::max);
    let edge = best * (1.0 - params.selection_band);
    let inside = |c: &Candidate| c.weight >= edge;
    let weight: f64 = candidates.clone().flatten().filter(inside).map(|c| c.weight).sum();
    let outside = candidates.clone().flatten().filter(|c| !inside(c)).count();
    let explore = if outside == 0 { 0.0 } else { params.selection_explore };
    out.extend(candidates.map(|candidate| match candidate {
        None => 0.0,
        Some(c) if inside(&c) => (1.0 - explore) * c.weight / weight,
        Some(_) => explore / outside as f64,
    }));
}

fn smooth(
    candidates: impl Iterator<Item = Option<Candidate>> + Clone,
    params: &Params,
    out: &mut Vec<f64>,
) {
    let count = candidates.clone().flatten().count();
    if count == 0 {
        out.extend(candidates.map(|_| 0.0));
        return;
    }
    let weight: f64 = candidates.clone().flatten().map(|c| c.weight).sum();
    let recovering = candidates.clone().flatten().filter(|c| c.recovering).count();
    let floor = params.selection_floor.min(1.0 / count as f64);
    let probe = if recovering == 0 { 0.0 } else { params.selection_probe };
    let rest = (1.0 - floor * count as f64 - probe).max(0.0);
    let sum = floor * count as f64 + probe + rest;
    out.extend(candidates.map(|candidate| match candidate {
        None => 0.0,
        Some(c) => {
            let share = if c.recovering { probe / recovering as f64 } else { 0.0 };
            (floor + share + rest * c.weight / weight) / sum
        }
    }));
}

/// An alias table (Walker 1977, Vose 1991): one word of luck, one look, whatever the number of routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// (slot, probability) of every route that the table may give, ascending by slot.
    pub(crate) odds: Vec<(u32, f64)>,
    /// Every route that it was made for, usable or not, ascending by slot.
    pub(crate) members: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Keep `own` if the low half of the luck is below this.
    keep: u32,
    own: u32,
    other: u32,
}

impl Table {
    /// A table over `members` (ascending) with these probabilities; those at zero are never drawn.
    pub(crate) fn new(members: Vec<u32>, probability: impl Fn(usize) -> f64) -> Self {
        let odds: Vec<(u32, f64)> = members
            .iter()
            .enumerate()
            .map(|(i, slot)| (*slot, probability(i)))
            .filter(|(_, p)| *p > 0.0)
            .collect();
        let mut table = Self { entries: Vec::with_capacity(odds.len()), odds, members };
        table.build();
        table
    }

    fn build(&mut self) {
        let n = self.odds.len();
        let total: f64 = self.odds.iter().map(|(_, p)| p).sum();
        let mut mass: Vec<f64> = self.odds.iter().map(|(_, p)| p / total * n as f64).collect();
        self.entries.extend(self.odds.iter().map(|(slot, _)| Entry {
            keep: u32::MAX,
            own: *slot,
            other: *slot,
        }));
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| mass[*i] < 1.0);
        while let (Some(poor), Some(rich)) = (small.pop(), large.pop()) {
            self.entries[poor].keep = (mass[poor] * 4_294_967_296.0) as u32;
            self.entries[poor].other = self.entries[rich].own;
            mass[rich] -= 1.0 - mass[poor];
            if mass[rich] < 1.0 { small.push(rich) } else { large.push(rich) }
        }
    }

    /// Draws a slot; `None` if nothing can be drawn.
    #[inline]
    pub(crate) fn draw(&self, word: u64) -> Option<u32> {
        let entry = self.entries.get(luck::below(word, self.entries.len() as u32) as usize)?;
        Some(if (word as u32) < entry.keep { entry.own } else { entry.other })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odds(weights: &[f64], rule: f64) -> Vec<f64> {
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
    fn smooth_selection_is_by_weight_over_a_floor() {
        let p = odds(&[900.0, 100.0], 1.0);
        assert!((p[0] - (0.01 + 0.98 * 0.9)).abs() < 1e-12);
        assert!((p[0] + p[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_table_draws_what_it_promises() {
        let weights = [0.5, 0.0, 0.3, 0.15, 0.05];
        let table = Table::new(vec![3, 5, 8, 9, 20], |i| weights[i]);
        let mut seen = [0u32; 21];
        let n = 400_000;
        for i in 0..n {
            seen[table.draw(luck::mix(1, i)).unwrap() as usize] += 1;
        }
        for (slot, p) in [(3, 0.5), (5, 0.0), (8, 0.3), (9, 0.15), (20, 0.05)] {
            let share = f64::from(seen[slot]) / n as f64;
            assert!((share - p).abs() < 0.003, "slot {slot}: {share} instead of {p}");
            assert!(p == 0.0 || table.odds.contains(&(slot as u32, p)));
        }
        assert_eq!(Table::default().draw(5), None);
    }
}
