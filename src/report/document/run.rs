//! What one run, or its replications, came to.

use std::path::Path;

use super::outline::{Block, Figure, Finding, Grid, Part, Section};
use super::source::Source;
use super::words::{MILLIS, NUMBER, PERCENT, SECONDS, basis, cell, code, one, short, value, with};
use crate::record::manifest::MANIFEST;
use crate::record::{FaultSummary, Measured, Quantity, StoredRun, Summary};
use crate::report::picture;

/// Faults with findings of their own; a run with drawn incidents can have hundreds.
const FAULTS_MOST: usize = 4;
/// Rows of a table of routes.
const ROUTES_MOST: usize = 200;

pub(super) fn part(source: &Source, run: &StoredRun) -> Part {
    let summary = &run.summary;
    let runs = match summary.replications {
        1 => "one replication".to_owned(),
        n => format!("{n} replications"),
    };
    let lead = format!(
        "Scenario `{}` under `{}`: {} s of virtual time, {runs} from seed {}, {} requests measured.",
        summary.scenario,
        summary.policy,
        summary.virtual_seconds,
        summary.seed,
        crate::report::figure::time::count(summary.requests.offered as f64)
    );
    let again = match source.manifest() {
        Some(manifest) => manifest.command.clone(),
        None => guess(summary),
    };
    // A run made before folders said what they were made from cannot be explained.
    let known = source.dir().join(MANIFEST).exists();
    let explain = known.then(|| explain(source.dir(), run, None));
    let mut blocks = figures(run, &again, explain.as_deref());
    let missing = run.series.is_empty();
    blocks.extend(faults(summary).map(Block::Grid));
    blocks.extend([service(summary), latency(summary)].map(Block::Grid));
    blocks.push(Block::Grid(routes(summary)));
    let section = Section {
        id: "run".to_owned(),
        title: "What happened".to_owned(),
        lead: if missing {
            "Only the summary of this run is here: without `series.csv`, `arrivals.csv` and `transitions.csv` \
             there are no figures over time. The command at the end makes them."
                .to_owned()
        } else {
            String::new()
        },
        blocks,
        inner: Vec::new(),
    };
    Part {
        title: format!("{} under {}", summary.scenario, summary.policy),
        lead,
        findings: findings(summary),
        sections: vec![section],
        warnings: summary.warnings.clone(),
        manifest: manifest(summary),
        again: vec![again],
    }
}

/// The command of a run whose folder does not say it.
fn guess(summary: &Summary) -> String {
    let policy = summary.policy.split(' ').next().unwrap_or_default();
    let many = match summary.replications {
        1 => String::new(),
        n => format!(" -R {n}"),
    };
    format!(
        "windtunnel run scenarios/{}.toml --policy {policy}{many} --seed {}",
        summary.scenario, summary.seed
    )
}

