//! `windtunnel bench`.

use std::path::PathBuf;

use clap::Parser;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::NOTHING};

use crate::cli::Allocations;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::experiment::bench::{Effort, Measurements, measure};
use crate::{record, report};

/// Measure the engine and the simulator.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Bench {
    /// Folder for the records and the picture
    #[arg(long, value_name = "DIR", default_value = "results/bench")]
    out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A tenth of the work: figures are rougher
    #[arg(long)]
    quick: bool,
}

pub(super) fn bench(args: &Bench, allocations: Allocations) -> Result<(), Failure> {
    record::writable(&args.out).map_err(|error| Failure::new(Exit::Usage, error))?;
    let effort = if args.quick { Effort::QUICK } else { Effort::FULL };
    let measured = measure(effort, Some(allocations), &|what| style::note(what));
    let json = record::to_json(&measured);
    record::write_whole(&args.out.join("bench.json"), json.as_bytes())
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    report::write_overhead(&args.out, &measured.histograms)
        .map_err(|error| Failure::new(Exit::Unexpected, error))?;
    match args.format {
        Format::Json => style::data(&json),
        Format::Text => style::data(&text(&measured)),
    }
    style::note(&format!("written to {}", args.out.display()));
    Ok(())
}

fn text(measured: &Measurements) -> String {
    let mut out = String::new();
    for warning in &measured.warnings {
        out += &format!("warning: {warning}\n");
    }
    out += "Engine, ns per call: batches of 1,000 calls, the empty loop subtracted\n\n";
    let mut table = plain(&["call", "routes", "median", "least", "p99", "allocations"]);
    for figure in &measured.calls {
        let mut row = vec![figure.call.clone(), whole(f64::from(figure.routes))];
        row.extend([figure.median_ns, figure.min_ns, figure.p99_ns].map(nanos));
        row.push(figure.allocations.map_or(String::new(), |n| format!("{n}")));
        table.add_row(row);
    }
    out += &format!("{}\n\n", table.trim_fmt());
    out += "Engine, ns per call: one by one, the clock subtracted\n\n";
    let mut table = plain(&["call", "routes", "p50", "p99", "p99.9", "p99.99"]);
    for figure in &measured.percentiles {
        let mut row = vec![figure.call.clone(), whole(f64::from(figure.routes))];
        row.extend(figure.ns.map(whole));
        table.add_row(row);
    }
    if let Some(figure) = measured.percentiles.last() {
        let mut row = vec!["the clock alone, not subtracted".to_owned(), String::new()];
        row.extend(figure.empty_ns.map(whole));
        table.add_row(row);
    }
    out += &format!("{}\n\n", table.trim_fmt());
    out += "Simulator, one core, 5,000 requests per virtual second (several nodes: 50,000 in all, everything \
            shared), best of three runs\n\n";
    let mut table = plain(&[
        "policy",
        "routes",
        "nodes",
        "keys",
        "ns/request",
        "M requests/s",
        "× real time",
        "× bare loop",
    ]);
    for figure in &measured.simulator {
        table.add_row([
            figure.policy.clone(),
            whole(f64::from(figure.routes)),
            whole(f64::from(figure.nodes)),
            whole(f64::from(figure.keys)),
            whole(figure.ns_per_request),
            format!("{:.2}", figure.requests_per_s / 1e6),
            whole(figure.times_real_time),
            format!("{:.2}", figure.over_bare_loop),
        ]);
    }
    out + &format!("{}\n", table.trim_fmt())
}

/// Nanoseconds, with a tenth where that can be told.
fn nanos(ns: f64) -> String {
    if ns < 1_000.0 { format!("{ns:.1}") } else { whole(ns) }
}

fn whole(value: f64) -> String {
    report::figure::time::count(value.round())
}

/// A table without lines: names to the left, numbers to the right.
fn plain(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.to_vec());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
