//! What a comparison found, in sentences.

use super::outline::Finding;
use super::words::{In, MILLIS, NUMBER, PERCENT, SECONDS, basis, code, list, short, three, value};
use crate::record::comparison::{Cell, Comparison, ScenarioTable, Table};
use crate::record::{Measured, Quantity};

/// The most important first: over all scenarios, or of the one there is.
pub(super) fn findings(comparison: &Comparison) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(table) = comparison.tables.first() else { return findings };
    if table.scenarios.len() > 1 {
        for table in &comparison.tables {
            findings.extend(leader(table));
        }
        findings.extend(unbeaten(table));
        findings.extend(worst(table));
    } else if let Some(scenario) = table.scenarios.first() {
        let n = comparison.replications;
        findings.extend(times(scenario, &RETURN, n));
        findings.extend(times(scenario, &USERS, n));
        findings.extend(least(scenario, n));
        findings.extend(times(scenario, &LEAK, n));
        findings.extend(times(scenario, &LATENCY, n));
        findings.extend(bound(scenario));
    }
    findings
}

/// Who regrets least over all scenarios.
fn leader(table: &Table) -> Option<Finding> {
    let best = table.standings.first()?;
    let tied: Vec<String> = table.standings[1..]
        .iter()
        .filter(|other| crate::stats::share_a_letter(&best.letters, &other.letters))
        .map(|other| code(&other.policy))
        .collect();
    let next = table.standings.get(1)?;
    let how = if table.layer == "rule" {
        "With one common retry layer around every rule"
    } else {
        "As shipped"
    };
    let apart = match tied.len() {
        0 => "It can be told apart from all others".to_owned(),
        _ => format!("It cannot be told apart from {}", list(&tied)),
    };
    Some(Finding {
        sentence: format!(
            "{how}, {} loses least to the oracle: {} of offered requests; next is {} with {}.",
            code(&best.policy),
            value(&best.regret, PERCENT),
            code(&next.policy),
            value(&next.regret, PERCENT)
        ),
        evidence: format!(
            "Mean regret over {} scenarios, {}. {apart} (family-wise error 5 %). Its worst is {} % in `{}`.",
            table.scenarios.len(),
            basis(&best.regret),
            three(best.regret_worst * 100.0),
            best.regret_worst_in
        ),
        shown: Some(format!("regret-{}", table.layer)),
    })
}

/// In how many scenarios nobody was better.
fn unbeaten(table: &Table) -> Option<Finding> {
    let most = table.standings.iter().max_by_key(|standing| standing.unbeaten)?;
    let others: Vec<String> = table
        .standings
        .iter()
        .filter(|standing| standing.policy != most.policy)
        .take(4)
        .map(|standing| format!("{} in {}", code(&standing.policy), standing.unbeaten))
        .collect();
    Some(Finding {
        sentence: format!(
            "In {} of {} scenarios no policy was significantly better than {}.",
            most.unbeaten,
            table.scenarios.len(),
            code(&most.policy)
        ),
        evidence: format!(
            "{} (of the four that regret least; goodput, Holm over all pairs of a scenario).",
            list(&others)
        ),
        shown: Some(format!("standings-{}", table.layer)),
    })
}

/// Where even the best policies do badly.
fn worst(table: &Table) -> Option<Finding> {
    let best = table.standings.first()?;
    let regret = |scenario: &ScenarioTable| {
        let cell = scenario.cells.iter().find(|cell| cell.policy == best.policy)?;
        cell.metrics.get("regret")?.number()
    };
    let mut hard: Vec<(&ScenarioTable, f64)> =
        table.scenarios.iter().filter_map(|scenario| Some((scenario, regret(scenario)?))).collect();
    hard.sort_by(|a, b| b.1.total_cmp(&a.1));
    let named: Vec<String> = hard
        .iter()
        .take(3)
        .map(|(scenario, regret)| format!("`{}` ({} %)", scenario.scenario, three(regret * 100.0)))
        .collect();
    Some(Finding {
        sentence: format!(
            "{} is furthest from the oracle in {}.",
            code(&best.policy),
            list(&named)
        ),
        evidence: "Regret as shipped, of offered requests, mean over replications.".to_owned(),
        shown: Some("scenarios".to_owned()),
    })
}

