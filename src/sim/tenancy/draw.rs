//! One of many, drawn by shares: found at once, however many there are.

/// Running sums of shares, and where to begin to look in them.
#[derive(Debug)]
pub(super) struct Draw {
    sums: Vec<f64>,
    /// By equal parts of 0 to 1, a power of two of them so that a number's part is exact: the first whose sum lies above.
    starts: Vec<u32>,
}

impl Draw {
    /// So many, the n-th with a share in proportion to 1/n to the power of `skew`.
    pub(super) fn new(count: usize, skew: f64) -> Self {
        let share = |n: usize| libm::pow(n as f64, -skew);
        let total: f64 = (1..=count).map(share).sum();
        let mut sum = 0.0;
        let add = |n| {
            sum += share(n) / total;
            sum
        };
        let sums: Vec<f64> = (1..=count).map(add).collect();
        let parts = count.next_power_of_two();
        let start = |part: usize| {
            let low = part as f64 / parts as f64;
            sums.partition_point(|sum| *sum <= low) as u32
        };
        let starts = (0..parts).map(start).collect();
        Self { sums, starts }
    }

    /// Whose a number from 0 to below 1 is.
    #[inline]
    pub(super) fn at(&self, number: f64) -> usize {
        let start = self.starts[(number * self.starts.len() as f64) as usize] as usize;
        let beyond = self.sums[start..].iter().take_while(|sum| **sum <= number).count();
        (start + beyond).min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::luck::{mix, unit};

    #[test]
    fn what_is_drawn_is_what_a_search_finds() {
        for (count, skew) in [(1, 0.0), (2, 1.0), (3, 0.0), (1_000, 0.0), (1_000, 1.1), (777, 2.5)]
        {
            let draw = Draw::new(count, skew);
            let ends = [0.0, f64::from_bits(1.0f64.to_bits() - 1)];
            let sums = draw.sums.iter().copied().filter(|sum| *sum < 1.0);
            let numbers = (0..10_000).map(|n| unit(mix(n, 7)));
            for number in numbers.chain(sums).chain(ends) {
                let found = draw.sums.partition_point(|sum| *sum <= number).min(count - 1);
                assert_eq!(draw.at(number), found, "{number} of {count} at {skew}");
            }
        }
    }
}
