//! `windtunnel trace info`: what a log looks like.

use std::path::{Path, PathBuf};

use clap::Parser;
use serde_json::{Value, json};

use super::Log;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::record;
use crate::report::{self, log::LogShape};
use crate::trace::{Census, Quantiles, Spread, Top, moment};

/// What a request log looks like.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Info {
    #[command(flatten)]
    log: Log,
    /// Folder for plots, as SVG and PNG [default: none are made]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// What to print on stdout
    #[arg(long = "print", value_enum, default_value_t = Format::Text)]
    print: Format,
}

pub(super) fn info(args: &Info) -> Result<(), Failure> {
    let source = args.log.open()?;
    if let Some(dir) = &args.out {
        record::writable(dir).map_err(|error| Failure::new(Exit::Usage, error))?;
    }
    let census = Census::of(&source, &args.log.hide());
    let census = census.map_err(|error| Failure::new(Exit::Usage, error))?;
    if let Some(dir) = &args.out {
        let files = report::log::write_log(dir, &shape(&census, args.log.path()));
        let files = files.map_err(|error| Failure::new(Exit::Unexpected, error))?;
        style::note(&format!("{} files in {}", files.len(), dir.display()));
    }
    match args.print {
        Format::Text => style::data(&text(&census)),
        Format::Json => style::data(&format!("{:#}", json(&census))),
    }
    Ok(())
}

/// What plots need.
fn shape(census: &Census, path: &Path) -> LogShape {
    let quantiles = census.quantiles.iter().filter(|of| of.name.ends_with("tokens"));
    LogShape {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        requests: census.minutes.requests.clone(),
        tokens: census.minutes.tokens.clone(),
        sizes: quantiles.map(|of| (of.name.to_owned(), of.values.to_vec())).collect(),
        at: Quantiles::AT.to_vec(),
    }
}

fn text(census: &Census) -> String {
    let mut lines = Lines(String::new());
    let tally = &census.tally;
    lines.add("format", census.format);
    lines.add("rows", rows(census));
    lines.add("span", format!("{:.1} s{}", census.span.as_secs_f64(), since(census)));
    lines.add("rate", format!("{:.3} requests/s", census.rate()));
    for (name, spread) in [("requests", census.requests), ("tokens", census.tokens)] {
        let [one, ten, minute] = spread.index;
        let minutes = spread.minute_p95_over_mean;
        let text = format!("{one:.2}, {ten:.2}, {minute:.2}; minute p95/mean {minutes:.2}");
        lines.add(&format!("{name}: var/mean 1,10,60 s"), text);
    }
    if !census.seconds_complete {
        lines.add(
            "",
            "(1 and 10 s: of the first stretch only; the log is too long to keep seconds)",
        );
    }
    let [p50, p95, max] = per_minute(&census.minutes.tokens);
    lines.add("tokens per minute", format!("p50 {p50}, p95 {p95}, max {max}"));
    let [p50, p95, max] = per_minute(&census.minutes.requests);
    lines.add("requests per minute", format!("p50 {p50}, p95 {p95}, max {max}"));
    lines.add("", "mean        min      p10      p50      p90      p95      p99      max");
    for of in &census.quantiles {
        let values: String = of.values.iter().map(|value| format!(" {value:>8.0}")).collect();
        lines.add(of.name, format!("{:<8.1}{values}", of.mean));
    }
    lines.add("errors, of them 429", errors(census));
    if census.from_cache > 0 {
        let share = percent(census.from_cache, tally.entries);
        lines.add("gateway's own cache", format!("{} answers ({share})", census.from_cache));
    }
    if census.cost > 0 {
        lines.add("cost", format!("{:.2} USD", census.cost as f64 / 1e9));
    }
    for (what, top) in [
        ("tenants", &census.tenants),
        ("deployments", &census.deployments),
        ("models", &census.models),
    ] {
        lines.top(what, top, tally.entries);
    }
    for gap in census.gaps.iter().filter(|gap| is_gap(census, gap.seconds)) {
        lines.add("gap", format!("{} s without a request, after {} s", gap.seconds, gap.after_s));
    }
    for (what, remark) in oddities(census) {
        lines.add(what, remark);
    }
    for (what, assumed) in &census.missing {
        lines.add("missing", format!("{what}; assumed: {assumed}"));
    }
    lines.0
}

/// Lines of a name and a text.
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, text: impl std::fmt::Display) {
        self.0 += &format!("{name:<32} {text}\n");
    }

    fn top(&mut self, what: &str, top: &Top, rows: u64) {
        if top.names == 0 {
            return;
        }
        let about = if top.error > 0 {
            format!(" or more; counts may be {} too low", top.error)
        } else {
            String::new()
        };
        self.add(what, format!("{}{about}", top.names));
        for share in &top.first {
            let name = if share.name.is_empty() { "(none)" } else { &share.name };
            let text = format!(
                "{} requests ({}), {} tokens, {} errors, {} of 429",
                share.requests,
                percent(share.requests, rows),
                share.tokens,
                percent(share.errors, share.requests),
                share.limited
            );
            self.add(&format!("  {}", clip(name)), text);
        }
    }
}

fn clip(name: &str) -> String {
    if name.chars().count() <= 30 {
        return name.to_owned();
    }
    name.chars().take(29).chain(['…']).collect()
}

fn rows(census: &Census) -> String {
    let tally = &census.tally;
    let mut text = tally.entries.to_string();
    if tally.others > 0 {
        text += &format!(", and {} about something else", tally.others);
    }
    if tally.bad.count > 0 {
        text += &format!(", and {} unreadable", tally.bad.count);
    }
    text
}

