//! The bytes of a flight record: numbers in base 128, the small ones in one byte.

use std::fmt;

use crate::engine::identity::{NoRoute, RouteKey, Ticket};
use crate::engine::outcome::{Outcome, Refusal};
use crate::engine::params::Params;
use crate::engine::time::{Span, Time};

/// The first bytes of every record.
pub const MAGIC: &[u8; 8] = b"WTFLIGHT";
/// The version that is written and read.
pub const VERSION: u8 = 1;

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    Start = 1,
    Add,
    Remove,
    Params,
    Allow,
    Remember,
    Decide,
    Pin,
    Headers,
    FirstToken,
    End,
    Tick,
}

const TAGS: [Tag; 12] = [
    Tag::Start,
    Tag::Add,
    Tag::Remove,
    Tag::Params,
    Tag::Allow,
    Tag::Remember,
    Tag::Decide,
    Tag::Pin,
    Tag::Headers,
    Tag::FirstToken,
    Tag::End,
    Tag::Tick,
];

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin as one.
    NotARecord,
    /// It has another version.
    Version(u8),
    /// It ends within a call, at this byte: whoever wrote it was cut off.
    CutOff(usize),
    /// Something at this byte is not what it should be.
    At(usize, &'static str),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecord => write!(f, "it does not begin as a flight record"),
            Self::Version(found) => write!(f, "it has version {found}, not {VERSION}"),
            Self::CutOff(at) => write!(f, "it ends within a call, at byte {at}"),
            Self::At(at, what) => write!(f, "byte {at}: {what}"),
        }
    }
}

impl std::error::Error for Damage {}

/// Writes one call; hands it on when it is whole, or its buffer full.
pub(super) struct Out<'s> {
    buffer: [u8; 96],
    used: usize,
    sink: &'s mut dyn FnMut(&[u8]),
}

impl<'s> Out<'s> {
    pub(super) fn new(sink: &'s mut dyn FnMut(&[u8])) -> Self {
        Self { buffer: [0; 96], used: 0, sink }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        if self.used == self.buffer.len() {
            self.flush();
        }
        self.buffer[self.used] = byte;
        self.used += 1;
    }

    fn flush(&mut self) {
        (self.sink)(&self.buffer[..self.used]);
        self.used = 0;
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63) as u64);
    }

    /// All eight bytes: luck has no small values.
    pub(super) fn word(&mut self, word: u64) {
        word.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
    }

    pub(super) fn float(&mut self, value: f64) {
        self.word(value.to_bits());
    }

    pub(super) fn maybe(&mut self, number: Option<u64>) {
        self.byte(u8::from(number.is_some()));
        if let Some(number) = number {
            self.number(number);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        text.bytes().for_each(|byte| self.byte(byte));
    }

    pub(super) fn params(&mut self, params: &Params) {
        self.number(params.values().count() as u64);
        for (param, value) in params.values() {
            self.text(param.id);
            self.float(value);
        }
    }

    pub(super) fn key(&mut self, key: RouteKey) {
        self.number(u64::from(key.slot));
        self.number(u64::from(key.generation));
    }

    pub(super) fn keys(&mut self, keys: &[RouteKey]) {
        self.number(keys.len() as u64);
        keys.iter().for_each(|key| self.key(*key));
    }

    pub(super) fn ticket(&mut self, ticket: Ticket, now: Time) {
        self.number(u64::from(ticket.slot));
        self.number(u64::from(ticket.word));
        self.signed(now.0.wrapping_sub(ticket.at.0) as i64);
    }

    pub(super) fn given(&mut self, given: &Result<Ticket, NoRoute>) {
        match given {
            Ok(ticket) => {
                self.byte(0);
                self.number(u64::from(ticket.slot));
                self.number(u64::from(ticket.word));
            }
            Err(NoRoute { retry_at: None }) => self.byte(1),
            Err(NoRoute { retry_at: Some(at) }) => {
                self.byte(2);
                self.number(at.0);
            }
        }
    }

    pub(super) fn outcome(&mut self, outcome: Outcome) {
        let (code, a, b): (u8, Option<u64>, Option<u64>) = match outcome {
            Outcome::Done { prompt_tokens, output_tokens } => {
                (0, Some(prompt_tokens.into()), Some(output_tokens.into()))
            }
            Outcome::RateLimited { retry_after: None } => (1, None, None),
            Outcome::RateLimited { retry_after: Some(hint) } => (2, Some(hint.0), None),
            Outcome::ServerError { status } => (3, Some(status.into()), None),
            Outcome::Unreachable => (4, None, None),
            Outcome::Timeout => (5, None, None),
            Outcome::StreamBroken { prompt_tokens, output_tokens } => {
                (6, Some(prompt_tokens.into()), Some(output_tokens.into()))
            }
            Outcome::KeyRefused { class } => (7, Some(class as u64), None),
            Outcome::CallerFault { status } => (8, Some(status.into()), None),
            Outcome::Cancelled => (9, None, None),
        };
        self.byte(code);
        [a, b].into_iter().flatten().for_each(|number| self.number(number));
    }
}

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

