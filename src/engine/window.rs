//! Exact counts over trailing windows: a ring of buckets, one per recomputation interval, with a running
//! integer sum for each window. Integers, so that taking a bucket out restores exactly what was there.

/// Attempts and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that count (done or error).
    pub attempts: u64,
    /// Errors among them.
    pub errors: u64,
}

impl Tally {
    /// Errors per attempt, if there was any attempt.
    pub fn rate(self) -> Option<f64> {
        (self.attempts > 0).then(|| self.errors as f64 / self.attempts as f64)
    }

    /// The sum of two.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { attempts: self.attempts + other.attempts, errors: self.errors + other.errors }
    }

    const fn minus(self, other: Self) -> Self {
        Self { attempts: self.attempts - other.attempts, errors: self.errors - other.errors }
    }
}

/// How many windows an engine keeps: state, momentum, short, long.
pub(crate) const WINDOWS: usize = 4;

/// Lengths of the windows in buckets, in the order state, momentum, short, long.
pub(crate) type Lengths = [u16; WINDOWS];

/// The windows of one route, plus its whole past.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windows {
    ring: Vec<(u32, u32)>,
    head: usize,
    sums: [Tally; WINDOWS],
    all: Tally,
}

impl Windows {
    pub(crate) fn new(lengths: &Lengths) -> Self {
        let longest = usize::from(lengths.iter().copied().max().unwrap_or(1));
        Self { ring: vec![(0, 0); longest], ..Self::default() }
    }

    /// Adds a bucket; the oldest of each window leaves it.
    pub(crate) fn push(&mut self, lengths: &Lengths, bucket: Tally) {
        let n = self.ring.len();
        for (sum, length) in self.sums.iter_mut().zip(lengths) {
            let leaving = self.ring[(self.head + n - usize::from(*length)) % n];
            let leaving = Tally { attempts: u64::from(leaving.0), errors: u64::from(leaving.1) };
            *sum = sum.minus(leaving).plus(bucket);
        }
        self.ring[self.head] = (clip(bucket.attempts), clip(bucket.errors));
        self.head = (self.head + 1) % n;
        self.all = self.all.plus(bucket);
    }

    /// The sums in the order state, momentum, short, long.
    pub(crate) const fn sums(&self) -> &[Tally; WINDOWS] {
        &self.sums
    }

    /// The whole past.
    pub(crate) const fn all(&self) -> Tally {
        self.all
    }

    /// Adds a past too old for any window.
    pub(crate) fn add_past(&mut self, past: Tally) {
        self.all = self.all.plus(past);
    }
}

fn clip(n: u64) -> u32 {
    u32::try_from(n).expect("fewer than 2^32 attempts per route and interval")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_exactly_its_last_buckets() {
        let lengths = [2, 4, 12, 60];
        let mut windows = Windows::new(&lengths);
        for i in 0..200u64 {
            windows.push(&lengths, Tally { attempts: i, errors: i / 2 });
            for (sum, length) in windows.sums().iter().zip(lengths) {
                let from = (i + 1).saturating_sub(u64::from(length));
                assert_eq!(sum.attempts, (from..=i).sum::<u64>(), "window {length} at {i}");
                assert_eq!(sum.errors, (from..=i).map(|n| n / 2).sum::<u64>());
            }
        }
        assert_eq!(windows.all().attempts, (0..200).sum::<u64>());
    }

    #[test]
    fn no_attempts_is_no_rate() {
        assert_eq!(Tally::default().rate(), None);
        assert_eq!(Tally { attempts: 4, errors: 1 }.rate(), Some(0.25));
    }
}
