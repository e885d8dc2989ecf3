//! `windtunnel list`: the registries.

use std::path::Path;

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde_json::{Value, json};

use crate::cli::args::{Format, List, Listed};
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::metrics::METRICS;
use crate::policy::{POLICIES, registry};
use crate::scenario::{self, fault::FAULTS, profile::PROFILES};

pub(super) fn list(args: &List) -> Result<(), Failure> {
    let rows = rows(args)?;
    let text = match args.format {
        Format::Json => format!("{:#}", Value::from(rows)),
        Format::Text => table(&rows),
    };
    style::data(&text);
    Ok(())
}

fn rows(args: &List) -> Result<Vec<Value>, Failure> {
    Ok(match args.what {
        Listed::Policies => (POLICIES.iter())
            .map(|p| json!({ "name": p.name, "product": p.product, "source": p.source, "what": p.doc }))
            .collect(),
        Listed::Parameters => {
            let policy = registry::find(&args.policy).ok_or_else(|| {
                let what = format!("there is no policy `{}`: see `list policies`", args.policy);
                Failure::new(Exit::Usage, what)
            })?;
            let settings = policy.settings();
            settings
                .iter()
                .map(|(param, value)| {
                    json!({
                        "parameter": param.id, "value": param.show(value),
                        "from": param.show(param.min), "to": param.show(param.max),
                        "source": param.source, "what": param.doc,
                    })
                })
                .collect()
        }
        Listed::Faults => FAULTS
            .iter()
            .map(|f| json!({ "id": f.id, "kind": f.name, "what": f.doc, "anchor": f.anchor }))
            .collect(),
        Listed::Profiles => PROFILES
            .iter()
            .map(|p| {
                json!({
                    "name": p.name,
                    "ttft_ms": p.latency.ttft.as_millis(),
                    "tokens_per_s": p.latency.tokens_per_s,
                    "usd_per_M_prompt": p.price_prompt as f64 / 1e9,
                    "usd_per_M_output": p.price_output as f64 / 1e9,
                    "source": p.latency_source,
                })
            })
            .collect(),
        Listed::Metrics => METRICS
            .iter()
            .map(|m| {
                json!({
                    "metric": m.id, "unit": m.unit, "better": m.better.name(), "what": m.doc,
                })
            })
            .collect(),
        Listed::Scenarios => scenarios(Path::new("scenarios"))?,
    })
}

/// The files in a folder, each with the question that it asks.
#[expect(clippy::disallowed_methods, reason = "reads a folder of files")]
fn scenarios(folder: &Path) -> Result<Vec<Value>, Failure> {
    let cannot = |error: std::io::Error| {
        let what =
            format!("cannot read {}: {error}; run this where the folder is", folder.display());
        Failure::new(Exit::Usage, what)
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(cannot)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort_unstable();
    let row = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).map_err(cannot)?;
        let question = scenario::question(&text).unwrap_or_default().to_owned();
        Ok(json!({ "scenario": path.display().to_string(), "question": question }))
    };
    files.iter().map(row).collect()
}

/// The rows as a table as wide as the terminal, which keeps the order of the keys as written above.
fn table(rows: &[Value]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(style::width() as u16);
    if let Some(Value::Object(first)) = rows.first() {
        table.set_header(first.keys());
    }
    for row in rows.iter().filter_map(Value::as_object) {
        table.add_row(row.values().map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }));
    }
    let text = table.to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