const REFUSALS: [Refusal; 5] = [
    Refusal::Credential,
    Refusal::Quota,
    Refusal::ModelAccess,
    Refusal::ModelGone,
    Refusal::RegionBlocked,
];

/// Reads what [`Out`] wrote.
#[derive(Clone, Debug)]
pub(super) struct In<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Read<T> = Result<T, Damage>;

impl<'a> In<'a> {
    /// After the head of the record.
    pub(super) fn new(bytes: &'a [u8]) -> Read<Self> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Damage::NotARecord)?;
        match rest.first() {
            Some(&VERSION) => Ok(Self { bytes, at: MAGIC.len() + 1 }),
            Some(&other) => Err(Damage::Version(other)),
            None => Err(Damage::CutOff(bytes.len())),
        }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) const fn wrong(&self, what: &'static str) -> Damage {
        Damage::At(self.at, what)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        let byte = self.bytes.get(self.at).copied().ok_or(Damage::CutOff(self.bytes.len()))?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn tag(&mut self) -> Read<Tag> {
        let byte = self.byte()?;
        let tag = TAGS.into_iter().find(|tag| *tag as u8 == byte);
        tag.ok_or(Damage::At(self.at - 1, "no such call"))
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.wrong("a number that is too long"))
    }

    pub(super) fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| self.wrong("a number that is too large"))
    }

    /// How many things follow, each of at least one byte.
    pub(super) fn count(&mut self) -> Read<usize> {
        let count = self.number()?;
        let left = (self.bytes.len() - self.at) as u64;
        if count > left { Err(Damage::CutOff(self.bytes.len())) } else { Ok(count as usize) }
    }

    pub(super) fn signed(&mut self) -> Read<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn word(&mut self) -> Read<u64> {
        let mut word = [0; 8];
        for byte in &mut word {
            *byte = self.byte()?;
        }
        Ok(u64::from_le_bytes(word))
    }

    pub(super) fn float(&mut self) -> Read<f64> {
        Ok(f64::from_bits(self.word()?))
    }

    pub(super) fn maybe(&mut self) -> Read<Option<u64>> {
        Ok(if self.byte()? == 0 { None } else { Some(self.number()?) })
    }

    pub(super) fn text(&mut self) -> Read<String> {
        let length = self.count()?;
        let bytes = &self.bytes[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| self.wrong("a name that is no text"))?;
        self.at += length;
        Ok(text.to_owned())
    }

    pub(super) fn params(&mut self) -> Read<Params> {
        let mut params = Params::default();
        for _ in 0..self.count()? {
            let id = self.text()?;
            let value = self.float()?;
            let set = params.set(&id, value);
            set.map_err(|_| {
                self.wrong("a parameter that this engine does not have, or may not take")
            })?;
        }
        Ok(params)
    }

    pub(super) fn key(&mut self) -> Read<RouteKey> {
        Ok(RouteKey { slot: self.small()?, generation: self.small()? })
    }

    pub(super) fn keys(&mut self) -> Read<Vec<RouteKey>> {
        (0..self.count()?).map(|_| self.key()).collect()
    }

    pub(super) fn ticket(&mut self, now: Time) -> Read<Ticket> {
        let (slot, word) = (self.small()?, self.small()?);
        let at = Time(now.0.wrapping_sub(self.signed()? as u64));
        Ok(Ticket { slot, word, at })
    }

    pub(super) fn given(&mut self, now: Time) -> Read<Result<Ticket, NoRoute>> {
        Ok(match self.byte()? {
            0 => Ok(Ticket { slot: self.small()?, word: self.small()?, at: now }),
            1 => Err(NoRoute { retry_at: None }),
            2 => Err(NoRoute { retry_at: Some(Time(self.number()?)) }),
            _ => return Err(self.wrong("no such answer")),
        })
    }

    pub(super) fn outcome(&mut self) -> Read<Outcome> {
        let status = |input: &mut Self| -> Read<u16> {
            u16::try_from(input.number()?).map_err(|_| input.wrong("no such status"))
        };
        Ok(match self.byte()? {
            0 => Outcome::Done { prompt_tokens: self.small()?, output_tokens: self.small()? },
            1 => Outcome::RateLimited { retry_after: None },
            2 => Outcome::RateLimited { retry_after: Some(Span(self.number()?)) },
            3 => Outcome::ServerError { status: status(self)? },
            4 => Outcome::Unreachable,
            5 => Outcome::Timeout,
            6 => {
                Outcome::StreamBroken { prompt_tokens: self.small()?, output_tokens: self.small()? }
            }
            7 => {
                let class = REFUSALS.get(self.number()? as usize).copied();
                Outcome::KeyRefused { class: class.ok_or(self.wrong("no such refusal"))? }
            }
            8 => Outcome::CallerFault { status: status(self)? },
            9 => Outcome::Cancelled,
            _ => return Err(self.wrong("no such outcome")),
        })
    }
}
