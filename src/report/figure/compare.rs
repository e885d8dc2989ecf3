//! The figures of a comparison: how each policy fared, beside all others.

use super::time::{count, line, percent, tenths};
use crate::record::comparison::{Cell, Comparison, ScenarioTable, Table};
use crate::record::{Measured, Quantity};
use crate::report::page::{Axis, Bar, Bars, Length, Page, Panel, Shade, Small, SmallPlots, Stroke};
use crate::report::palette::{BLUE, Colour, GREEN, GREY, ORANGE, PURPLE, VERMILLION};

/// What a chart of bars shows of each policy.
struct Chart {
    name: &'static str,
    title: &'static str,
    metric: &'static str,
    scale: f64,
    unit: &'static str,
    label: &'static str,
}

const CHARTS: [Chart; 5] = [
    Chart {
        name: "recovery",
        title: "Until users are served again",
        metric: "time_to_recover_user",
        scale: 1.0,
        unit: "s",
        label: "seconds from the onset of the fault",
    },
    Chart {
        name: "return",
        title: "Until the traffic is back",
        metric: "time_to_recover_share",
        scale: 1.0,
        unit: "s",
        label: "seconds from the end of the fault to 90 % of the share before it",
    },
    Chart {
        name: "regret",
        title: "Regret: good requests that the oracle made beyond each policy",
        metric: "regret",
        scale: 100.0,
        unit: "%",
        label: "% of offered requests",
    },
    Chart {
        name: "leak",
        title: "Leak: first attempts into the fault, over those of blind routing",
        metric: "leak_ratio",
        scale: 1.0,
        unit: "",
        label: "1 = as blind routing",
    },
    Chart {
        name: "latency",
        title: "Latency p99 of all requests, failed ones at their deadline",
        metric: "latency_all_p99",
        scale: 1e-3,
        unit: "s",
        label: "seconds from intended arrival",
    },
];

/// The figures with their names: over all scenarios, and of each, as policies ship.
pub fn figures(comparison: &Comparison) -> Vec<(String, Page)> {
    let mut pages = Vec::new();
    for table in &comparison.tables {
        if let Some(page) = overall(comparison, table) {
            pages.push((format!("regret-{}", table.layer), page));
        }
    }
    let Some(table) = comparison.tables.first() else { return pages };
    let folder = |scenario: &ScenarioTable| match &table.scenarios[..] {
        [_] => String::new(),
        _ => format!("{}/", scenario.scenario),
    };
    for scenario in &table.scenarios {
        for (name, page) in of_scenario(comparison, table, scenario) {
            pages.push((format!("{}{name}", folder(scenario)), page));
        }
    }
    pages
}

/// The figures of one scenario with their names.
pub fn of_scenario(
    comparison: &Comparison,
    table: &Table,
    scenario: &ScenarioTable,
) -> Vec<(&'static str, Page)> {
    let charts = CHARTS.iter();
    let bars =
        charts.filter_map(|chart| Some((chart.name, bars(comparison, table, scenario, chart)?)));
    let goodput = goodput(comparison, table, scenario).map(|page| ("goodput", page));
    bars.chain(goodput).collect()
}

fn layer(table: &Table) -> &'static str {
    if table.layer == "rule" { "rules under one common layer" } else { "as shipped" }
}

fn subtitle(comparison: &Comparison, what: &str, table: &Table) -> String {
    let n = comparison.replications;
    let how = if n == 1 {
        "one replication".to_owned()
    } else {
        format!("mean of {n} replications with its 95 % interval")
    };
    format!("{what}, {}: {how}", layer(table))
}

/// Regret over all scenarios; `None` for one.
pub fn overall(comparison: &Comparison, table: &Table) -> Option<Page> {
    if table.scenarios.len() < 2 {
        return None;
    }
    let chart = &CHARTS[2];
    let rows = table.standings.iter().map(|standing| {
        let colour = colour(comparison, &standing.policy);
        bar(&standing.policy, colour, &standing.regret, chart)
    });
    let rows: Vec<Bar> = rows.collect();
    let what = format!("mean over {} scenarios", table.scenarios.len());
    Some(page(chart, subtitle(comparison, &what, table), rows))
}

fn bars(
    comparison: &Comparison,
    table: &Table,
    scenario: &ScenarioTable,
    chart: &Chart,
) -> Option<Page> {
    let has = |cell: &&Cell| {
        cell.metrics
            .get(chart.metric)
            .is_some_and(|measured| !matches!(measured, Measured::One(Quantity::NotApplicable(_))))
    };
    let rows = scenario.cells.iter().filter(has).map(|cell| {
        let colour = colour(comparison, &cell.policy);
        let mut bar = bar(&cell.policy, colour, &cell.metrics[chart.metric], chart);
        if let Some(worst) = cell.worst.get(chart.metric)
            && let Quantity::Number(worst) = worst.value
            && worst > 0.0
            && comparison.replications > 1
        {
            bar.text.push_str(&format!("; worst {} s", tenths(worst)));
        }
        bar
    });
    let rows: Vec<Bar> = rows.collect();
    (!rows.is_empty()).then(|| page(chart, subtitle(comparison, &scenario.scenario, table), rows))
}

