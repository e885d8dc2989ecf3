//! Where windows begin, by counting days year by year: slow, and nothing like the code that it checks.

use crate::governance::{Length, Window};

const DAY: u64 = 86_400_000_000_000;

/// When the window began that holds a moment; all in nanoseconds since 1970. Windows that do not follow the calendar
/// begin at `anchor`, which is not later than the moment.
pub(super) fn start_of(window: Window, at: u64, anchor: u64) -> u64 {
    if !window.aligned {
        let seconds: u64 = match window.length {
            Length::Minute => 60,
            Length::FiveMinutes => 300,
            Length::Hour => 3_600,
            Length::Day => 86_400,
            Length::Week => 7 * 86_400,
            Length::Month => 30 * 86_400,
            Length::Quarter => 90 * 86_400,
            Length::Year => 365 * 86_400,
        };
        let length = seconds * 1_000_000_000;
        return anchor + (at - anchor) / length * length;
    }
    let today = at / DAY;
    let (month, of_month, of_year) = date(today);
    let first = match window.length {
        // 1970-01-05 was a Monday.
        Length::Week => today - (today + 3) % 7,
        Length::Month => today - of_month,
        Length::Quarter => {
            let before: u64 =
                (0..month % 3).map(|back| days_of(month - 1 - back, is_leap(year(today)))).sum();
            today - of_month - before
        }
        Length::Year => today - of_year,
        _ => today,
    };
    first * DAY
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of a month, counted from 0.
const fn days_of(month: u64, leap: bool) -> u64 {
    match month {
        1 if leap => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

fn year(day: u64) -> u64 {
    let (mut year, mut left) = (1970, day);
    loop {
        let length = 365 + u64::from(is_leap(year));
        if left < length {
            return year;
        }
        left -= length;
        year += 1;
    }
}

/// Month of a day, day of the month, day of the year, each from 0.
fn date(day: u64) -> (u64, u64, u64) {
    let year = year(day);
    let before: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    let (mut month, mut left) = (0, day - before);
    while left >= days_of(month, is_leap(year)) {
        left -= days_of(month, is_leap(year));
        month += 1;
    }
    (month, left, day - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_on_days_that_people_know() {
        // 2025-06-08, a Sunday, was day 20,247 since 1970; some hours into it.
        let at = 20_247 * DAY + 12_345;
        let first = |length| start_of(Window::calendar(length), at, 0) / DAY;
        assert_eq!(first(Length::Day), 20_247);
        assert_eq!(first(Length::Week), 20_241, "Monday, the 2nd");
        assert_eq!(first(Length::Month), 20_240, "June 1st");
        assert_eq!(first(Length::Quarter), 20_179, "April 1st");
        assert_eq!(first(Length::Year), 20_089, "January 1st");
        let fixed = start_of(Window::fixed(Length::Minute), 200_000_000_000, 30_000_000_000);
        assert_eq!(fixed, 150_000_000_000);
    }
}
