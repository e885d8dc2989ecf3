//! The fit as a whole.

use std::path::PathBuf;

use thiserror::Error;

use crate::engine::Span;
use crate::trace::{Hide, Source, Status, TraceError, TraceFormat, keeps_step};

use super::arrivals::{self, ArrivalFit, Windows};
use super::rows::{Row, Rows};
use super::server::{self, ServerFit, free_name};
use super::sizes::{self, SizeFit};

/// What is to be fitted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Clients that get a class of their own; the others share one.
    pub classes: usize,
    /// How tenants are called.
    pub hide: Hide,
}

/// Why nothing could be fitted.
#[derive(Debug, Error)]
pub enum FitError {
    /// The log cannot be read.
    #[error(transparent)]
    Trace(TraceError),
    /// Too many rows for the memory of a fit.
    #[error("{}: more than {most} rows: fit a part of the log", file.display())]
    TooManyRows {
        /// The log.
        file: PathBuf,
        /// Most rows.
        most: usize,
    },
    /// Too few rows.
    #[error("{}: {rows} rows in {span} are too few to fit: expected at least 100 over a minute", file.display())]
    TooFew {
        /// The log.
        file: PathBuf,
        /// Its rows.
        rows: usize,
        /// Its length.
        span: Span,
    },
}

/// A kind of client.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassFit {
    /// Its name in a scenario.
    pub name: String,
    /// Requests.
    pub requests: usize,
    /// When they come.
    pub arrivals: ArrivalFit,
    /// Prompt tokens.
    pub prompt: Option<SizeFit>,
    /// Output tokens.
    pub output: Option<SizeFit>,
    /// The cap that most clients send, where the log has it: its 99th percentile.
    pub max_tokens: Option<u32>,
    /// Models with the number of requests.
    pub models: Vec<(String, u64)>,
}

/// A scenario's numbers.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Format of the log.
    pub format: TraceFormat,
    /// Rows.
    pub rows: usize,
    /// Moment of virtual time zero in seconds since 1970, where stamps are dates.
    pub epoch: Option<u64>,
    /// Length of the log.
    pub span: Span,
    /// Length of the scenario.
    pub length: Span,
    /// Who asks.
    pub classes: Vec<ClassFit>,
    /// Who answers.
    pub servers: Vec<ServerFit>,
    /// What could not be told from the log.
    pub unknown: Vec<String>,
    /// How coarse stamps are.
    pub step: Span,
}

impl Fitted {
    /// Whether stamps were spread evenly over their step.
    pub fn spreads(&self) -> bool {
        self.step.0 > arrivals::FINE
    }
}

/// A client with fewer requests shares a class with others.
const CLASS_MIN: usize = 200;

/// Fits a log.
///
/// # Errors
/// [`FitError`].
pub fn fit(source: &Source, options: &Options) -> Result<Fitted, FitError> {
    let rows = Rows::read(source, &options.hide)?;
    let span = rows.span();
    if rows.all.len() < 100 || span < 60_000_000_000 {
        let file = source.path().to_path_buf();
        return Err(FitError::TooFew { file, rows: rows.all.len(), span: Span(span) });
    }
    let is_date = crate::trace::moment(source.format(), rows.start()).is_some();
    let windows = Windows::new(rows.start(), span, is_date);
    let names = model_names(&rows);
    let step = step(&rows);
    let classes = classes(&rows, options.classes, &windows, &names, step);
    let servers = server::fit(&rows, &names);
    let unknown = unknown(&rows, &classes, &servers);
    Ok(Fitted {
        format: source.format(),
        rows: rows.all.len(),
        epoch: is_date.then_some(windows.zero() / 1_000_000_000),
        span: Span(span),
        length: windows.length(),
        classes,
        servers,
        unknown,
        step: Span(step),
    })
}

/// How coarse stamps are: the coarsest step that nearly all of them keep, at least a microsecond.
fn step(rows: &Rows) -> u64 {
    let start = rows.start();
    let keep = |step: &&u64| {
        let off = rows.all.iter().filter(|row| !keeps_step(row.at - start, **step)).count();
        off * 50 <= rows.all.len()
    };
    STEPS.iter().find(keep).copied().unwrap_or(1)
}

/// Steps that clocks and exports have, in nanoseconds.
const STEPS: [u64; 10] = [
    60_000_000_000,
    10_000_000_000,
    5_000_000_000,
    3_000_000_000,
    2_000_000_000,
    1_000_000_000,
    100_000_000,
    10_000_000,
    1_000_000,
    1_000,
];