fn manifest(summary: &Summary) -> Vec<(String, String)> {
    [
        ("scenario", summary.scenario.clone()),
        ("policy", summary.policy.clone()),
        ("seed", summary.seed.to_string()),
        ("replications", summary.replications.to_string()),
        ("digest of all events", summary.digest.clone()),
        ("windtunnel", summary.tool_version.clone()),
        ("schema of the summary", summary.schema_version.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn findings(summary: &Summary) -> Vec<Finding> {
    let mut findings = Vec::new();
    let policy = code(summary.policy.split(' ').next().unwrap_or_default());
    for fault in summary.faults.iter().take(FAULTS_MOST) {
        findings.extend(
            [felt(fault), left(fault, &policy), back(fault, &policy)].into_iter().flatten(),
        );
    }
    let requests = &summary.requests;
    if requests.offered > 0 {
        let bad = requests.offered - requests.good;
        findings.push(Finding {
            sentence: format!("{} of all requests were good.", value(&summary.slo_attainment, PERCENT)),
            evidence: format!(
                "{} of {} were not: {} late, {} failed, {} shed, {} unfinished. {} attempts a request, {} of \
                 them refused with a 429; {} USD for 1,000 good requests; {}.",
                count(bad),
                count(requests.offered),
                count(requests.late),
                count(requests.failed),
                count(requests.shed),
                count(requests.unfinished),
                short(&summary.amplification, NUMBER),
                short(&summary.rate_limited_share, PERCENT),
                short(&summary.cost_per_good_usd, (1_000.0, "")),
                basis(&summary.slo_attainment)
            ),
            shown: Some("goodput".to_owned()),
        });
    }
    findings
}

fn count(of: u64) -> String {
    crate::report::figure::time::count(of as f64)
}

fn is_value(measured: &Measured) -> bool {
    !matches!(measured, Measured::One(Quantity::NotApplicable(_)))
}

fn never(measured: &Measured) -> bool {
    match measured {
        Measured::One(Quantity::Censored(_)) => true,
        Measured::Many(spread) => spread.n > 0 && spread.censored == spread.n,
        Measured::One(_) => false,
    }
}

/// What users felt.
fn felt(fault: &FaultSummary) -> Option<Finding> {
    let time = &fault.time_to_recover_user_s;
    let name = code(&fault.name);
    let sentence = match time {
        Measured::One(Quantity::NotApplicable(_)) => return None,
        _ if never(time) => {
            format!("Users were still served worse when the watch after {name} ended.")
        }
        _ if time.number() == Some(0.0) => {
            format!("Users felt nothing of {name}: no arrivals were served worse.")
        }
        _ => format!("Users felt {name} for {}.", value(time, SECONDS)),
    };
    let budget = match fault.budget_spent.number() {
        Some(spent) if spent > 0.0 => {
            format!("; it took {} of 30 days' error budget", short(&fault.budget_spent, PERCENT))
        }
        _ => String::new(),
    };
    let evidence = format!(
        "Good over offered by arrival, in windows of 5 s against 0.99 of its baseline{budget}; {}.",
        basis(time)
    );
    Some(Finding { sentence, evidence, shown: Some("goodput".to_owned()) })
}

/// How the traffic left.
fn left(fault: &FaultSummary, policy: &str) -> Option<Finding> {
    let time = &fault.time_to_detect_s;
    if !is_value(time) {
        return None;
    }
    let name = code(&fault.name);
    let sentence = if never(time) {
        format!("{policy} did not take half of its traffic out of {name} while it lasted.")
    } else {
        format!(
            "{policy} took half of its traffic out of {name} {} after the onset.",
            value(time, SECONDS)
        )
    };
    let evidence = format!(
        "Practically all of it: {}. {} of what blind routing would have sent went into the fault; {}.",
        value(&fault.time_to_drain_s, SECONDS),
        value(&fault.leak_ratio, PERCENT),
        basis(time)
    );
    Some(Finding { sentence, evidence, shown: Some("share".to_owned()) })
}

/// How it came back.
fn back(fault: &FaultSummary, policy: &str) -> Option<Finding> {
    let time = &fault.time_to_recover_share_s;
    if !is_value(time) {
        return None;
    }
    let name = code(&fault.name);
    let sentence = if never(time) {
        format!("The traffic had not come back when the watch after {name} ended under {policy}.")
    } else {
        format!(
            "{policy} is back at 90 % of the share that {name} had taken away {} after its end.",
            value(time, SECONDS)
        )
    };
    let evidence = format!(
        "Settled within 5 %: {}. Greatest overshoot {}, {} turns of the share, {} relapses within a minute; {}.",
        value(&fault.settling_s, SECONDS),
        short(&fault.overshoot, PERCENT),
        short(&fault.reversals, NUMBER),
        short(&fault.flaps, NUMBER),
        basis(time)
    );
    Some(Finding { sentence, evidence, shown: Some("recovery".to_owned()) })
}

/// What to see in each figure of a run.
fn caption(name: &str) -> &'static str {
    match name {
        "share" => {
            "Solid: what each got of the first attempts. Dashed: what the policy meant to send. Shaded: the fault."
        }
        "weights" => {
            "The policy's own view: weights, and the health states that it gave its routes."
        }
        "parts" => {
            "What lowers a weight: the penalties of the score, each before it is weighted, stacked; dashed: the momentum bonus."
        }
        "goodput" => {
            "By the second in which requests arrived, so that a timeout does not hide the dip."
        }
        "latency" => "Quantiles of requests that were done, by the second of their arrival.",
        "recovery" => {
            "Times from the onset, and from the end. An arrow: not reached while watched."
        }
        _ => "",
    }
}

/// The command that explains a request of a run, at first one soon after the onset of its first fault; who
/// picks a point of a figure puts that time in its place.
pub(super) fn explain(dir: &Path, run: &StoredRun, replication: Option<u32>) -> String {
    let onset = run.summary.faults.iter().map(|fault| fault.start_s).fold(f64::INFINITY, f64::min);
    let at = if onset.is_finite() { onset + 1.0 } else { run.summary.virtual_seconds / 2.0 };
    let which = replication.map_or(String::new(), |j| format!(" --replication {j}"));
    format!("windtunnel explain {}{which} --at {at:.1}", dir.display())
}

/// The figures of a run with the commands behind them.
pub(super) fn figures(run: &StoredRun, again: &str, explain: Option<&str>) -> Vec<Block> {
    let commands = vec![("the run".to_owned(), again.to_owned())];
    let over_time = |name: &str| name != "recovery";
    let figure = |(name, page): (&str, crate::report::page::Page)| {
        let mut commands = commands.clone();
        commands.extend(
            explain
                .filter(|_| over_time(name))
                .map(|line| ("a request of that moment".to_owned(), line.to_owned())),
        );
        Block::Figure(Figure {
            id: name.to_owned(),
            page,
            caption: caption(name).to_owned(),
            commands,
        })
    };
    picture::pages(run).into_iter().map(figure).collect()
}

type Effect = (&'static str, fn(&FaultSummary) -> &Measured, super::words::In);

const EFFECTS: [Effect; 13] = [
    ("users are served again, from onset", |fault| &fault.time_to_recover_user_s, SECONDS),
    ("traffic has halved, from onset", |fault| &fault.time_to_detect_s, SECONDS),
    ("traffic has gone, from onset", |fault| &fault.time_to_drain_s, SECONDS),
    ("health states say so, from onset", |fault| &fault.time_to_state_s, SECONDS),
    ("weights have fallen, from onset", |fault| &fault.time_to_weight_s, SECONDS),
    ("traffic is back at 90 %, from the end", |fault| &fault.time_to_recover_share_s, SECONDS),
    ("traffic has settled, from the end", |fault| &fault.settling_s, SECONDS),
    ("leaked, of blind routing", |fault| &fault.leak_ratio, PERCENT),
    ("overshoot", |fault| &fault.overshoot, PERCENT),
    ("turns of the share", |fault| &fault.reversals, NUMBER),
    ("each swing over the one before", |fault| &fault.damping, NUMBER),
    ("failed again within a minute", |fault| &fault.flaps, NUMBER),
    ("of 30 days' error budget", |fault| &fault.budget_spent, PERCENT),
];

/// Faults side by side, a few to a table.
fn faults(summary: &Summary) -> impl Iterator<Item = Grid> {
    let beside =
        |(i, faults): (usize, &[FaultSummary])| {
            let mut header = vec!["from its onset or its end until".to_owned()];
            header.extend(faults.iter().map(|fault| {
                format!("{} ({:.1}–{:.1} s)", fault.name, fault.start_s, fault.end_s)
            }));
            let row = |(name, of, unit): &Effect| {
                let mut row = vec![(*name).to_owned()];
                row.extend(faults.iter().map(|fault| cell(of(fault), *unit)));
                row
            };
            let id = if i == 0 { "faults".to_owned() } else { format!("faults-{}", i + 1) };
            Grid {
            id,
            title: "What each fault did".to_owned(),
            note:
                "–: has no meaning here; >: not reached while watched; ≥: not in every replication."
                    .to_owned(),
            header,
            texts: 1,
            rows: EFFECTS.iter().map(row).collect(),
        }
        };
    summary.faults.chunks(FAULTS_MOST).take(3).enumerate().map(beside)
}

fn service(summary: &Summary) -> Grid {
    let row = |name: &str, measured: &Measured, unit| vec![name.to_owned(), cell(measured, unit)];
    Grid {
        id: "service".to_owned(),
        title: "Service and cost".to_owned(),
        note: String::new(),
        header: ["quantity", "value"].map(str::to_owned).to_vec(),
        texts: 1,
        rows: vec![
            row("good requests", &summary.slo_attainment, PERCENT),
            row("good requests per second", &summary.goodput_rps, (1.0, "/s")),
            row("output tokens of good requests", &summary.goodput_tokens_per_s, (1.0, "/s")),
            row("attempts per request", &summary.amplification, NUMBER),
            row("attempts refused with a 429", &summary.rate_limited_share, PERCENT),
            row("output tokens wasted", &summary.wasted_tokens_share, PERCENT),
            row("refused although a limit had room", &summary.wasted_capacity, PERCENT),
            row("attempts made to learn", &summary.exploration, PERCENT),
            row("requests lost to learning", &summary.exploration_cost, PERCENT),
            row("burn rate of the worst 5 minutes", &summary.burn_rate, (1.0, "×")),
            row("cost per 1,000 good requests", &summary.cost_per_good_usd, (1_000.0, "USD")),
            row("Jain's fairness of healthy routes", &summary.jain, NUMBER),
            row(
                "changes of health per route and hour",
                &summary.transitions_per_route_hour,
                NUMBER,
            ),
            row("false alarms per route and hour", &summary.false_alarms_per_route_hour, NUMBER),
        ],
    }
}

fn latency(summary: &Summary) -> Grid {
    let row = |name: &str, of: &crate::record::Quantiles| {
        let mut row = vec![name.to_owned()];
        row.extend([&of.p50, &of.p90, &of.p99, &of.p999].map(|quantile| cell(quantile, MILLIS)));
        row
    };
    Grid {
        id: "latencies".to_owned(),
        title: "Latency from intended arrival".to_owned(),
        note: String::new(),
        header: ["of", "p50", "p90", "p99", "p99.9"].map(str::to_owned).to_vec(),
        texts: 1,
        rows: vec![
            row("first token, streamed requests that were done", &summary.ttft_ms),
            row("whole answer, requests that were done", &summary.latency_ms),
            row("all requests, failed ones at their deadline", &summary.latency_all_ms),
        ],
    }
}

fn routes(summary: &Summary) -> Grid {
    let header =
        ["route", "share", "first attempts", "attempts", "failed", "429s", "changes of health"];
    let rows = summary.routes.iter().take(ROUTES_MOST).map(|route| {
        let counts =
            [route.first, route.attempts, route.failed, route.rate_limited, route.transitions];
        let share = match &route.share {
            Quantity::Number(share) => with(*share, PERCENT),
            other => one(other, PERCENT),
        };
        [route.id.clone(), share].into_iter().chain(counts.map(count)).collect()
    });
    let note = match summary.routes.len() {
        n if n > ROUTES_MOST => {
            format!("The first {ROUTES_MOST} of {n}; all are in `summary.json`.")
        }
        _ => String::new(),
    };
    Grid {
        id: "routes".to_owned(),
        title: "Routes".to_owned(),
        note,
        header: header.map(str::to_owned).to_vec(),
        texts: 1,
        rows: rows.collect(),
    }
}
