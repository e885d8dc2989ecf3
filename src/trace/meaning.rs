//! From slots to an entry: what the scalars of a row mean under a map.

use std::fmt::Write;

use crate::engine::Span;
use crate::engine::luck::{mix, name};

use super::bad::BadRow;
use super::entry::{Entry, Status};
use super::field::{Field, Place, Unit};
use super::format::TraceFormat;
use super::slot::{Kind, Slot};
use super::stamp;

/// Tokens of one prompt or answer. Context windows end at about ten million (2025); more is a column
/// of something else (our choice).
const TOKENS_MAX: u64 = 100_000_000;

/// Which places a format has, and where each field may stand.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) format: TraceFormat,
    pub(super) places: Vec<Place>,
    /// Indices of places, by field.
    of: [Vec<usize>; FIELDS],
}

const FIELDS: usize = Field::Blocks as usize + 1;

impl Map {
    pub(super) fn of(format: TraceFormat) -> Self {
        Self::new(format, format.places().iter().map(Place::new).collect())
    }

    pub(super) fn new(format: TraceFormat, places: Vec<Place>) -> Self {
        let mut of: [Vec<usize>; FIELDS] = Default::default();
        for (index, place) in places.iter().enumerate() {
            of[place.field as usize].push(index);
        }
        Self { format, places, of }
    }

    /// Whether it can say this of a request.
    pub(super) fn has(&self, field: Field) -> bool {
        !self.of[field as usize].is_empty()
    }