/// Models as a scenario can call them.
fn model_names(rows: &Rows) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for model in &rows.models {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let name: String = model.chars().map(plain).take(60).collect();
        let name = name.trim_matches('-').to_owned();
        names.push(if name.is_empty() { "chat".to_owned() } else { name });
    }
    names
}

fn classes(
    rows: &Rows,
    most: usize,
    windows: &Windows,
    names: &[String],
    step: u64,
) -> Vec<ClassFit> {
    let mut counts = vec![0usize; rows.tenants.len()];
    for row in &rows.all {
        counts[row.tenant as usize] += 1;
    }
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|at| (usize::MAX - counts[*at], *at));
    let own = |at: &&usize| counts[**at] >= CLASS_MIN && counts[**at] * 100 >= rows.all.len();
    let own: Vec<usize> = order.iter().filter(own).take(most).copied().collect();
    let mut groups: Vec<Vec<Row>> = vec![Vec::new(); own.len() + 1];
    for row in &rows.all {
        let group = own.iter().position(|at| *at == row.tenant as usize);
        groups[group.unwrap_or(own.len())].push(*row);
    }
    let mut fits: Vec<ClassFit> = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        if group.is_empty() {
            continue;
        }
        let logged = own.get(at).map(|at| rows.tenants[*at].as_str());
        let logged = match logged {
            Some("") if own.len() == 1 && rows.tenants.len() == 1 => "all",
            None if own.is_empty() => "all",
            None => "others",
            Some("") => "unnamed",
            Some(name) => name,
        };
        let name =
            free_name(&logged.replace('/', "-"), |name| fits.iter().any(|fit| fit.name == name));
        fits.push(class(name, group, rows, windows, names, step));
    }
    fits
}

fn class(
    name: String,
    group: &[Row],
    rows: &Rows,
    windows: &Windows,
    names: &[String],
    step: u64,
) -> ClassFit {
    let times: Vec<u64> = group.iter().map(|row| row.at).collect();
    let answered = |row: &&Row| !row.status.is_error();
    let tokens = |of: fn(&Row) -> u32| {
        group.iter().filter(answered).map(of).filter(|n| *n > 0).map(f64::from).collect()
    };
    let caps = super::distance::sorted(tokens(|row| row.max_tokens));
    let mut models: Vec<(String, u64)> = Vec::new();
    for row in group {
        let name = &names[usize::from(row.model)];
        match models.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => models.push((name.clone(), 1)),
        }
    }
    models.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ClassFit {
        name,
        requests: group.len(),
        arrivals: arrivals::fit(&times, windows, rows.start(), step),
        prompt: sizes::fit(tokens(|row| row.prompt)),
        output: sizes::fit(tokens(|row| row.output)),
        max_tokens: (caps.len() * 2 > group.len())
            .then(|| super::distance::quantile(&caps, 0.99).round() as u32),
        models,
    }
}

/// What a log does not tell, in words.
fn unknown(rows: &Rows, classes: &[ClassFit], servers: &[ServerFit]) -> Vec<String> {
    let mut all = Vec::new();
    let mut say = |text: String| all.push(text);
    if rows.tenants.iter().all(String::is_empty) {
        say("who asks: all requests are one class".into());
    }
    if classes.iter().all(|class| class.max_tokens.is_none()) {
        say("the cap that clients send (max_tokens): twice the 99th percentile of the output, at most \
             4,096; limits that charge it in full are guesses"
            .into());
    }
    if rows.all.iter().all(|row| row.status == Status::Unknown) {
        say("how requests ended: background errors are the defaults".into());
    }
    for server in servers {
        let name = &server.name;
        let latency = &server.latency;
        if latency.ttft.is_none() {
            say(format!("{name}: its latency; the profile's"));
        } else if latency.from_durations {
            say(format!(
                "{name}: time to first token, told from durations; the spread of decoding is in it"
            ));
        }
        if latency.ttft.is_some() && !latency.has_slow_mode {
            say(format!("{name}: a slow mode apart from the body's tail: none"));
        }
        if latency.decode.is_none() {
            say(format!("{name}: its decode rate; the profile's"));
        }
        let limit = &server.limit;
        if limit.refused > 0 && limit.tpm.is_none() && limit.rpm.is_none() {
            say(format!(
                "{name}: its limit: {} refusals in {} minutes that have neither tokens nor requests in \
                 common",
                limit.refused, limit.minutes
            ));
        }
        if server.client_faults > 0 {
            say(format!(
                "{name}: {} requests failed by the client's fault (4xx) and are left out",
                server.client_faults
            ));
        }
    }
    say("the network's share of latency: 20 ms, as in profiles".into());
    say("attempts behind a request: a log of requests hides retries that succeeded, so errors are at \
         least these"
        .into());
    all
}
