//! Days and dates: what month it is so many days after 1970-01-01, in UTC and the Gregorian calendar.
//!
//! Howard Hinnant's `days_from_civil` and `civil_from_days` (chrono-compatible low-level date algorithms),
//! for the years that an unsigned number of nanoseconds since 1970 reaches.

/// Days since 1970-01-01 of a date; `month` and `day` from 1.
pub(super) const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year and month of a day.
pub(super) const fn month_of(day: u64) -> (u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year + if month <= 2 { 1 } else { 0 }, month)
}

/// First day of the month that lies `months` after this one.
pub(super) const fn first_of(year: u64, month: u64, months: u64) -> u64 {
    let index = year * 12 + month - 1 + months;
    days(index / 12, index % 12 + 1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(days(2026, 11, 25), 20_782);
    }

    /// A calendar that only knows how long months are, walked day by day.
    #[test]
    fn every_day_until_2200_has_the_month_that_counting_gives_it() {
        let (mut year, mut month, mut left) = (1970, 1, 31);
        for day in 0..84_006 {
            assert_eq!(month_of(day), (year, month), "day {day}");
            left -= 1;
            if left == 0 {
                month += 1;
                if month == 13 {
                    (year, month) = (year + 1, 1);
                }
                let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                left = match month {
                    2 if leap => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                assert_eq!(days(year, month, 1), day + 1);
            }
        }
    }
}
