//! What `bench` measured.

use super::outline::{Block, Figure, Finding, Grid, Part, Section};
use super::words::three;
use crate::record::Measurements;
use crate::report::figure::overhead::overhead;

pub(super) fn part(bench: &Measurements) -> Part {
    let mut findings = Vec::new();
    if let Some(figure) = bench.percentiles.first() {
        let [p50, p99, ..] = figure.ns;
        findings.push(Finding {
            sentence: format!(
                "A decision of the engine over {} routes costs {} ns at the median and {} ns at the 99th percentile.",
                figure.routes,
                three(p50),
                three(p99)
            ),
            evidence: format!(
                "{}, call by call on the real clock of one machine; an empty call takes {} ns, which is \
                 subtracted from the median.",
                figure.call,
                three(figure.empty_ns[0])
            ),
            shown: Some("overhead".to_owned()),
        });
    }
    let figure = overhead(&bench.histograms).map(|page| {
        Block::Figure(Figure {
            id: "overhead".to_owned(),
            page,
            caption: "The bars share one axis, so that their lengths may be compared.".to_owned(),
            commands: Vec::new(),
        })
    });
    let grids = [percentiles(bench), calls(bench), simulator(bench)];
    let section = Section {
        id: "bench".to_owned(),
        title: "What a decision costs".to_owned(),
        lead: String::new(),
        blocks: figure.into_iter().chain(grids.map(Block::Grid)).collect(),
        inner: Vec::new(),
    };
    Part {
        title: "Cost of decisions".to_owned(),
        lead: "The real engine on the real clock, and the simulator's speed.".to_owned(),
        findings,
        sections: vec![section],
        warnings: bench.warnings.clone(),
        manifest: Vec::new(),
        again: vec!["windtunnel bench".to_owned()],
    }
}

fn percentiles(bench: &Measurements) -> Grid {
    let row = |figure: &crate::record::bench::PercentileFigure| {
        let mut row = vec![figure.call.clone(), figure.routes.to_string()];
        row.extend(figure.ns.map(three));
        row
    };
    grid(
        "percentiles",
        "Decisions one by one, ns",
        &["call", "routes", "p50", "p99", "p99.9", "p99.99"],
        bench.percentiles.iter().map(row).collect(),
    )
}

fn calls(bench: &Measurements) -> Grid {
    let row = |figure: &crate::record::bench::CallFigure| {
        let mut row = vec![figure.call.clone(), figure.routes.to_string()];
        row.extend([figure.median_ns, figure.min_ns, figure.p99_ns].map(three));
        row.push(figure.allocations.map_or("–".to_owned(), three));
        row
    };
    grid(
        "calls",
        "Calls in batches of 1,000, ns per call",
        &["call", "routes", "median", "least", "p99", "allocations"],
        bench.calls.iter().map(row).collect(),
    )
}

fn simulator(bench: &Measurements) -> Grid {
    let row = |figure: &crate::record::bench::SpeedFigure| {
        let mut row =
            vec![figure.policy.clone(), figure.routes.to_string(), figure.nodes.to_string()];
        row.push(figure.keys.to_string());
        let numbers = [
            figure.ns_per_request,
            figure.requests_per_s / 1e6,
            figure.times_real_time,
            figure.over_bare_loop,
        ];
        row.extend(numbers.map(three));
        row
    };
    grid(
        "simulator",
        "The simulator on one core",
        &[
            "policy",
            "routes",
            "nodes",
            "virtual keys",
            "ns/request",
            "million requests/s",
            "× real time",
            "× bare loop",
        ],
        bench.simulator.iter().map(row).collect(),
    )
}

fn grid(id: &str, title: &str, header: &[&str], rows: Vec<Vec<String>>) -> Grid {
    Grid {
        id: id.to_owned(),
        title: title.to_owned(),
        note: String::new(),
        header: header.iter().map(|&name| name.to_owned()).collect(),
        texts: 1,
        rows,
    }
}
