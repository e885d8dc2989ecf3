//! How long each fault hurt: the times of the recovery metrics, with intervals where they are
//! estimates.

use super::time::{count, page, tenths};
use crate::record::{FaultSummary, Measured, Quantity, Spread, StoredRun};
use crate::report::page::{Axis, Bar, Bars, Length, Page, Panel};
use crate::report::palette::{BLUE, Colour, GREEN, INK, ORANGE, PURPLE, SKY, VERMILLION};

/// Up to so many faults have their bars; a run with drawn incidents can have hundreds.
const FAULTS_MOST: usize = 8;

/// The figure; `None` without a fault.
pub fn recovery(run: &StoredRun) -> Option<Page> {
    let faults = &run.summary.faults;
    if faults.is_empty() {
        return None;
    }
    let shown = &faults[..faults.len().min(FAULTS_MOST)];
    let mut high = 0.0f64;
    for (_, _, measured) in shown.iter().flat_map(times) {
        high = high.max(end(measured));
    }
    let last = shown.len() - 1;
    let panels = shown.iter().enumerate().map(|(i, fault)| {
        let label = if i == last { "seconds" } else { "" };
        let rows = times(fault).into_iter().map(|(name, colour, value)| bar(name, colour, value));
        let mut rows: Vec<Bar> = rows.collect();
        if rows[0].length == Length::Known(0.0) {
            rows[0].text = "0 s: no arrivals were served worse".to_owned();
        }
        Panel::Bars(Bars {
            heading: heading(fault),
            x: Axis::from_zero(label, high, 6, count),
            rows,
        })
    });
    let mut page = page(run, "How long it hurt", panels.collect());
    if run.summary.replications > 1 {
        let replications = run.summary.replications;
        page.subtitle = format!(
            "{} under {}: mean of {replications} replications with its 95 % interval",
            run.summary.scenario, run.summary.policy
        );
    }
    if faults.len() > FAULTS_MOST {
        page.subtitle.push_str(&format!("; the first {FAULTS_MOST} of {} faults", faults.len()));
    }
    Some(page)
}

fn heading(fault: &FaultSummary) -> String {
    format!("{} ({} s to {} s)", fault.name, tenths(fault.start_s), tenths(fault.end_s))
}

fn times(fault: &FaultSummary) -> [(&'static str, Colour, &Measured); 7] {
    [
        ("users are served again, from onset", VERMILLION, &fault.time_to_recover_user_s),
        ("its weights have fallen, from onset", INK, &fault.time_to_weight_s),
        ("its health states say so, from onset", SKY, &fault.time_to_state_s),
        ("traffic has halved, from onset", BLUE, &fault.time_to_detect_s),
        ("traffic has gone, from onset", GREEN, &fault.time_to_drain_s),
        ("traffic is back, from the end", PURPLE, &fault.time_to_recover_share_s),
        ("traffic has settled, from the end", ORANGE, &fault.settling_s),
    ]
}

/// How far to the right a value reaches.
fn end(measured: &Measured) -> f64 {
    match measured {
        Measured::One(Quantity::Number(number)) => *number,
        Measured::One(Quantity::Censored(censored)) => censored.censored_at_s,
        Measured::One(Quantity::NotApplicable(_)) => 0.0,
        Measured::Many(spread) => spread.high.unwrap_or(spread.mean).max(spread.mean),
    }
}

fn bar(name: &str, colour: Colour, measured: &Measured) -> Bar {
    let (length, interval, text) = match measured {
        Measured::One(Quantity::Number(number)) => {
            (Length::Known(*number), None, format!("{} s", tenths(*number)))
        }
        Measured::One(Quantity::Censored(censored)) => {
            let at = censored.censored_at_s;
            (Length::Open(at), None, format!("not within {} s", tenths(at)))
        }
        Measured::One(Quantity::NotApplicable(reason)) => {
            (Length::None, None, format!("n/a: {}", reason.n_a))
        }
        Measured::Many(spread) => many(spread),
    };
    Bar { name: name.to_owned(), length, interval, text, colour }
}

fn many(spread: &Spread) -> (Length, Option<(f64, f64)>, String) {
    let mean = tenths(spread.mean);
    let not_applicable =
        if spread.n_a > 0 { format!(", {} n/a", spread.n_a) } else { String::new() };
    if spread.censored == spread.n {
        let text = format!("not within {mean} s in any of {}{not_applicable}", spread.n);
        return (Length::Open(spread.mean), None, text);
    }
    let interval = spread.low.zip(spread.high).filter(|(low, high)| low < high);
    let mut text = match interval {
        Some((low, high)) => format!("{mean} s [{}, {}]", tenths(low), tenths(high)),
        None => format!("{mean} s"),
    };
    if spread.censored > 0 {
        text.push_str(&format!(", {} of {} not reached", spread.censored, spread.n));
    }
    text.push_str(&not_applicable);
    let interval = interval.map(|(low, high)| (low.max(0.0), high));
    (Length::Known(spread.mean), interval, text)
}