    /// The first place of a field that holds something.
    fn find<'a>(&'a self, slots: &'a [Slot], field: Field) -> Option<(&'a Slot, &'a Place)> {
        let filled = |index: &&usize| slots[**index].kind != Kind::None;
        let index = *self.of[field as usize].iter().find(filled)?;
        Some((&slots[index], &self.places[index]))
    }

    fn text<'a>(&'a self, slots: &'a [Slot], field: Field) -> Option<&'a str> {
        let is_text = |index: &&usize| slots[**index].kind == Kind::Text;
        let index = *self.of[field as usize].iter().find(is_text)?;
        Some(&slots[index].text)
    }

    /// Fills the entry; `false` if the row is not about a request to a model.
    pub(super) fn entry(&self, slots: &[Slot], entry: &mut Entry) -> Result<bool, BadRow> {
        if self.is_other(slots) {
            return Ok(false);
        }
        let line = entry.line;
        let at = self.find(slots, Field::Time);
        let Some((at, zone)) = at.and_then(|(slot, place)| moment(slot, place.unit)) else {
            return Err(self.bad(line, Field::Time, at.map(|(slot, _)| slot), self.format.stamp()));
        };
        (entry.at, entry.zone) = (at, zone);
        entry.status = self.status(slots);
        entry.prompt = self.tokens(slots, Field::Prompt, line)?;
        entry.output = self.tokens(slots, Field::Output, line)?;
        if self.format == TraceFormat::BurstGpt && entry.output == Some(0) {
            entry.status = Status::Failed;
        }
        self.check_tokens(entry)?;
        entry.max_tokens = self.tokens(slots, Field::MaxTokens, line)?;
        entry.cached = self.tokens(slots, Field::Cached, line)?;
        let since = |field| {
            let (slot, place) = self.find(slots, field)?;
            moment(slot, place.unit)?.0.checked_sub(at).map(Span)
        };
        let length = |field| {
            let (slot, place) = self.find(slots, field)?;
            let nanos = slot.as_f64()? * place.unit.nanos() as f64;
            (0.0..=1e18).contains(&nanos).then_some(Span(nanos as u64))
        };
        entry.duration = length(Field::Duration).or_else(|| since(Field::End));
        entry.ttft = length(Field::Ttft).or_else(|| since(Field::FirstToken));
        // Without streaming the first token comes with the last: that says nothing of it.
        if entry.ttft >= entry.duration && entry.duration.is_some() {
            entry.ttft = None;
        }
        let dollars = self.find(slots, Field::Cost).and_then(|(slot, _)| slot.as_f64());
        entry.cost = dollars.filter(|cost| (0.0..1e9).contains(cost)).map(|c| (c * 1e9) as u64);
        entry.from_cache =
            self.find(slots, Field::CacheHit).is_some_and(|(slot, _)| match slot.kind {
                Kind::Text => slot.text.eq_ignore_ascii_case("true") || slot.text == "Hit",
                kind => kind == Kind::True,
            });
        entry.blocks.clear();
        if let Some((slot, _)) = self.find(slots, Field::Blocks) {
            entry.blocks.extend_from_slice(&slot.list);
        }
        self.names(slots, entry);
        entry.print = self.print(slots, entry);
        Ok(true)
    }

    fn names(&self, slots: &[Slot], entry: &mut Entry) {
        entry.tenant.clear();
        entry.model.clear();
        entry.deployment.clear();
        if let Some((slot, _)) = self.find(slots, Field::Tenant) {
            put(&mut entry.tenant, slot);
        } else if let Some(key) = self.text(slots, Field::Key) {
            // Not even the hash of a key is shown.
            let _ = write!(entry.tenant, "key-{:08x}", name(key) as u32);
        }
        if let Some((slot, _)) = self.find(slots, Field::Model) {
            put(&mut entry.model, slot);
        }
        if let Some(provider) = self.text(slots, Field::Provider) {
            entry.deployment.push_str(provider);
        }
        if let Some(deployment) = self.text(slots, Field::Deployment) {
            if !entry.deployment.is_empty() {
                entry.deployment.push('/');
            }
            entry.deployment.push_str(deployment);
        }
    }

    /// Rows of a log that are not about a request to a model.
    fn is_other(&self, slots: &[Slot]) -> bool {
        let operation = self.text(slots, Field::Operation);
        match self.format {
            TraceFormat::Otel => match operation {
                // A span around several requests, or around a tool, is no request.
                Some(operation) => !["chat", "text_completion", "generate_content", "embeddings"]
                    .contains(&operation),
                None => self.find(slots, Field::Model).is_none(),
            },
            TraceFormat::Kong => operation.is_none() && self.find(slots, Field::Model).is_none(),
            _ => false,
        }
    }

    fn status(&self, slots: &[Slot]) -> Status {
        let error = self.find(slots, Field::Error).map(|(slot, _)| slot);
        let error = error.and_then(|slot| match slot.as_u64() {
            Some(0 | 200..=299) => None,
            Some(code @ 400..=599) => Some(Status::Http(code as u16)),
            Some(_) => Some(Status::Failed),
            None => Some(said(&slot.text)),
        });
        let Some((slot, _)) = self.find(slots, Field::Status) else {
            let none_said = if self.has(Field::Error) { Status::Fine } else { Status::Unknown };
            return error.unwrap_or(none_said);
        };
        let failed = error.unwrap_or(Status::Failed);
        match slot.as_u64() {
            Some(code @ 400..=599) => Status::Http(code as u16),
            Some(100..=399) => Status::Fine,
            // OTLP: 0 unset, 1 fine, 2 an error.
            Some(2) => failed,
            Some(0 | 1) => error.unwrap_or(Status::Fine),
            Some(_) => Status::Unknown,
            None => {
                let text = slot.text.to_ascii_lowercase();
                let is = |words: &[&str]| words.iter().any(|word| text.ends_with(word));
                match slot.kind {
                    Kind::False => failed,
                    Kind::True => Status::Fine,
                    _ if is(&["failure", "failed", "error"]) => failed,
                    _ if is(&["success", "succeeded", "ok", "unset"]) => {
                        error.unwrap_or(Status::Fine)
                    }
                    _ => error.unwrap_or(Status::Unknown),
                }
            }
        }
    }

    fn tokens(&self, slots: &[Slot], field: Field, line: u64) -> Result<Option<u32>, BadRow> {
        let Some((slot, _)) = self.find(slots, field) else { return Ok(None) };
        match slot.as_u64() {
            Some(tokens) if tokens <= TOKENS_MAX => Ok(Some(tokens as u32)),
            Some(_) => Err(self.bad(
                line,
                field,
                Some(slot),
                ("at most 100,000,000 tokens (is this the right column?)", "1024"),
            )),
            None => Err(self.bad(line, field, Some(slot), ("a whole number of tokens", "1024"))),
        }
    }

    /// What must be there: of a data set every count, of a map those that it names unless the
    /// request failed, of other logs nothing.
    fn check_tokens(&self, entry: &Entry) -> Result<(), BadRow> {
        let must = match self.format {
            TraceFormat::Mapped => !entry.status.is_error(),
            format => format.is_data_set(),
        };
        for (field, tokens) in [(Field::Prompt, entry.prompt), (Field::Output, entry.output)] {
            if must && self.has(field) && tokens.is_none() {
                return Err(self.bad(
                    entry.line,
                    field,
                    None,
                    ("a whole number of tokens", "1024"),
                ));
            }
        }
        Ok(())
    }

    fn bad(
        &self,
        line: u64,
        field: Field,
        slot: Option<&Slot>,
        (expected, example): (&'static str, &'static str),
    ) -> BadRow {
        let column = self.of[field as usize].first();
        let column = column.map_or_else(|| field.name().into(), |at| self.places[*at].path.clone());
        let found = slot.map_or_else(|| "nothing".into(), Slot::shown);
        BadRow { line, column, expected, example, found }
    }

    fn print(&self, slots: &[Slot], entry: &Entry) -> u64 {
        let tokens = u64::from(entry.prompt.unwrap_or(u32::MAX)) << 32
            | u64::from(entry.output.unwrap_or(u32::MAX));
        let id = self.text(slots, Field::Id).map_or(0, name);
        mix(mix(mix(entry.at, tokens), id), name(&entry.tenant))
    }
}