/// A metric that a finding lists by policy.
struct Listed {
    metric: &'static str,
    unit: In,
    /// Before the first value, with `{}` for the policy.
    first: &'static str,
    /// Behind the first value.
    behind: &'static str,
    /// For those at 0, with `{}` for their list.
    none: &'static str,
    what: &'static str,
    shown: &'static str,
}

const RETURN: Listed = Listed {
    metric: "time_to_recover_share",
    unit: SECONDS,
    first: "{} is back at 90 % of its share",
    behind: " after the fault",
    none: "Under {} the traffic had never left, or was back at once",
    what: "From the end of the fault until the faulted routes have 90 % of their share before it",
    shown: "return",
};

const USERS: Listed = Listed {
    metric: "time_to_recover_user",
    unit: SECONDS,
    first: "Users of {} feel the fault for",
    behind: "",
    none: "Users of {} feel nothing of it",
    what: "From the onset until the last window of arrivals that was served worse",
    shown: "recovery",
};

const LEAK: Listed = Listed {
    metric: "leak_ratio",
    unit: PERCENT,
    first: "{} sends into the fault",
    behind: " of what blind routing would",
    none: "Nothing goes into the fault under {}",
    what: "First attempts to the faulted routes while the fault lasted",
    shown: "leak",
};

const LATENCY: Listed = Listed {
    metric: "latency_all_p99",
    unit: MILLIS,
    first: "Under {} 99 % of all requests end within",
    behind: ", failed ones counted at their deadline",
    none: "",
    what: "p99 of min(latency, deadline) from intended arrival",
    shown: "latency",
};

/// The policies that are shown, or else the best four.
fn named(scenario: &ScenarioTable) -> Vec<&Cell> {
    let cell = |policy: &str| scenario.cells.iter().find(|cell| cell.policy == policy);
    match &scenario.shown {
        Some(shown) => shown.policies.iter().filter_map(|policy| cell(&policy.policy)).collect(),
        None => scenario.cells.iter().filter(|cell| cell.policy != "oracle").take(4).collect(),
    }
}

fn times(scenario: &ScenarioTable, listed: &Listed, replications: u32) -> Option<Finding> {
    let number = |cell: &Cell| cell.metrics.get(listed.metric).and_then(Measured::number);
    let has = |cell: &&Cell| {
        let measured = cell.metrics.get(listed.metric);
        measured.is_some_and(|m| !matches!(m, Measured::One(Quantity::NotApplicable(_))))
    };
    let cells: Vec<&Cell> = named(scenario).into_iter().filter(has).collect();
    let measured = |cell: &Cell| value(&cell.metrics[listed.metric], listed.unit);
    // Those that are at 0 share a sentence; the others have their values one by one.
    let (none, some): (Vec<&Cell>, Vec<&Cell>) =
        cells.iter().partition(|cell| number(cell) == Some(0.0));
    let names = |cells: &[&Cell]| cells.iter().map(|cell| code(&cell.policy)).collect::<Vec<_>>();
    let (never, some): (Vec<&Cell>, Vec<&Cell>) =
        some.iter().partition(|cell| is_never(&cell.metrics[listed.metric]));
    let mut sentence = String::new();
    if let Some((first, rest)) = some.split_first() {
        let head = listed.first.replace("{}", &code(&first.policy));
        sentence.push_str(&format!("{head} {}{}", measured(first), listed.behind));
        for cell in rest {
            sentence.push_str(&format!("; {} {}", code(&cell.policy), measured(cell)));
        }
        sentence.push('.');
    }
    if let Some(first) = never.first() {
        let blank = if sentence.is_empty() { "" } else { " " };
        let names = list(&names(&never));
        let what = listed.what.to_lowercase();
        sentence.push_str(&format!("{blank}Under {names}, {what}: {}.", measured(first)));
    }
    if !none.is_empty() {
        let blank = if sentence.is_empty() { "" } else { " " };
        sentence.push_str(&format!("{blank}{}.", listed.none.replace("{}", &list(&names(&none)))));
    }
    // The greatest of all gives the measure.
    let greatest = scenario.cells.iter().filter(has).max_by(|a, b| {
        let of = |cell: &Cell| number(cell).unwrap_or(0.0);
        of(a).total_cmp(&of(b))
    });
    let named_already = |cell: &&Cell| cells.iter().any(|known| known.policy == cell.policy);
    if let Some(cell) = greatest.filter(|cell| !named_already(cell) && number(cell) > Some(0.0)) {
        sentence.push_str(&format!(" The most of all: {} {}.", code(&cell.policy), measured(cell)));
    }
    let first = cells.first()?;
    let worst: Vec<String> = cells.iter().filter_map(|cell| ratio(cell, listed)).collect();
    let worst = match worst.is_empty() || replications < 2 {
        true => String::new(),
        false => format!(" Worst phase over the mean: {}.", worst.join(", ")),
    };
    let evidence = format!("{}; {}.{worst}", listed.what, basis(&first.metrics[listed.metric]));
    Some(Finding { sentence, evidence, shown: Some(listed.shown.to_owned()) })
}

