//! A log as rows that a replay plays: times after the first one, in order, and tokens.

use std::sync::Arc;

use crate::engine::Span;
use crate::sim::prefix::{BlockTree, Growing};
use crate::sim::spec::{Row, Rows, TraceFacts};

use super::entry::Entry;
use super::error::TraceError;
use super::reader::{Reader, Step};
use super::source::Source;

/// The longest trace, as the longest run: a year.
const SPAN_MAX: Span = Span::from_secs(366 * 86_400);
/// Rows out of order are sorted in memory, 24 bytes each: half a gigabyte.
const SORTED_MAX: u64 = 21 << 20;

/// What is known of a log, its rows, and the blocks of its prompts where the source gives them.
pub type Loaded = (TraceFacts, Rows, Option<Arc<BlockTree>>);

/// Reads a whole log once, and gives its rows in order of time.
///
/// A log in order is streamed each time that its rows are opened; one out of order, as logs are that
/// are written when answers end, is sorted in memory once. Opening or reading panics if the file has been
/// changed since, rather than replay half of it.
///
/// # Errors
/// The first thing that is wrong with it: unreadable, a missing column, a field that is not what it
/// should be, longer than a year, no rows at all, out of order and too long to be sorted.
pub fn load(source: &Source) -> Result<Loaded, TraceError> {
    let (mut prompts, mut outputs) = (0u64, 0u64);
    let (mut first, mut last, mut before, mut in_order) = (u64::MAX, 0, 0, true);
    let mut long = None;
    let mut tokens = Tokens::new(source);
    let mut growing = source.gives_blocks().then(Growing::default);
    let tally = source.each(|entry| {
        (first, last) = (first.min(entry.at), last.max(entry.at));
        in_order &= entry.at >= before;
        before = entry.at;
        if Span(last - first) > SPAN_MAX && long.is_none() {
            long = Some((entry.line, Span(last - first)));
        }
        let (prompt, output) = tokens.of(entry);
        prompts += u64::from(prompt);
        outputs += u64::from(output);
        if let Some(growing) = &mut growing {
            growing.add(&entry.blocks);
        }
    })?;
    let tree = growing.map(|growing| Arc::new(growing.done()));
    let file = || source.path().to_path_buf();
    if let Some((line, span)) = long {
        return Err(TraceError::TooLong { file: file(), line, span });
    }
    let rows = tally.entries;
    let facts = TraceFacts {
        rows,
        span: Span(last - first),
        prompt_mean: prompts as f64 / rows as f64,
        output_mean: outputs as f64 / rows as f64,
    };
    if in_order {
        let source = source.clone();
        let of = tree.clone();
        let open = move || Box::new(Stream::open(&source, first, of.clone())) as Box<_>;
        return Ok((facts, Rows(Arc::new(open)), tree));
    }
    if rows > SORTED_MAX {
        return Err(TraceError::TooManyToSort { file: file(), rows });
    }
    let mut sorted = Vec::with_capacity(rows as usize);
    let mut tokens = Tokens::new(source);
    source.each(|entry| {
        let (prompt, output) = tokens.of(entry);
        let at = Span(entry.at.saturating_sub(first));
        sorted.push(Row { at, prompt, output, leaf: leaf(tree.as_deref(), entry) });
    })?;
    sorted.sort_by_key(|row| row.at);
    let sorted: Arc<[Row]> = sorted.into();
    let open = move || {
        let sorted = sorted.clone();
        Box::new((0..sorted.len()).map(move |at| sorted[at])) as Box<_>
    };
    Ok((facts, Rows(Arc::new(open)), tree))
}

/// The last block of an entry's prompt.
fn leaf(tree: Option<&BlockTree>, entry: &Entry) -> u32 {
    tree.map_or(0, |tree| tree.leaf(entry.blocks.last().copied()))
}

/// The tokens of an entry. What a log does not say, as of requests that failed, is taken from the row
/// before, so that the mix of sizes stays what it is; a data set is taken literally.
#[derive(Debug)]
pub(super) struct Tokens {
    literal: bool,
    last: (u32, u32),
}

impl Tokens {
    pub(super) fn new(source: &Source) -> Self {
        Self { literal: source.format().is_data_set(), last: (1, 1) }
    }

    pub(super) fn of(&mut self, entry: &Entry) -> (u32, u32) {
        let prompt = entry.prompt.unwrap_or(0);
        if prompt == 0 && !self.literal {
            return self.last;
        }
        let output = entry.output.filter(|_| self.literal || !entry.status.is_error());
        self.last = (prompt.max(1), output.unwrap_or(self.last.1).max(1));
        self.last
    }
}

const CHANGED: &str = "the trace was checked before, and must not change while it is replayed";

/// The rows of a log that is in order.
struct Stream {
    reader: Reader,
    entry: Entry,
    first: u64,
    tokens: Tokens,
    tree: Option<Arc<BlockTree>>,
}

impl Stream {
    fn open(source: &Source, first: u64, tree: Option<Arc<BlockTree>>) -> Self {
        let reader = source.reader().expect(CHANGED);
        Self { reader, entry: Entry::default(), first, tokens: Tokens::new(source), tree }
    }
}

impl Iterator for Stream {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            match self.reader.next(&mut self.entry).expect(CHANGED) {
                Step::Entry => {
                    let (prompt, output) = self.tokens.of(&self.entry);
                    let at = Span(self.entry.at.checked_sub(self.first).expect(CHANGED));
                    let leaf = leaf(self.tree.as_deref(), &self.entry);
                    return Some(Row { at, prompt, output, leaf });
                }
                Step::Other | Step::Bad(_) => {}
                Step::End => return None,
            }
        }
    }
}
