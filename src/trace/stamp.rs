//! Stamps: decimal seconds, and dates with a time of day.

/// Days before each month of a common year.
const DAYS_BEFORE: [u64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
const SECOND: u64 = 1_000_000_000;

/// Nanoseconds of a non-negative decimal number of units of `unit` nanoseconds; digits beyond a
/// nanosecond are dropped.
pub(super) fn decimal(text: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut nanos = digits(whole)?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        place /= 10;
        nanos = nanos.checked_add(u64::from(digit - b'0') * place)?;
    }
    Some(nanos)
}

/// Nanoseconds since 1970 of `YYYY-mm-dd HH:MM:SS[.fraction][zone]`, and the zone's minutes east of
/// UTC: `Z`, `UTC`, `+00:00`, `+0530`, `+01`. Without a zone it is read as UTC.
pub(super) fn date_time(text: &str) -> Option<(u64, Option<i16>)> {
    usual(text.as_bytes()).or_else(|| any(text))
}

/// The layout that nearly all stamps have, `2025-06-02T12:00:00.123Z`, without looking for signs.
fn usual(text: &[u8]) -> Option<(u64, Option<i16>)> {
    let (head, tail) = text.split_at_checked(19)?;
    let signs = [head[4], head[7], head[13], head[16]];
    if signs != *b"--::" || !matches!(head[10], b' ' | b'T') {
        return None;
    }
    let number = |from: usize, to: usize| {
        head[from..to].iter().try_fold(0u64, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let (mut nanos, mut unit, mut rest) = (0, SECOND, tail);
    if let Some(fraction) = tail.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        for byte in &fraction[..digits] {
            unit /= 10;
            nanos += u64::from(byte - b'0') * unit;
        }
        rest = &fraction[digits..];
    }
    let zone = match rest {
        b"" => None,
        b"Z" | b"+00:00" => Some(0),
        _ => return None,
    };
    let in_range = (1970..=2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let days = days_before(year.max(1970)) + days_before_month(year, month.clamp(1, 12)) + day;
    in_range.then(|| {
        let seconds = (days - 1) * 86_400 + hour * 3600 + minute * 60 + second;
        (seconds * SECOND + nanos, zone)
    })
}

/// Any layout.
fn any(text: &str) -> Option<(u64, Option<i16>)> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, zone) = split_zone(time)?;
    let mut time = time.splitn(3, ':');
    let (hour, minute) = (digits(time.next()?)?, digits(time.next()?)?);
    let nanos = time.next().map_or(Some(0), |seconds| decimal(seconds, SECOND))?;
    let in_range = (1970..=2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && nanos < 61 * SECOND;
    if !in_range {
        return None;
    }
    let days = days_before(year) + days_before_month(year, month) + day - 1;
    let local = (days * 86_400 + hour * 3600 + minute * 60) * SECOND + nanos;
    let east = i64::from(zone.unwrap_or(0)) * 60 * SECOND as i64;
    Some((local.checked_add_signed(-east)?, zone))
}

/// A time of day without its zone, and the zone.
fn split_zone(time: &str) -> Option<(&str, Option<i16>)> {
    let time = time.trim_end();
    for utc in ["Z", "z", " UTC", "UTC"] {
        if let Some(time) = time.strip_suffix(utc) {
            return Some((time, Some(0)));
        }
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, None)) };
    let (time, zone) = time.split_at(at);
    let (sign, zone) = zone.split_at(1);
    let (hours, minutes) = match zone.split_once(':') {
        Some((hours, minutes)) => (digits(hours)?, digits(minutes)?),
        None if zone.len() == 4 && zone.is_ascii() => (digits(&zone[..2])?, digits(&zone[2..])?),
        None => (digits(zone)?, 0),
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    let east = (hours * 60 + minutes) as i16;
    Some((time.trim_end(), Some(if sign == "-" { -east } else { east })))
}

/// Nanoseconds since 1970 of a number whose unit is told by its size: seconds until the year 2500
/// are below 2 × 10¹⁰, milliseconds since 1973 above 10¹¹.
pub(super) fn epoch(number: f64) -> Option<u64> {
    let unit = match number {
        _ if number < 0.0 => return None,
        _ if number < 1e11 => 1e9,
        _ if number < 1e14 => 1e6,
        _ if number < 1e17 => 1e3,
        _ if number < 1.8e19 => 1.0,
        _ => return None,
    };
    // Whole units keep every digit; the part of one has a microsecond's precision.
    let whole = number.floor();
    let rest = ((number - whole) * unit).round();
    (whole as u64).checked_mul(unit as u64)?.checked_add(rest as u64)
}