/// Whether a time was reached in no replication.
fn is_never(measured: &Measured) -> bool {
    match measured {
        Measured::One(Quantity::Censored(_)) => true,
        Measured::Many(spread) => spread.censored == spread.n,
        Measured::One(_) => false,
    }
}

/// `windtunnel 3.1×`: the worst replication over the mean.
fn ratio(cell: &Cell, listed: &Listed) -> Option<String> {
    let mean = cell.metrics.get(listed.metric)?.number().filter(|mean| *mean > 0.0)?;
    let (worst, sign) = match &cell.worst.get(listed.metric)?.value {
        Quantity::Number(worst) => (*worst, ""),
        Quantity::Censored(at) => (at.censored_at_s, "> "),
        Quantity::NotApplicable(_) => return None,
    };
    Some(format!("{} {sign}{}×", code(&cell.policy), three(worst / mean)))
}

/// Who loses least in this scenario.
fn least(scenario: &ScenarioTable, replications: u32) -> Option<Finding> {
    let ranked: Vec<&Cell> = scenario.cells.iter().filter(|cell| cell.policy != "oracle").collect();
    let best = ranked.first()?;
    let (good, regret) = (best.metrics.get("slo_attainment")?, best.metrics.get("regret"));
    let tied: Vec<String> = ranked[1..]
        .iter()
        .filter(|other| crate::stats::share_a_letter(&best.letters, &other.letters))
        .map(|other| code(&other.policy))
        .collect();
    let last = ranked.last()?;
    let apart = match (replications, tied.len()) {
        (1, _) => "One replication tells nothing apart".to_owned(),
        (_, 0) => "It can be told apart from all others".to_owned(),
        (_, n) if n > 6 => format!("It cannot be told apart from {n} others"),
        _ => format!("It cannot be told apart from {}", list(&tied)),
    };
    let lost = regret.map_or(String::new(), |regret| {
        format!(" Regret against the oracle: {}.", value(regret, PERCENT))
    });
    Some(Finding {
        sentence: format!(
            "{} makes most requests good: {}; {} fewest: {}.",
            code(&best.policy),
            value(good, PERCENT),
            code(&last.policy),
            last.metrics.get("slo_attainment").map_or("–".to_owned(), |m| value(m, PERCENT))
        ),
        evidence: format!(
            "Good: the whole answer within its deadline; {}. {apart} (family-wise error 5 %).{lost} Attempts a \
             request: {}.",
            basis(good),
            best.metrics.get("amplification").map_or("–".to_owned(), |m| short(m, NUMBER))
        ),
        shown: Some("regret".to_owned()),
    })
}

fn bound(scenario: &ScenarioTable) -> Option<Finding> {
    // Where all could be made good there is nothing to say.
    let bound = scenario.bound.filter(|bound| *bound < 0.9995)?;
    Some(Finding {
        sentence: format!("No way to route could have made more than {} % of requests good.", three(bound * 100.0)),
        evidence: "Each request under its own luck, without load and limits, capped by the tokens that all limits admit."
            .to_owned(),
        shown: None,
    })
}
