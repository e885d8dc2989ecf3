//! A log in memory, small and in order of time: what a fit goes over several times.

use std::collections::BTreeMap;

use crate::trace::{Entry, Hide, Source, Status, TraceError};

use super::fitted::FitError;

/// A request, 48 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Nanoseconds, as the log's stamp.
    pub(super) at: u64,
    pub(super) prompt: u32,
    pub(super) output: u32,
    pub(super) max_tokens: u32,
    /// Microseconds; 0 = not said.
    pub(super) ttft: u32,
    pub(super) duration: u32,
    pub(super) tenant: u32,
    pub(super) model: u16,
    pub(super) server: u16,
    pub(super) status: Status,
    pub(super) from_cache: bool,
}

/// Requests, and the names that they use.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) all: Vec<Row>,
    pub(super) tenants: Vec<String>,
    pub(super) models: Vec<String>,
    pub(super) servers: Vec<String>,
}

/// More rows than this do not fit into memory that we would ask for: a gigabyte.
const ROWS_MAX: usize = 20_000_000;
/// More names of a kind than this share the last one.
const NAMES_MAX: usize = 60_000;

impl Rows {
    pub(super) fn read(source: &Source, hide: &Hide) -> Result<Self, FitError> {
        let mut rows = Self::default();
        let mut names = [Names::default(), Names::default(), Names::default()];
        let mut too_many = false;
        source.each(|entry| {
            if rows.all.len() >= ROWS_MAX {
                too_many = true;
                return;
            }
            let [tenants, models, servers] = &mut names;
            let tenant = if entry.tenant.is_empty() {
                tenants.id("")
            } else {
                hide.name(&entry.tenant, |name| tenants.id(name))
            };
            let (model, server) = (models.id(&entry.model), servers.id(&entry.deployment));
            rows.all.push(row(entry, tenant, model as u16, server as u16));
        })?;
        if too_many {
            let file = source.path().to_path_buf();
            return Err(FitError::TooManyRows { file, most: ROWS_MAX });
        }
        rows.all.sort_by_key(|row| row.at);
        let [tenants, models, servers] = names.map(|names| names.all);
        Ok(Self { tenants, models, servers, ..rows })
    }

    /// The first stamp.
    pub(super) fn start(&self) -> u64 {
        self.all.first().map_or(0, |row| row.at)
    }

    /// Nanoseconds from the first stamp to the last.
    pub(super) fn span(&self) -> u64 {
        self.all.last().map_or(0, |row| row.at - self.start())
    }
}

fn row(entry: &Entry, tenant: u32, model: u16, server: u16) -> Row {
    let micros = |span: Option<crate::engine::Span>| {
        span.map_or(0, |span| (span.0 / 1_000).clamp(1, u64::from(u32::MAX)) as u32)
    };
    Row {
        at: entry.at,
        prompt: entry.prompt.unwrap_or(0),
        output: entry.output.unwrap_or(0),
        max_tokens: entry.max_tokens.unwrap_or(0),
        ttft: micros(entry.ttft),
        duration: micros(entry.duration),
        tenant,
        model,
        server,
        status: entry.status,
        from_cache: entry.from_cache,
    }
}

#[derive(Debug, Default)]
struct Names {
    index: BTreeMap<String, u32>,
    all: Vec<String>,
    last: u32,
}

impl Names {
    fn id(&mut self, name: &str) -> u32 {
        if self.all.get(self.last as usize).is_some_and(|last| last == name) {
            return self.last;
        }
        self.last = match self.index.get(name) {
            Some(id) => *id,
            None if self.all.len() >= NAMES_MAX => NAMES_MAX as u32 - 1,
            None => {
                let id = self.all.len() as u32;
                self.index.insert(name.to_owned(), id);
                self.all.push(name.to_owned());
                id
            }
        };
        self.last
    }
}

impl From<TraceError> for FitError {
    fn from(error: TraceError) -> Self {
        Self::Trace(error)
    }
}