/// The date and time of a stamp, where it is one: data sets have origins of their own.
pub fn moment(format: super::TraceFormat, nanos: u64) -> Option<String> {
    let is_date = match format {
        super::TraceFormat::Mooncake | super::TraceFormat::BurstGpt => false,
        _ => nanos > 86_400 * 365 * SECOND,
    };
    is_date.then(|| write_date_time(nanos).split('.').next().unwrap_or_default().to_owned())
}

/// Seconds since 1970 as scenarios write a moment.
pub fn date(seconds: u64) -> String {
    let text = write_date_time(seconds * SECOND);
    format!("{}Z", text.split('.').next().unwrap_or_default().replace(' ', "T"))
}

/// A moment in nanoseconds since 1970 as [`date_time`] reads it, to 100 ns.
pub(super) fn write_date_time(nanos: u64) -> String {
    let (days, rest) = (nanos / (86_400 * SECOND), nanos % (86_400 * SECOND));
    let mut year = 1970 + days / 366;
    while days_before(year + 1) <= days {
        year += 1;
    }
    let day = days - days_before(year);
    let month = (1..=12).rev().find(|month| days_before_month(year, *month) <= day).unwrap_or(1);
    let day = day - days_before_month(year, month) + 1;
    let seconds = rest / SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = rest % SECOND / 100;
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:07}")
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from 1970 to the start of a year.
fn days_before(year: u64) -> u64 {
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969)
}

fn days_before_month(year: u64, month: u64) -> u64 {
    DAYS_BEFORE[month as usize - 1] + u64::from(month > 2 && is_leap(year))
}

fn days_in(year: u64, month: u64) -> u64 {
    let common = DAYS_BEFORE[month as usize] - DAYS_BEFORE[month as usize - 1];
    common + u64::from(month == 2 && is_leap(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_to_the_nanosecond_and_refused_where_no_day_is() {
        let read = |text| date_time(text).map(|(at, _)| at);
        assert_eq!(date_time("1970-01-01 00:00:00"), Some((0, None)));
        assert_eq!(read("2024-05-10 00:00:00.009930+00:00"), Some(1_715_299_200_009_930_000));
        assert_eq!(read("2023-11-16 18:17:03.9799600"), Some(1_700_158_623_979_960_000));
        assert_eq!(read("2024-02-29 23:59:59"), Some(1_709_251_199_000_000_000));
        for same in
            ["2024-02-29T23:59:59Z", "2024-03-01 01:59:59+02:00", "2024-02-29T18:29:59-0530"]
        {
            assert_eq!(read(same), Some(1_709_251_199_000_000_000), "{same}");
        }
        assert_eq!(date_time("2024-03-01 01:59+02").unwrap().1, Some(120));
        for wrong in [
            "2023-02-29 00:00:00",
            "2024-13-01 00:00:00",
            "2024-01-01",
            "2024-01-01 24:00:00",
            "2024-01-01 00:00:00+25:00",
            "1970-01-01 00:00:00+02:00",
            "2024-01-01 00:00:00+é1",
            "12.5",
            "",
        ] {
            assert_eq!(date_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for days in [0u64, 58, 59, 60, 365, 789, 790, 11_016, 19_781, 19_782, 47_540] {
            let moment = (days * 86_400 + 86_399) * SECOND + 123_456_700;
            assert_eq!(date_time(&write_date_time(moment)), Some((moment, None)), "{days}");
        }
        assert_eq!(write_date_time(1_709_251_199_000_000_000), "2024-02-29 23:59:59.0000000");
    }

    #[test]
    fn the_size_of_a_number_tells_its_unit() {
        for number in [1_700_000_000.0, 1.7e12, 1.7e15, 1.7e18] {
            assert_eq!(epoch(number), Some(1_700_000_000_000_000_000), "{number}");
        }
        assert_eq!(epoch(1_700_000_000.25), Some(1_700_000_000_250_000_000));
        assert_eq!(epoch(-1.0), None);
        assert_eq!(epoch(f64::NAN), None);
        assert_eq!(epoch(1e30), None);
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(decimal("5", SECOND), Some(5 * SECOND));
        assert_eq!(decimal("45.000000001", SECOND), Some(45 * SECOND + 1));
        assert_eq!(decimal("3000", 1_000_000), Some(3 * SECOND));
        for wrong in ["-1", "1e3", "1.x", "", ".", "99999999999999999999"] {
            assert_eq!(decimal(wrong, SECOND), None, "{wrong}");
        }
    }
}
