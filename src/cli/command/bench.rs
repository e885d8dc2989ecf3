//! `windtunnel bench`.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};

use crate::cli::Allocations;
use crate::cli::args::{Bench, Format};
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::style;
use crate::experiment::bench::{Effort, Measurements, measure};
use crate::{record, report};

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
    out += "\nEngine, ns per call in batches of 1,000, empty loop subtracted\n";
    let mut table = plain(&["call", "routes", "median", "min", "p99", "allocations"]);
    for figure in &measured.calls {
        table.add_row([
            figure.call.clone(),
            figure.routes.to_string(),
            format!("{:.1}", figure.median_ns),
            format!("{:.1}", figure.min_ns),
            format!("{:.1}", figure.p99_ns),
            figure.allocations.map_or(String::new(), |n| format!("{n}")),
        ]);
    }
    out += &format!(
        "{table}\n\nEngine, ns per call timed one by one, empty call's median subtracted\n"
    );
    let mut table = plain(&["call", "routes", "p50", "p99", "p99.9", "p99.99"]);
    for figure in &measured.percentiles {
        let mut row = vec![figure.call.clone(), figure.routes.to_string()];
        row.extend(figure.ns.map(|ns| format!("{ns:.0}")));
        table.add_row(row);
    }
    out += &format!("{table}\n(a vendor claims < 10,000 ns for its own adaptive choice)\n\n");
    out += "Simulator at 5,000 requests per virtual second, one core\n";
    let mut table =
        plain(&["policy", "routes", "ns/request", "M requests/s", "× real time", "× bare loop"]);
    for figure in &measured.simulator {
        table.add_row([
            figure.policy.clone(),
            figure.routes.to_string(),
            format!("{:.0}", figure.ns_per_request),
            format!("{:.2}", figure.requests_per_s / 1e6),
            format!("{:.0}", figure.times_real_time),
            figure.over_bare_loop.map_or(String::new(), |ratio| format!("{ratio:.2}")),
        ]);
    }
    out + &format!("{table}\n")
}

fn plain(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.to_vec());
    table
}
