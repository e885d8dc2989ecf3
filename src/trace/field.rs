//! What can be known of a request, and where a format keeps it.

use super::error::TraceError;

/// A thing that a log may say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Time,
    End,
    FirstToken,
    Ttft,
    Duration,
    Tenant,
    Key,
    Model,
    Prompt,
    Output,
    MaxTokens,
    Cached,
    Status,
    Error,
    Provider,
    Deployment,
    Cost,
    CacheHit,
    Operation,
    Id,
    Blocks,
}

impl Field {
    /// What can be said in a column map, with what it means.
    pub(super) const NAMED: [(&'static str, Self); 16] = [
        ("time", Self::Time),
        ("tenant", Self::Tenant),
        ("model", Self::Model),
        ("prompt", Self::Prompt),
        ("output", Self::Output),
        ("max_tokens", Self::MaxTokens),
        ("cached", Self::Cached),
        ("ttft", Self::Ttft),
        ("first_token", Self::FirstToken),
        ("duration", Self::Duration),
        ("end", Self::End),
        ("status", Self::Status),
        ("error", Self::Error),
        ("deployment", Self::Deployment),
        ("cost", Self::Cost),
        ("id", Self::Id),
    ];

    /// Its name in maps and messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Key => "tenant",
            Self::Provider => "deployment",
            Self::CacheHit => "cache hit",
            Self::Operation => "operation",
            Self::Blocks => "blocks",
            _ => Self::NAMED.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name),
        }
    }
}

/// What a number of time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Stamps: a date, or seconds, milli-, micro- or nanoseconds since 1970 by their size. Lengths:
    /// seconds.
    Auto,
    /// Seconds since an origin of the file's own.
    Seconds,
    /// Milliseconds, likewise.
    Millis,
    /// Microseconds, likewise.
    Micros,
    /// Nanoseconds, likewise.
    Nanos,
}

impl Unit {
    const NAMED: [(&'static str, Self); 4] =
        [("s", Self::Seconds), ("ms", Self::Millis), ("us", Self::Micros), ("ns", Self::Nanos)];

    /// Nanoseconds in one; of lengths.
    pub(super) const fn nanos(self) -> u64 {
        match self {
            Self::Auto | Self::Seconds => 1_000_000_000,
            Self::Millis => 1_000_000,
            Self::Micros => 1_000,
            Self::Nanos => 1,
        }
    }
}

/// Where a field may stand: a column, or a path of keys joined by dots.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) field: Field,
    pub(super) path: String,
    pub(super) unit: Unit,
}

impl Place {
    pub(super) fn new(&(field, path, unit): &(Field, &str, Unit)) -> Self {
        Self { field, path: path.to_owned(), unit }
    }
}

/// Reads a column map: `time=created_at,prompt=usage.prompt_tokens,ttft=first@ms`.
pub(super) fn parse_map(text: &str) -> Result<Vec<Place>, TraceError> {
    let wrong = |why: String| TraceError::Map { why };
    let mut places: Vec<Place> = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let Some((name, path)) = pair.split_once('=') else {
            return Err(wrong(format!("`{pair}` is not of the form FIELD=COLUMN")));
        };
        let (name, path) = (name.trim(), path.trim());
        let field = Field::NAMED.iter().find(|(known, _)| *known == name);
        let Some((_, field)) = field else {
            let nearest = Field::NAMED
                .iter()
                .map(|(known, _)| (strsim::damerau_levenshtein(known, name), *known))
                .min();
            let nearest = nearest.filter(|(far, _)| *far <= 3).map(|(_, known)| known);
            let hint =
                nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            return Err(wrong(format!("there is no field `{name}`{hint}")));
        };
        if places.iter().any(|place| place.field == *field) {
            return Err(wrong(format!("`{name}` is mapped twice")));
        }
        let (path, unit) = match path.rsplit_once('@') {
            None => (path, Unit::Auto),
            Some((path, unit)) => match Unit::NAMED.iter().find(|(known, _)| *known == unit) {
                Some((_, unit)) => (path, *unit),
                None => return Err(wrong(format!("`@{unit}` is no unit: s, ms, us or ns"))),
            },
        };
        if path.is_empty() {
            return Err(wrong(format!("`{name}=` names no column")));
        }
        places.push(Place { field: *field, path: path.to_owned(), unit });
    }
    for (name, field) in [("time", Field::Time), ("prompt", Field::Prompt)] {
        if !places.iter().any(|place| place.field == field) {
            return Err(wrong(format!("`{name}` is missing")));
        }
    }
    Ok(places)
}
