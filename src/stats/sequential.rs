//! Several looks at the same comparison, each at more replications than the one before, and one bound on the
//! probability that any of them cries wolf.
//!
//! Before the first look it is fixed when one looks and which part of α each look may spend; the parts add up
//! to α, which bounds the whole by the union bound, whatever depends on what. Within a look, Holm's correction
//! shares the part among the whole family. Stopping early without a finding costs power, never α.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::flip::sign_flip;
use super::paired::holm;

/// A look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Replications so far.
    pub replications: u32,
    /// What it may spend, over the whole family.
    pub level: f64,
}

/// The looks of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    looks: Vec<Look>,
    family: usize,
}

/// What one comparison came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// Worse, beyond what luck does.
    Worse,
    /// Nothing speaks for it.
    Fine,
    /// Suspicious, and more replications are needed to tell.
    Open,
}

/// Where one comparison stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// What it came to.
    pub finding: Finding,
    /// The look that decided, or the last one; from 0.
    pub look: usize,
    /// p-value at that look by itself.
    pub p: f64,
    /// p-value after Holm's correction over the family.
    pub p_corrected: f64,
}

/// A comparison whose p-value by itself is above this is left alone: it costs power for effects that are small
/// against their noise, and saves nine tenths of the further looks where nothing is wrong (our choice).
pub const SUSPICIOUS: f64 = 0.1;

/// Probability with which an effect of the size that is printed passes each of the two hurdles.
const POWER: f64 = 0.9;

impl Looks {
    /// Looks at `first` replications, twice that, and so on until `max`, of a `family` of comparisons. Each may
    /// spend of `alpha` in proportion to the replications that it adds; one that could not find anything,
    /// because even all pairs on one side are more likely than its level, leaves its part to the next.
    pub fn new(first: u32, max: u32, alpha: f64, family: usize) -> Self {
        let mut sizes = vec![first.max(1)];
        while let Some(last) = sizes.last().copied().filter(|last| *last < max) {
            sizes.push((last * 2).min(max));
        }
        let all = f64::from(sizes[sizes.len() - 1]);
        let (mut looks, mut before, mut saved) = (Vec::with_capacity(sizes.len()), 0, 0.0);
        for (index, size) in sizes.iter().copied().enumerate() {
            let level = saved + alpha * f64::from(size - before) / all;
            let is_last = index + 1 == sizes.len();
            let is_blind = least(size) > level / family.max(1) as f64;
            let spends = is_last || !is_blind;
            looks.push(Look { replications: size, level: if spends { level } else { 0.0 } });
            saved = if spends { 0.0 } else { level };
            before = size;
        }
        Self { looks, family: family.max(1) }
    }

    /// The looks, in order.
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// Replications of each step: what a look adds to the one before it, from which it goes on.
    pub fn steps(&self) -> Vec<(u32, u32)> {
        let ends = self.looks.iter().map(|look| look.replications);
        let starts = std::iter::once(0).chain(ends.clone());
        starts.zip(ends).map(|(start, end)| (start, end - start)).collect()
    }

    /// Where each comparison stands, from its worsenings less what is fine, pair by pair (`None` for a pair
    /// without values), as many as there are so far. Comparisons of the family that are not given count as
    /// unsuspicious, so what is found of a part is found of the whole.
    pub fn stand(&self, worsenings: &[Vec<Option<f64>>], seed: u64) -> Vec<Standing> {
        let nothing = Standing { finding: Finding::Open, look: 0, p: 1.0, p_corrected: 1.0 };
        let mut standings = vec![nothing; worsenings.len()];
        for (index, look) in self.looks.iter().enumerate() {
            let size = look.replications as usize;
            let is_last = index + 1 == self.looks.len();
            let is_due: Vec<bool> = standings
                .iter()
                .zip(worsenings)
                .map(|(standing, pairs)| standing.finding == Finding::Open && pairs.len() >= size)
                .collect();
            let p_of = |(pairs, is_due): (&Vec<Option<f64>>, &bool)| {
                let pairs: Vec<f64> =
                    pairs.iter().take(size).copied().flatten().filter(|_| *is_due).collect();
                sign_flip(&pairs, seed)
            };
            let mut p: Vec<f64> = worsenings.iter().zip(&is_due).map(p_of).collect();
            p.resize(self.family.max(p.len()), 1.0);
            let corrected = holm(&p);
            for (at, standing) in standings.iter_mut().enumerate().filter(|(at, _)| is_due[*at]) {
                let (p, p_corrected) = (p[at], corrected[at]);
                let finding = if look.level > 0.0 && p_corrected <= look.level {
                    Finding::Worse
                } else if p > SUSPICIOUS {
                    Finding::Fine
                } else {
                    Finding::Open
                };
                *standing = Standing { finding, look: index, p, p_corrected };
            }
            if is_last {
                break;
            }
        }
        standings
    }

