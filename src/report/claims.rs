//! The scorecard of vendors' claims, for the terminal and as a Markdown page.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::terminal::{three, wrap};
use crate::record::Quantity;
use crate::record::claims::{ClaimResult, Evidence, Scorecard, TestFacts, Verdict};

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;

/// What `claims` prints: a row a figure, and the count of verdicts. Ends with a line end.
pub fn text(scorecard: &Scorecard) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["claim", "measured", "bound", "verdict"]);
    for claim in &scorecard.claims {
        table.add_row([
            claim.claim.clone(),
            joined(claim, "\n", measured),
            joined(claim, "\n", bound),
            claim.verdict.name().to_owned(),
        ]);
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    for line in wrap(&counts(scorecard)).iter().chain(&wrap(LEGEND)) {
        text.push_str(line);
        text.push('\n');
    }
    text
}

const LEGEND: &str = "Claims are tested on windtunnel's models of the published rules, not on the products. \
                      Intervals are 95 %; * marks a bound within one, where another seed may tell otherwise.";

fn counts(scorecard: &Scorecard) -> String {
    let count = |verdict| scorecard.count(verdict);
    let contradicted = count(Verdict::Contradicted);
    format!(
        "{} claims: {} hold, {} fail ({contradicted} of them by the vendor's own documents), {} cannot be \
         tested.",
        scorecard.claims.len(),
        count(Verdict::Holds),
        count(Verdict::Fails) + contradicted,
        count(Verdict::Untestable),
    )
}

/// The figures of a claim, one after the other.
pub fn figures(claim: &ClaimResult) -> String {
    joined(claim, "; ", measured)
}

/// The bounds of its figures, in the same order.
pub fn bounds(claim: &ClaimResult) -> String {
    joined(claim, "; ", bound)
}

fn joined(claim: &ClaimResult, with: &str, show: fn(&Evidence) -> String) -> String {
    let all: Vec<String> = claim.evidence.iter().map(show).collect();
    if all.is_empty() { "–".to_owned() } else { all.join(with) }
}

/// `time_to_state p95 7.2 s (6–8)`, and how many replications did not reach it.
pub(super) fn measured(figure: &Evidence) -> String {
    let subject = match &figure.fault {
        Some(fault) => format!("{} of {fault}", figure.metric),
        None => figure.metric.clone(),
    };
    let value = match &figure.value {
        Quantity::Number(value) => with_unit(*value, &figure.unit),
        Quantity::Censored(at) => format!("> {}", with_unit(at.censored_at_s, &figure.unit)),
        Quantity::NotApplicable(not) => format!("n/a: {}", not.n_a),
    };
    let ends = figure.low.zip(figure.high).map(|(low, high)| (three(low), three(high)));
    let interval = match ends {
        Some((low, high)) if low != high => format!(" ({low}–{high})"),
        _ => String::new(),
    };
    let mut text = format!("{subject} {} {value}{interval}", figure.stat);
    if figure.censored > 0 {
        text.push_str(&format!(", {} of {} not reached", figure.censored, figure.n));
    }
    if figure.n_a > 0 && figure.n > 0 {
        text.push_str(&format!(", {} n/a", figure.n_a));
    }
    if figure.close {
        text.push_str(" *");
    }
    text
}

pub(super) fn bound(figure: &Evidence) -> String {
    let value = |value: f64| with_unit(value, &figure.unit);
    match (figure.min, figure.max) {
        (Some(min), Some(max)) if min == max => format!("= {}", value(min)),
        (Some(min), Some(max)) => format!("{} to {}", three(min), value(max)),
        (Some(min), None) => format!("≥ {}", value(min)),
        (None, Some(max)) => format!("≤ {}", value(max)),
        (None, None) => String::new(),
    }
}

pub(super) fn with_unit(value: f64, unit: &str) -> String {
    if unit.is_empty() { three(value) } else { format!("{} {unit}", three(value)) }
}

/// The whole scorecard as a Markdown page.
pub fn markdown(scorecard: &Scorecard) -> String {
    let mut page = format!(
        "# Vendors' claims\n\n{} {LEGEND} Made by `windtunnel claims` {}, seed {}. Figures of the real clock \
         (`decision_time`) differ from machine to machine; all others are the same bytes everywhere.\n\n\
         | system | claim | measured | bound | verdict |\n|---|---|---|---|---|\n",
        counts(scorecard),
        scorecard.tool_version,
        scorecard.seed
    );
    for claim in &scorecard.claims {
        let found = match &claim.test {
            TestFacts::Documents { .. } => "documents".to_owned(),
            TestFacts::Scenario { .. } | TestFacts::Overhead { .. } => {
                joined(claim, "<br>", measured)
            }
        };
        let row = [
            claim.system.clone(),
            format!("{} ({}; [details](#{}))", claim.says, claim.source, claim.claim),
            found,
            joined(claim, "<br>", bound),
            format!("**{}**", claim.verdict.name()),
        ];
        page.push_str(&format!("| {} |\n", row.map(|cell| escaped(&cell)).join(" | ")));
    }
    for claim in &scorecard.claims {
        page.push_str(&details(claim));
    }
    page
}

fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|")
}

fn details(claim: &ClaimResult) -> String {
    let how = match &claim.test {
        TestFacts::Scenario { policy, file, sets, replications, digest } => {
            let changed: Vec<_> = sets.iter().map(|set| format!("`{set}`")).collect();
            let changed = match changed.is_empty() {
                true => String::new(),
                false => format!(" with {}", changed.join(", ")),
            };
            format!(
                "`{file}`{changed} under `{policy}`, {replications} replications, digest `{digest}`"
            )
        }
        TestFacts::Overhead { policy, routes, passes, decisions, warnings } => {
            let warnings: String =
                warnings.iter().map(|text| format!(". Warning: {text}")).collect();
            format!(
                "the engine of `{policy}` on the real clock, {routes} routes, {passes} passes of {decisions} \
                 decisions{warnings}"
            )
        }
        TestFacts::Documents { says, source } => format!("{says} ({source})"),
    };
    let mut text = format!(
        "\n## {}\n\n{}: {}\n\n- source: {}\n- test: {how}\n",
        claim.claim, claim.system, claim.says, claim.source
    );
    for figure in &claim.evidence {
        text.push_str(&format!(
            "- {}; expected {}: **{}**\n",
            measured(figure),
            bound(figure),
            figure.verdict.name()
        ));
    }
    if let Some(note) = &claim.note {
        text.push_str(&format!("- beware: {note}\n"));
    }
    text.push_str(&format!("- verdict: **{}**\n", claim.verdict.name()));
    text
}