/// What an error says of itself in words.
fn said(text: &str) -> Status {
    let has = |word: &str| text.to_ascii_lowercase().contains(word);
    if has("ratelimit") || has("rate_limit") || has("too_many") {
        Status::Http(429)
    } else if has("timeout") || has("timed_out") {
        Status::Http(408)
    } else {
        Status::Failed
    }
}

/// A name, whether it was written as text or as a number.
fn put(into: &mut String, slot: &Slot) {
    match slot.kind {
        Kind::Text => into.push_str(&slot.text),
        Kind::Whole => {
            let _ = write!(into, "{}", slot.whole);
        }
        _ => {}
    }
}

/// A stamp in nanoseconds, and its zone.
fn moment(slot: &Slot, unit: Unit) -> Option<(u64, Option<i16>)> {
    if slot.kind == Kind::Text {
        let text = slot.text.as_str();
        if let Some(found) = stamp::date_time(text) {
            return Some(found);
        }
        return match unit {
            Unit::Auto => {
                let whole = text.split('.').next().unwrap_or_default();
                let unit = size(whole.parse().ok()?);
                stamp::decimal(text, unit).map(|at| (at, Some(0)))
            }
            unit => stamp::decimal(text, unit.nanos()).map(|at| (at, Some(0))),
        };
    }
    let at = match (slot.kind, unit) {
        (Kind::Whole, Unit::Auto) => slot.whole.checked_mul(size(slot.whole))?,
        (Kind::Whole, unit) => slot.whole.checked_mul(unit.nanos())?,
        (Kind::Number, Unit::Auto) => stamp::epoch(slot.number)?,
        (Kind::Number, unit) => {
            let nanos = slot.number * unit.nanos() as f64;
            (0.0..1.8e19).contains(&nanos).then_some(nanos as u64)?
        }
        _ => return None,
    };
    Some((at, Some(0)))
}

/// Nanoseconds in the unit that a whole number since 1970 must be in.
const fn size(whole: u64) -> u64 {
    match whole {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    }
}
