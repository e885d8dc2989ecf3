//! `[trace]`: requests from a file. The one place that calls the readers of traces.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::spec::{Replay, Scaling};
use crate::trace::{self, Choice, Source, TraceError, TraceFormat};

use super::at::At;
use super::error::Problem;
use super::ordered::Ordered;
use super::suggest;
use super::unit::{Length, Number, Share};

/// Requests from a file instead of drawn ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceFile {
    /// The file, relative to the scenario.
    file: String,
    /// What it looks like. Default: recognised by its first rows.
    #[schemars(extend("enum" = FORMATS))]
    format: Option<String>,
    /// Which columns mean what, instead of a format: { time = "created_at", prompt =
    /// "usage.prompt_tokens", output = "usage.completion_tokens" }; keys of JSON are joined by dots, and
    /// `@ms` after a name says that it counts milliseconds.
    map: Option<Ordered<String>>,
    /// Share of rows that may be unreadable and are then left out. Default "0%": the first one is an
    /// error.
    unreadable: Option<Share>,
    /// Brings it to another rate. Default: replayed as it is.
    scale: Option<ScaleFile>,
    /// From when to when after the first row, such as ["10m", "20m"]. Default: all of it.
    part: Option<(Length, Length)>,
    /// Spreads quantised stamps evenly over this long. Default "3s" for Mooncake, whose stamps are
    /// multiples of 3 s; "0s" for others.
    spread: Option<Length>,
    /// Whether the blocks of prompts are replayed (`hash_ids` of Mooncake's format, 512 tokens each), so that providers'
    /// prompt caches have something to find. A prompt belongs to the session of its first block that at most a tenth
    /// of all rows have. Default false.
    blocks: Option<bool>,
}

/// Another rate for a trace.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScaleFile {
    /// Requests per second on average.
    to: Number,
    /// How it is reached. Default "in-place".
    how: Option<How>,
}

/// How a trace is brought to another rate.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum How {
    /// Each row becomes several at its own place: bursts stay bursts.
    InPlace,
    /// Shifted copies on top of each other: bursts are smoothed.
    Superpose,
    /// Time runs faster: everything is closer together.
    Compress,
}

const FORMATS: [&str; 6] = ["azure", "mooncake", "burstgpt", "litellm", "otel", "kong"];

impl TraceFile {
    /// Checks the file in a first pass and says how to replay it.
    pub(crate) fn replay(&self, base_dir: &Path) -> Result<Replay, Problem> {
        let Self { file, format: word, map, unreadable, scale, part, spread, blocks } = self;
        let at = At::top().key("trace");
        let choice = choice(word.as_deref(), map.as_ref(), &at)?;
        let part = match part {
            None => (Span::ZERO, None),
            Some((from, to)) if from.0 < to.0 => (from.0, Some(to.0)),
            Some((from, to)) => {
                let message = format!("`trace.part` is empty: {} to {}", from.0, to.0);
                return Err(Problem::new(at.key("part"), message)
                    .expected("expected from and to, such as [\"10m\", \"20m\"]"));
            }
        };
        let scale = match scale {
            None => None,
            Some(ScaleFile { to, how }) => {
                let rate = super::class::rate(to.0, &at.key("scale").key("to"))?;
                Some((rate, how.map_or(Scaling::InPlace, How::scaling)))
            }
        };
        let refused = |error: TraceError| {
            Problem::new(at.key("file"), format!("`trace.file`: {error}"))
                .expected(format!("expected a readable trace{}", expected(&choice)))
                .help("the path starts at the scenario's folder; `windtunnel trace info` tests a file")
        };
        let share = unreadable.map_or(0.0, |share| share.0);
        let path = base_dir.join(file);
        let source = Source::open(&path, &choice).map_err(refused)?.with_unreadable(share);
        let source = if *blocks == Some(true) {
            source.with_blocks().map_err(|error| {
                let at = at.key("blocks");
                Problem::new(at, format!("`trace.blocks`: {error}"))
                    .expected("expected a log in Mooncake's format, with `hash_ids`")
            })?
        } else {
            source
        };
        let (facts, rows, blocks) = trace::load(&source).map_err(refused)?;
        let spread = match (spread, source.format()) {
            (Some(spread), _) => spread.0,
            (None, TraceFormat::Mooncake) => Span::from_secs(3),
            (None, _) => Span::ZERO,
        };
        if scale.is_some() && facts.span == Span::ZERO {
            let message = "`trace.scale`: all rows have one stamp, so the trace has no rate";
            return Err(Problem::new(at.key("scale"), message)
                .expected("expected a trace of some length, or no `scale`"));
        }
        if facts.rows == 0 || part.0 > facts.span {
            let message = format!("`trace`: no row to replay ({} in {})", facts.rows, facts.span);
            return Err(Problem::new(at.key("file"), message).expected("expected at least one row"));
        }
        Ok(Replay { rows, facts, scale, part, spread, blocks })
    }
}

/// How the file is to be read.
fn choice(word: Option<&str>, map: Option<&Ordered<String>>, at: &At) -> Result<Choice, Problem> {
    match (word, map) {
        (None, None) => Ok(Choice::Recognise),
        (Some(word), None) => word.parse().map(Choice::Format).map_err(|_| {
            Problem::new(at.key("format"), format!("`trace.format` cannot be \"{word}\""))
                .expected("expected a format such as \"azure\"")
                .help(suggest::help(word, &FORMATS))
        }),
        (None, Some(map)) => {
            let pairs = map.0.iter().map(|(field, column)| format!("{field}={column}"));
            Ok(Choice::Map(pairs.collect::<Vec<_>>().join(",")))
        }
        (Some(_), Some(_)) => {
            Err(Problem::new(at.key("map"), "`trace` has both `format` and `map`")
                .expected("expected one of them"))
        }
    }
}

fn expected(choice: &Choice) -> String {
    match choice {
        Choice::Format(format) => format!(" in the format \"{format}\""),
        Choice::Recognise | Choice::Map(_) => String::new(),
    }
}

impl How {
    fn scaling(self) -> Scaling {
        match self {
            Self::InPlace => Scaling::InPlace,
            Self::Superpose => Scaling::Superpose,
            Self::Compress => Scaling::Compress,
        }
    }
}
