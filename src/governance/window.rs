//! Over which time a limit counts: so long from an anchor on, or a day, week, month, quarter or year of the
//! calendar.

use super::calendar::{days, first_of, month_of};

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;
/// 1970-01-01 was a Thursday; weeks begin on Monday.
const FIRST_MONDAY: u64 = 4;

/// How long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Length {
    /// `1m`.
    Minute,
    /// `5m`.
    FiveMinutes,
    /// `1h`.
    Hour,
    /// `1d`.
    Day,
    /// `1w`.
    Week,
    /// `1M`: 30 days where it is not aligned (our choice).
    Month,
    /// `1Q`: 90 days where it is not aligned (our choice).
    Quarter,
    /// `1Y`: 365 days where it is not aligned (our choice).
    Year,
}

impl Length {
    /// All of them, shortest first.
    pub const ALL: [Self; 8] = [
        Self::Minute,
        Self::FiveMinutes,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// Its word in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Month => "1M",
            Self::Quarter => "1Q",
            Self::Year => "1Y",
        }
    }

    /// The length that has this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|length| length.name() == name)
    }

    /// Nanoseconds, where it is not aligned.
    pub const fn nanos(self) -> u64 {
        match self {
            Self::Minute => 60 * SECOND,
            Self::FiveMinutes => 300 * SECOND,
            Self::Hour => 3_600 * SECOND,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
            Self::Month => 30 * DAY,
            Self::Quarter => 90 * DAY,
            Self::Year => 365 * DAY,
        }
    }
}

/// Over which time a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// How long.
    pub length: Length,
    /// Whether it follows the calendar (UTC; weeks begin on Monday) instead of an anchor. Not for less than
    /// a day.
    pub aligned: bool,
}

impl Window {
    /// A window from an anchor on.
    pub const fn fixed(length: Length) -> Self {
        Self { length, aligned: false }
    }

    /// A window of the calendar.
    pub const fn calendar(length: Length) -> Self {
        Self { length, aligned: true }
    }

    /// The window that holds moment `at`, as [start, end); moments are nanoseconds since 1970, and windows that
    /// are not aligned begin at `anchor` and at whole lengths from it.
    ///
    /// The product's worker looks every 10 s and lets the next window begin when it has looked; here windows
    /// stay on their grid, so that nothing depends on when somebody looked.
    pub const fn around(self, at: u64, anchor: u64) -> (u64, u64) {
        if !self.aligned {
            let length = self.length.nanos();
            let from = if at >= anchor {
                at - (at - anchor) % length
            } else {
                // Before the anchor the grid goes on backwards, as far as 1970.
                let behind = (anchor - at).div_ceil(length) * length;
                anchor.saturating_sub(behind)
            };
            return (from, from.saturating_add(length));
        }
        let today = at / DAY;
        let (first, next) = match self.length {
            Length::Week => {
                let since = (today + 7 - FIRST_MONDAY) % 7;
                // The week that began before 1970 is cut there.
                (today.saturating_sub(since), today + 7 - since)
            }
            Length::Month => {
                let (year, month) = month_of(today);
                (first_of(year, month, 0), first_of(year, month, 1))
            }
            Length::Quarter => {
                let (year, month) = month_of(today);
                let first = month - (month - 1) % 3;
                (first_of(year, first, 0), first_of(year, first, 3))
            }
            Length::Year => {
                let (year, _) = month_of(today);
                (days(year, 1, 1), days(year + 1, 1, 1))
            }
            _ => (today, today + 1),
        };
        (first * DAY, next * DAY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn day(year: u64, month: u64, day: u64) -> u64 {
        days(year, month, day) * DAY
    }

    #[test]
    fn calendars_begin_where_people_say_they_do() {
        // Wednesday, 2026-11-25 22:25 UTC.
        let at = day(2026, 11, 25) + 80_700 * SECOND;
        let around = |length| Window::calendar(length).around(at, 12_345);
        assert_eq!(around(Length::Day), (day(2026, 11, 25), day(2026, 11, 26)));
        assert_eq!(around(Length::Week), (day(2026, 11, 23), day(2026, 11, 30)));
        assert_eq!(around(Length::Month), (day(2026, 11, 1), day(2026, 12, 1)));
        assert_eq!(around(Length::Quarter), (day(2026, 10, 1), day(2027, 1, 1)));
        assert_eq!(around(Length::Year), (day(2026, 1, 1), day(2027, 1, 1)));
    }

    #[test]
    fn a_leap_february_has_29_days_and_a_sunday_ends_a_week() {
        let at = day(2028, 2, 29);
        assert_eq!(
            Window::calendar(Length::Month).around(at, 0),
            (day(2028, 2, 1), day(2028, 3, 1))
        );
        let sunday = day(2026, 11, 29) + DAY - 1;
        assert_eq!(Window::calendar(Length::Week).around(sunday, 0).1, day(2026, 11, 30));
        let monday = sunday + 1;
        assert_eq!(Window::calendar(Length::Week).around(monday, 0).0, day(2026, 11, 30));
    }

    #[test]
    fn windows_have_names_that_lead_back_to_them() {
        for length in Length::ALL {
            assert_eq!(Length::of_name(length.name()), Some(length));
        }
        assert_eq!(Length::of_name("2d"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        /// Windows tile time: each moment lies in its window, which begins where the one before it ends.
        #[test]
        fn windows_tile_time(
            at in day(1970, 1, 5)..day(2300, 1, 1),
            anchor in 0..day(2100, 1, 1),
            length in 0..8usize,
            aligned: bool,
        ) {
            let length = Length::ALL[length];
            let window = Window { length, aligned: aligned && length >= Length::Day };
            let (start, end) = window.around(at, anchor);
            prop_assert!(start <= at && at < end, "{start} {at} {end}");
            prop_assert_eq!(window.around(start, anchor), (start, end));
            prop_assert_eq!(window.around(end - 1, anchor), (start, end));
            prop_assert_eq!(window.around(end, anchor).0, end);
            if window.aligned {
                prop_assert_eq!(start % DAY, 0);
                prop_assert!((end - start) / DAY <= 366);
            }
        }
    }
}
