//! `windtunnel list`: the registries.

use std::path::Path;

use clap::{Parser, ValueEnum};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets::NOTHING};
use serde_json::Value;

use super::policy;
use crate::cli::args::Format;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::metrics::METRICS;
use crate::policy::POLICIES;
use crate::scenario::{self, fault::FAULTS, profile::PROFILES};

/// What is listed of one thing: columns in the order in which they are shown.
type Row = Vec<(&'static str, Value)>;

/// List things.
#[derive(Debug, Parser)]
pub(in crate::cli) struct List {
    /// What to list
    #[arg(value_enum)]
    what: Listed,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// For `parameters`: of this policy
    #[arg(long, default_value = "windtunnel")]
    policy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Listed {
    /// Ways to route
    Policies,
    /// Parameters of a policy (`--policy`)
    Parameters,
    /// Kinds of fault
    Faults,
    /// Provider profiles
    Profiles,
    /// What is measured
    Metrics,
    /// Files in scenarios/
    Scenarios,
}

pub(super) fn list(args: &List) -> Result<(), Failure> {
    let rows = rows(args)?;
    let text = match args.format {
        Format::Json => format!("{:#}", json(rows)),
        Format::Text => table(&rows),
    };
    style::data(&text);
    Ok(())
}

fn rows(args: &List) -> Result<Vec<Row>, Failure> {
    Ok(match args.what {
        Listed::Policies => {
            let row = |p: &crate::policy::PolicySpec| {
                let [name, product] = [p.name, p.product].map(Value::from);
                let (what, source) = (p.doc.into(), p.source.into());
                let parameters = p.params.iter().map(|param| param.id).collect::<Vec<_>>().into();
                vec![
                    ("name", name),
                    ("product", product),
                    ("what", what),
                    ("source", source),
                    ("parameters", parameters),
                ]
            };
            POLICIES.iter().map(row).collect()
        }
        Listed::Parameters => {
            let settings = policy(&args.policy)?.settings();
            let row = |(param, value): (&crate::engine::Param, f64)| {
                let shown = [value, param.min, param.max].map(|value| param.show(value).into());
                let [value, from, to] = shown;
                let id = param.id.into();
                let (what, source) = (param.doc.into(), param.source.into());
                let head = [("parameter", id), ("value", value), ("from", from), ("to", to)];
                head.into_iter().chain([("what", what), ("source", source)]).collect()
            };
            settings.iter().map(row).collect()
        }
        Listed::Faults => {
            let row = |f: &scenario::fault::FaultKind| {
                let [id, kind, what, anchor] = [f.id, f.name, f.doc, f.anchor].map(Value::from);
                vec![("id", id), ("kind", kind), ("what", what), ("anchor", anchor)]
            };
            FAULTS.iter().map(row).collect()
        }
        Listed::Profiles => {
            let row = |p: &scenario::profile::Profile| {
                vec![
                    ("name", p.name.into()),
                    ("ttft_ms", p.latency.ttft.as_millis().into()),
                    ("tokens_per_s", p.latency.tokens_per_s.into()),
                    ("usd_per_M_prompt", (p.price_prompt as f64 / 1e9).into()),
                    ("usd_per_M_output", (p.price_output as f64 / 1e9).into()),
                    ("source", p.latency_source.into()),
                ]
            };
            PROFILES.iter().map(row).collect()
        }
        Listed::Metrics => {
            let row = |m: &crate::metrics::Metric| {
                let [id, unit, better] = [m.id, m.unit, m.better.name()].map(Value::from);
                vec![("metric", id), ("unit", unit), ("better", better), ("what", m.doc.into())]
            };
            METRICS.iter().map(row).collect()
        }
        Listed::Scenarios => scenarios(Path::new("scenarios"))?,
    })
}

/// The files in a folder, each with the question that it asks.
fn scenarios(folder: &Path) -> Result<Vec<Row>, Failure> {
    let files = super::toml_files(folder)?;
    let row = |path: &std::path::PathBuf| {
        let text =
            std::fs::read_to_string(path).map_err(|error| super::unreadable(path, &error))?;
        let question = scenario::question(&text).unwrap_or_default();
        let path = path.display().to_string();
        Ok(vec![("scenario", path.into()), ("question", question.into())])
    };
    files.iter().map(row).collect()
}

fn json(rows: Vec<Row>) -> Value {
    let object = |row: Row| {
        let fields = row.into_iter().map(|(key, value)| (key.to_owned(), value));
        Value::Object(fields.collect())
    };
    rows.into_iter().map(object).collect()
}

/// Columns that hold sentences.
const PROSE: [&str; 3] = ["what", "source", "anchor"];

/// The rows as a table as wide as the terminal. Where many columns would be narrow ones, all but the name stand
/// under each other.
fn table(rows: &[Row]) -> String {
    let is_folded = style::width() < 120 && rows.first().is_some_and(|row| row.len() > 4);
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(style::width() as u16);
    if let Some(first) = rows.first() {
        let shown = if is_folded { 1 } else { first.len() };
        table.set_header(first.iter().take(shown).map(|(key, _)| key));
    }
    for row in rows {
        if is_folded {
            table.add_row([shown(&row[0].1), folded(&row[1..])]);
        } else {
            table.add_row(row.iter().map(|(_, value)| shown(value)));
        }
    }
    // A name is there to be copied: it stands in one piece.
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    let text = table.to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Names of parameters: how many there are; `list parameters` shows them.
        Value::Array(all) => all.len().to_string(),
        other => other.to_string(),
    }
}

/// Figures in a line, then each sentence on lines of its own.
fn folded(columns: &[(&'static str, Value)]) -> String {
    let (prose, short): (Vec<_>, Vec<_>) = columns.iter().partition(|(key, _)| PROSE.contains(key));
    let short = short.iter().map(|(key, value)| format!("{key} {}", shown(value)));
    let mut lines = vec![short.collect::<Vec<_>>().join(", ")];
    lines.extend(prose.iter().map(|(key, value)| match *key {
        "what" => shown(value),
        key => format!("{key}: {}", shown(value)),
    }));
    format!("{}\n ", lines.join("\n"))
}
