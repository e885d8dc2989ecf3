//! Comparing what met the same luck: paired differences, corrected for their number, and letters that say
//! who cannot be told apart.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::estimate::{Estimate, mean};

/// A paired difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Mean of left − right, with its 95 % interval (Student's t).
    pub difference: Estimate,
    /// Two-sided p-value of "no difference". Differences that are all equal leave no doubt: 1 where they are
    /// 0, else 0.
    pub p: f64,
}

/// Left minus right, pair by pair; pairs of which one is missing are left out. `None` below two pairs.
pub fn paired(left: &[Option<f64>], right: &[Option<f64>]) -> Option<Paired> {
    let differences: Vec<f64> =
        left.iter().zip(right).filter_map(|(left, right)| Some((*left)? - (*right)?)).collect();
    let difference = mean(&differences)?;
    let interval = difference.interval?;
    let half = (interval.high - interval.low) / 2.0;
    let freedom = difference.n as f64 - 1.0;
    let p = if half == 0.0 {
        if difference.point == 0.0 { 1.0 } else { 0.0 }
    } else {
        let law = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let error = half / law.inverse_cdf(0.975);
        2.0 * law.cdf(-(difference.point / error).abs())
    };
    Some(Paired { difference, p })
}

/// Holm's correction (1979) of a family of p-values, in their order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]).then(a.cmp(b)));
    let mut corrected = vec![0.0; p.len()];
    let mut least = 0.0f64;
    for (rank, &at) in order.iter().enumerate() {
        least = least.max((p[at] * (p.len() - rank) as f64).min(1.0));
        corrected[at] = least;
    }
    corrected
}

/// A compact letter display: for each of `n` (best first), its letters. Two that share a letter do not differ
/// significantly; `differs(i, j)` for i < j says which do. Insert-and-absorb (Piepho 2004).
pub fn letters(n: usize, differs: impl Fn(usize, usize) -> bool) -> Vec<String> {
    let mut groups: Vec<Vec<usize>> = if n == 0 { Vec::new() } else { vec![(0..n).collect()] };
    for i in 0..n {
        for j in i + 1..n {
            if !differs(i, j) {
                continue;
            }
            let split: Vec<Vec<usize>> = std::mem::take(&mut groups)
                .into_iter()
                .flat_map(|group| {
                    if group.contains(&i) && group.contains(&j) {
                        let without = |out: usize| -> Vec<usize> {
                            group.iter().copied().filter(|x| *x != out).collect()
                        };
                        vec![without(j), without(i)]
                    } else {
                        vec![group]
                    }
                })
                .collect();
            for group in &split {
                let inside = |other: &Vec<usize>| {
                    other.len() > group.len() && group.iter().all(|x| other.contains(x))
                };
                if !split.iter().any(inside) && !groups.contains(group) {
                    groups.push(group.clone());
                }
            }
        }
    }
    groups.sort();
    let name = |index: usize| match u8::try_from(index) {
        Ok(at) if at < 26 => char::from(b'a' + at).to_string(),
        _ => format!("({})", index + 1),
    };
    (0..n)
        .map(|i| {
            let of: Vec<usize> = (0..groups.len()).filter(|at| groups[*at].contains(&i)).collect();
            // Three and more in a row are written as `a–c`.
            of.chunk_by(|a, b| a + 1 == *b)
                .map(|run| match run {
                    [first, _, .., last] => format!("{}–{}", name(*first), name(*last)),
                    short => short.iter().map(|at| name(*at)).collect(),
                })
                .collect()
        })
        .collect()
}

/// Whether two of the letters' strings share a letter.
pub fn share_a_letter(one: &str, other: &str) -> bool {
    let (one, other) = (expanded(one), expanded(other));
    one.iter().any(|letter| other.contains(letter))
}

/// The groups that letters stand for.
fn expanded(letters: &str) -> Vec<u32> {
    let mut groups = Vec::new();
    let mut ranges = false;
    let mut rest = letters;
    while let Some(first) = rest.chars().next() {
        let (group, length) = match first {
            '(' => {
                let end = rest.find(')').unwrap_or(rest.len() - 1);
                (rest[1..end].parse::<u32>().unwrap_or(0), end + 1)
            }
            '–' => {
                ranges = true;
                rest = &rest[first.len_utf8()..];
                continue;
            }
            letter => (u32::from(letter) - u32::from('a') + 1, letter.len_utf8()),
        };
        let from = if ranges { groups.last().map_or(group, |last| last + 1) } else { group };
        groups.extend(from..=group);
        ranges = false;
        rest = &rest[length..];
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_cancel_what_they_share() {
        let luck = [0.0, 50.0, -30.0, 200.0, 7.0];
        let left: Vec<_> = luck.iter().map(|x| Some(x + 1.0)).collect();
        let right: Vec<_> = luck.iter().map(|x| Some(*x)).collect();
        let same = paired(&left, &right).unwrap();
        assert_eq!((same.difference.point, same.p), (1.0, 0.0));
        assert_eq!(paired(&left, &left).unwrap().p, 1.0);
        let half = [Some(1.0), None, Some(2.0)];
        assert_eq!(paired(&half, &[Some(0.0); 3]).unwrap().difference.n, 2);
        assert!(paired(&[Some(1.0)], &[Some(0.0)]).is_none());
    }

    /// Student's own example (sleep, 1908): t = −4.0621 on 9 degrees of freedom, p = 0.002833.
    #[test]
    fn the_sleep_data() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0].map(Some);
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4].map(Some);
        let paired = paired(&first, &second).unwrap();
        assert!((paired.p - 0.002_833).abs() < 1e-6, "{}", paired.p);
        let interval = paired.difference.interval.unwrap();
        assert!(
            (interval.low + 2.459_886).abs() < 1e-5 && (interval.high + 0.700_114).abs() < 1e-5
        );
    }

    #[test]
    fn holm_steps_down() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn letters_are_shared_exactly_by_those_that_do_not_differ() {
        // 0 differs from 2 and 3, 1 from 3.
        let differs = |i, j| matches!((i, j), (0, 2 | 3) | (1, 3));
        assert_eq!(letters(4, differs), ["a", "ab", "bc", "c"]);
        assert_eq!(letters(3, |_, _| false), ["a", "a", "a"]);
        assert_eq!(letters(3, |_, _| true), ["a", "b", "c"]);
        for n in [5, 40] {
            let many = letters(n, |i, j| (i + j) % 3 == 0 || i * j % 7 == 5);
            for i in 0..n {
                for j in i + 1..n {
                    let share = share_a_letter(&many[i], &many[j]);
                    assert_eq!(share, (i + j) % 3 != 0 && i * j % 7 != 5, "{i} {j} {many:?}");
                }
            }
        }
    }

    #[test]
    fn letters_in_a_row_are_written_short() {
        // Neighbours do not differ, all others do… but for the last, which differs from nobody.
        let display = letters(7, |i, j| j < 6 && j - i > 1);
        assert_eq!(display, ["a", "ab", "bc", "cd", "de", "e", "a–e"]);
        assert_eq!(expanded("ab(27)–(29)z"), [1, 2, 27, 28, 29, 26]);
    }
}
