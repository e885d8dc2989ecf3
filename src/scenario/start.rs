//! `[start]`: when the run takes place, for minute windows and calendars.

use schemars::JsonSchema;
use serde::Deserialize;
use toml_edit::{Datetime, Offset};

use super::at::At;
use super::error::Problem;

/// When the run takes place.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartFile {
    /// Moment of virtual time zero, such as "2025-06-02T12:00:00Z" (the default, a Monday at noon:
    /// our choice). Minute windows of providers are aligned to it.
    epoch: Option<String>,
}

/// 2025-06-02T12:00:00Z.
const EPOCH: u64 = 1_748_865_600;

impl StartFile {
    /// Seconds since 1970-01-01 UTC.
    pub(crate) fn epoch(&self) -> Result<u64, Problem> {
        let Self { epoch } = self;
        let Some(text) = epoch else { return Ok(EPOCH) };
        text.parse().ok().and_then(|moment| seconds(&moment)).ok_or_else(|| {
            let at = At::top().key("start").key("epoch");
            Problem::new(at, format!("`start.epoch` cannot be \"{text}\"")).expected(
                "expected a date with a time since 1970, such as \"2025-06-02T12:00:00Z\"",
            )
        })
    }
}

fn seconds(moment: &Datetime) -> Option<u64> {
    let (date, time) = (moment.date?, moment.time?);
    let offset_minutes = match moment.offset {
        Some(Offset::Custom { minutes }) => i64::from(minutes),
        Some(Offset::Z) | None => 0,
    };
    let days = days_since_1970(i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let of_day = i64::from(time.hour) * 3_600
        + i64::from(time.minute) * 60
        + i64::from(time.second.unwrap_or(0));
    u64::try_from(days * 86_400 + of_day - offset_minutes * 60).ok()
}

/// Days in the proleptic Gregorian calendar, counted in years that begin in March, so that the leap
/// day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_become_unix_seconds() {
        let read = |text: &str| StartFile { epoch: Some(text.to_owned()) }.epoch().ok();
        assert_eq!(read("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(read("2025-06-02T12:00:00Z"), Some(EPOCH));
        assert_eq!(read("2025-06-02 14:00:00+02:00"), Some(EPOCH));
        assert_eq!(read("2024-02-29T23:59:59Z"), Some(1_709_251_199));
        assert_eq!(read("1969-12-31T00:00:00Z"), None);
        assert_eq!(read("noon"), None);
    }
}