fn since(census: &Census) -> String {
    match moment(census.format, census.start) {
        Some(moment) => format!(" from {moment} UTC"),
        None => String::new(),
    }
}

fn errors(census: &Census) -> String {
    let rows = census.tally.entries;
    if census.unknown == rows {
        return "not said".into();
    }
    let unknown = match census.unknown {
        0 => String::new(),
        unknown => format!("; not said of {unknown}"),
    };
    format!(
        "{} ({}), {} ({}){unknown}",
        census.errors,
        percent(census.errors, rows),
        census.limited,
        percent(census.limited, rows)
    )
}

/// A silence worth a line: a minute, and much longer than silences usually are at this rate.
fn is_gap(census: &Census, seconds: u64) -> bool {
    seconds >= 60 && seconds as f64 > 20.0 / census.rate()
}

/// What is odd about a log, with the remedy.
fn oddities(census: &Census) -> Vec<(&'static str, String)> {
    let clock = &census.clock;
    let mut all = Vec::new();
    for bad in &census.tally.bad.first {
        all.push(("unreadable", bad.to_string()));
    }
    if clock.newest_first {
        all.push(("clock", "the newest row comes first; a replay sorts the rows in memory".into()));
    } else if let Some(jump) = clock.farthest {
        let hour = jump.back.as_secs_f64();
        let summer = if clock.without_zone && (3_000.0..4_200.0).contains(&hour) {
            "; an hour back, without a zone: the end of summer time? Export stamps in UTC"
        } else {
            "; as in logs written when answers end. A replay sorts the rows in memory"
        };
        all.push((
            "clock",
            format!(
                "{} rows out of order, the farthest by {} on line {}{summer}",
                clock.out_of_order, jump.back, jump.line
            ),
        ));
    }
    if clock.copies > 0 {
        all.push((
            "clock",
            format!("{} rows or more are copies of a row shortly before them", clock.copies),
        ));
    }
    if clock.zone_changes > 0 {
        all.push((
            "clock",
            format!("the zone of stamps changes {} times; all are read as UTC", clock.zone_changes),
        ));
    }
    if let Some(step) = clock.step {
        all.push((
            "clock",
            format!(
                "stamps are multiples of {step}: figures below that are an artefact; replay with \
                 [trace] spread = \"{step}\""
            ),
        ));
    }
    all
}

/// Median, 95 % and greatest.
fn per_minute(counts: &[u64]) -> [u64; 3] {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let at = |share: usize| sorted[((sorted.len() * share).div_ceil(100)).max(1) - 1];
    [at(50), at(95), at(100)]
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2} %", part as f64 * 100.0 / whole.max(1) as f64)
}

fn json(census: &Census) -> Value {
    let tally = &census.tally;
    let spread = |spread: &Spread| {
        let [one, ten, minute] = spread.index.map(finite);
        json!({
            "variance_over_mean": { "1s": one, "10s": ten, "60s": minute },
            "minute_p95_over_mean": finite(spread.minute_p95_over_mean),
        })
    };
    let per_minute = |counts: &[u64]| {
        let [p50, p95, max] = per_minute(counts);
        json!({ "p50": p50, "p95": p95, "max": max })
    };
    let top = |top: &Top| {
        let first = top.first.iter().map(|share| {
            json!({
                "name": share.name, "requests": share.requests, "tokens": share.tokens,
                "errors": share.errors, "rate_limited": share.limited,
            })
        });
        json!({ "names": top.names, "first": first.collect::<Vec<_>>() })
    };
    let quantiles = census.quantiles.iter().map(|of| {
        let values = Quantiles::AT.iter().zip(of.values).map(|(at, value)| json!([at, value]));
        json!({ "of": of.name, "rows": of.count, "mean": finite(of.mean),
            "quantiles": values.collect::<Vec<_>>() })
    });
    json!({
        "format": census.format.name(),
        "rows": tally.entries,
        "other_rows": tally.others,
        "unreadable_rows": tally.bad.count,
        "unreadable": tally.bad.first.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "start": moment(census.format, census.start),
        "span_s": census.span.as_secs_f64(),
        "rate_rps": finite(census.rate()),
        "requests": spread(&census.requests),
        "tokens": spread(&census.tokens),
        "tokens_per_minute": per_minute(&census.minutes.tokens),
        "requests_per_minute": per_minute(&census.minutes.requests),
        "quantiles": quantiles.collect::<Vec<_>>(),
        "errors": census.errors,
        "rate_limited": census.limited,
        "status_unknown": census.unknown,
        "from_gateway_cache": census.from_cache,
        "cost_usd": census.cost as f64 / 1e9,
        "tenants": top(&census.tenants),
        "deployments": top(&census.deployments),
        "models": top(&census.models),
        "gaps": census.gaps.iter().map(|gap| json!({ "after_s": gap.after_s,
            "seconds": gap.seconds })).collect::<Vec<_>>(),
        "oddities": oddities(census).into_iter().map(|(_, text)| text).collect::<Vec<_>>(),
        "missing": census.missing.iter().map(|(what, assumed)| json!({ "what": what,
            "assumed": assumed })).collect::<Vec<_>>(),
    })
}

fn finite(number: f64) -> Value {
    // Six digits say all that there is, and are the same everywhere.
    let rounded = format!("{number:.6e}").parse::<f64>();
    rounded.ok().filter(|number| number.is_finite()).map_or(Value::Null, |number| json!(number))
}