fn page(chart: &Chart, subtitle: String, rows: Vec<Bar>) -> Page {
    let end = |bar: &Bar| {
        let length = match bar.length {
            Length::Known(length) | Length::Open(length) => length,
            Length::None => 0.0,
        };
        bar.interval.map_or(length, |(_, high)| high.max(length))
    };
    let high = rows.iter().map(end).fold(0.0, f64::max);
    let x = Axis::from_zero(chart.label, high, 6, count);
    let heading = "red: ours; blue: as vendors ship it; green: as their documents tune it; orange: \
                   textbook; purple: the rest of the field";
    let panel = Panel::Bars(Bars { heading: heading.to_owned(), x, rows });
    Page { title: chart.title.to_owned(), subtitle, panels: vec![panel] }
}

fn bar(name: &str, colour: Colour, measured: &Measured, chart: &Chart) -> Bar {
    let unit = match chart.unit {
        "" => String::new(),
        "%" => " %".to_owned(),
        unit => format!(" {unit}"),
    };
    let show = |number: f64| digits(number * chart.scale);
    let (length, interval, text) = match measured {
        Measured::One(Quantity::Number(number)) => {
            (Length::Known(number.max(0.0) * chart.scale), None, format!("{}{unit}", show(*number)))
        }
        Measured::One(Quantity::Censored(at)) => (
            Length::Open(at.censored_at_s * chart.scale),
            None,
            format!("not within {}{unit}", show(at.censored_at_s)),
        ),
        Measured::One(Quantity::NotApplicable(why)) => (Length::None, None, why.n_a.clone()),
        Measured::Many(spread) => {
            let interval = spread.low.zip(spread.high).filter(|(low, high)| low < high);
            let shown = interval.map_or(String::new(), |(low, high)| {
                // No time is negative, whatever its interval says.
                let low = if chart.unit == "s" { low.max(0.0) } else { low };
                format!(" [{}, {}]", show(low), show(high))
            });
            let mut text = format!("{}{unit}{shown}", show(spread.mean));
            if spread.censored > 0 {
                text.push_str(&format!(", {} of {} not", spread.censored, spread.n));
            }
            let scaled = interval
                .map(|(low, high)| (low.max(0.0) * chart.scale, high.max(0.0) * chart.scale));
            let mean = spread.mean.max(0.0) * chart.scale;
            let length =
                if spread.censored == spread.n { Length::Open(mean) } else { Length::Known(mean) };
            (length, scaled, text)
        }
    };
    Bar { name: name.to_owned(), length, interval, text, colour }
}

/// Three significant digits at most.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

/// A colour a family.
fn colour(comparison: &Comparison, policy: &str) -> Colour {
    let entrant = comparison.policies.iter().find(|entrant| entrant.name == policy);
    match entrant.map(|entrant| entrant.family.as_str()) {
        Some("own") => VERMILLION,
        Some("vendor") => BLUE,
        Some("tuned") => GREEN,
        Some("classic") => ORANGE,
        Some("field") => PURPLE,
        _ => GREY,
    }
}

/// Good over offered through the first fault, a small plot a policy.
fn goodput(comparison: &Comparison, table: &Table, scenario: &ScenarioTable) -> Option<Page> {
    let bins = &scenario.bins_s;
    let (first, last) = (*bins.first()?, *bins.last()?);
    let half = (bins.get(1)? - first) / 2.0;
    let curve = |cell: &Cell, stroke: Stroke| {
        let values = bins.iter().zip(&cell.goodput).map(|(at, share)| (at + half, *share));
        line(&cell.policy, values, stroke)
    };
    let oracle = scenario.cells.iter().find(|cell| cell.policy == "oracle");
    let faint = Stroke { colour: GREY.lighter(0.4), width: 1.0, dashed: false };
    let plots = scenario.cells.iter().filter(|cell| cell.policy != "oracle").map(|cell| {
        let stroke =
            Stroke { colour: colour(comparison, &cell.policy), width: 1.75, dashed: false };
        Small { name: cell.policy.clone(), line: curve(cell, stroke) }
    });
    let end = last + 2.0 * half;
    let fault =
        scenario.fault_s.map(|to| Shade { name: String::new(), from: 0.0, to: to.min(end) });
    let panel = Panel::Small(SmallPlots {
        heading: "Good over offered requests by arrival; shaded: the fault; grey line: the oracle"
            .to_owned(),
        x: Axis::linear("seconds from the onset of the fault", first, end, 4, count).of("s"),
        y: Axis::linear("", 0.0, 1.0, 2, percent).of("%"),
        shades: fault.into_iter().collect(),
        behind: oracle.map(|cell| curve(cell, faint)),
        plots: plots.collect(),
    });
    Some(Page {
        title: "Goodput through the fault".to_owned(),
        subtitle: format!(
            "{}, {}: {}",
            scenario.scenario,
            layer(table),
            match comparison.replications {
                1 => "one replication".to_owned(),
                n => format!("all {n} replications together"),
            }
        ),
        panels: vec![panel],
    })
}