    /// The smallest worsening beyond what is fine that this check would have found with a probability of about
    /// 80 %, were its pairs to scatter like these: it must look suspicious at the first look, and be found at
    /// the last. `None` below two pairs and where they do not scatter.
    pub fn smallest_effect(&self, pairs: &[f64]) -> Option<f64> {
        let (n, last) = (pairs.len(), self.looks.last()?);
        let mean = pairs.iter().sum::<f64>() / n as f64;
        let squares: f64 = pairs.iter().map(|x| (x - mean) * (x - mean)).sum();
        if n < 2 || squares == 0.0 {
            return None;
        }
        let scatter = (squares / (n as f64 - 1.0)).sqrt();
        let hurdle = |size: u32, level: f64| {
            let law = StudentsT::new(0.0, 1.0, f64::from(size.max(2)) - 1.0).ok()?;
            let away = law.inverse_cdf(1.0 - level) + law.inverse_cdf(POWER);
            Some(away * scatter / f64::from(size).sqrt())
        };
        let seen = hurdle(self.looks[0].replications, SUSPICIOUS)?;
        let found = hurdle(last.replications, last.level / self.family as f64)?;
        Some(seen.max(found))
    }
}

/// The least p-value that so many pairs can have: all on one side.
fn least(pairs: u32) -> f64 {
    (0..pairs).fold(1.0, |half, _| half / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::luck::{mix, unit};

    fn pairs(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn what_looks_spend_adds_up() {
        for (first, max, family) in [(10, 40, 60), (10, 40, 1), (5, 5, 3), (20, 50, 10)] {
            let looks = Looks::new(first, max, 0.01, family);
            let spent: f64 = looks.looks().iter().map(|look| look.level).sum();
            assert!((spent - 0.01).abs() < 1e-12, "{looks:?}");
            assert_eq!(looks.looks().last().map(|look| look.replications), Some(max));
        }
        let looks = Looks::new(10, 40, 0.01, 60);
        // Ten pairs cannot be rarer than one in a thousand: that look only screens.
        let levels: Vec<f64> = looks.looks().iter().map(|look| look.level).collect();
        assert_eq!(levels[0], 0.0);
        assert!((levels[1] - 0.005).abs() < 1e-12 && (levels[2] - 0.005).abs() < 1e-12);
        assert_eq!(looks.steps(), [(0, 10), (10, 10), (20, 20)]);
    }

    #[test]
    fn a_shift_is_found_at_the_second_look_and_nothing_at_the_first() {
        let looks = Looks::new(10, 40, 0.01, 60);
        let stand = |n: usize| looks.stand(&[pairs(&vec![5.0; n]), pairs(&[0.0; 10])], 1);
        let first = stand(10);
        assert_eq!([first[0].finding, first[1].finding], [Finding::Open, Finding::Fine]);
        let second = stand(20);
        assert_eq!((second[0].finding, second[0].look), (Finding::Worse, 1));
        assert_eq!((second[1].finding, second[1].look), (Finding::Fine, 0));
    }

    #[test]
    fn what_is_found_of_a_part_is_found_of_the_whole() {
        let looks = Looks::new(10, 20, 0.01, 4);
        let (one, other) = (pairs(&[2.0; 20]), pairs(&[1.0; 20]));
        let part = looks.stand(std::slice::from_ref(&one), 1);
        let whole = looks.stand(&[one, other], 1);
        assert_eq!(part[0].finding, Finding::Worse);
        assert_eq!(whole[0].finding, Finding::Worse);
        assert!(whole[0].p_corrected <= part[0].p_corrected);
    }

    /// Nothing is wrong: at most 1 % of checks may say that something is. Differences are on a grid with a
    /// heavy tail, as times to recover are.
    #[test]
    fn it_cries_wolf_as_rarely_as_it_promises() {
        let looks = Looks::new(10, 20, 0.05, 4);
        let checks = 2_000;
        let cried = (0..checks).filter(|check| {
            let gate = |gate: u64| -> Vec<Option<f64>> {
                let difference = |pair: u64| {
                    let luck = mix(mix(*check, gate), pair);
                    let size = (unit(luck) * 3.0).floor() * 5.0;
                    let size = if luck & 15 == 0 { size * 20.0 } else { size };
                    Some(if mix(luck, 1) & 1 == 0 { size } else { -size })
                };
                (0..20).map(difference).collect()
            };
            let gates: Vec<_> = (0..4).map(gate).collect();
            looks.stand(&gates, *check).iter().any(|standing| standing.finding == Finding::Worse)
        });
        let cried = cried.count();
        // 99.9 % bound of Binomial(2000, 0.05) is 131.
        assert!(cried <= 131, "{cried} of {checks}");
        assert!(cried > 0, "a test that never fires shows nothing");
    }

    #[test]
    fn the_smallest_effect_shrinks_with_the_scatter() {
        let looks = Looks::new(10, 40, 0.01, 10);
        let wide = looks.smallest_effect(&[1.0, -1.0, 2.0, -2.0, 0.5]).expect("they scatter");
        let narrow = looks.smallest_effect(&[0.1, -0.1, 0.2, -0.2, 0.05]).expect("they scatter");
        assert!((wide / narrow - 10.0).abs() < 1e-9);
        assert_eq!(looks.smallest_effect(&[1.0, 1.0]), None);
        assert_eq!(looks.smallest_effect(&[1.0]), None);
    }
}
