//! The part of a trace that is replayed, and how long one round of it takes.

use crate::engine::Span;
use crate::sim::spec::{Replay, Row, Rows};

/// A part of a trace; stamps count from its start.
#[derive(Clone, Debug)]
pub struct Part {
    rows: Rows,
    from: Span,
    to: Option<Span>,
    /// Rows in the part.
    pub count: u64,
    /// After this long the part starts again: up to its declared end, or one mean gap after its
    /// last row.
    pub period: Span,
}

impl Part {
    /// The part that `replay` asks for. Reads the trace once, unless the part is the whole of it.
    pub fn of(replay: &Replay) -> Self {
        let (from, to) = replay.part;
        let facts = replay.facts;
        let mut part =
            Self { rows: replay.rows.clone(), from, to, count: facts.rows, period: facts.span };
        let (mut first, mut last) = (Span::ZERO, facts.span);
        if from > Span::ZERO || to.is_some_and(|to| to <= facts.span) {
            part.count = 0;
            for row in part.open() {
                if part.count == 0 {
                    first = row.at;
                }
                last = row.at;
                part.count += 1;
            }
        }
        part.period = match to {
            Some(to) if to <= facts.span => Span(to.0.saturating_sub(from.0)),
            _ if part.count > 1 => Span(last.0 + (last.0 - first.0) / (part.count - 1)),
            _ => Span::from_secs(1),
        };
        // Rows that all bear one stamp still need a round of some length.
        part.period = Span(part.period.0.max(1));
        part
    }

    /// Rows per second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.period.as_secs_f64()
    }

    /// The rows of the part from its start; stamps count from there.
    pub(super) fn open(&self) -> Box<dyn Iterator<Item = Row> + Send> {
        let (from, to) = (self.from, self.to);
        let rows = (self.rows.0)()
            .skip_while(move |row| row.at < from)
            .take_while(move |row| to.is_none_or(|to| row.at < to))
            .map(move |row| Row { at: Span(row.at.0 - from.0), ..row });
        Box::new(rows)
    }
}
