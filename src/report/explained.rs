//! A request explained, as plain text of at most 80 columns.

use crate::record::decision::{Decision, FlipRow, RouteRow};
use crate::record::explained::{ChangeRow, Explained, Parting, Replayed, Shown, Step};

use super::figure::time::count;

/// Routes shown of a decision; all of them are in the JSON.
const ROUTES: usize = 14;
/// Changes of health shown.
const CHANGES: usize = 16;

/// What `explain` prints. Ends with a line end.
pub fn text(told: &Explained) -> String {
    let mut out = head(told);
    for (at, step) in told.steps.iter().enumerate() {
        out.push('\n');
        out += &step_text(at + 1, step);
    }
    if let (Some(result), Some(took)) = (&told.result, told.took_s) {
        out += &format!("\nresult: {result}, {} after it arrived\n", span(took));
    }
    out += &causes(told);
    out
}

/// Where two policies part.
pub fn parting(parting: &Parting, policies: [&str; 2]) -> String {
    let share = parting.differ as f64 / parting.requests.max(1) as f64 * 100.0;
    let mut out = format!(
        "{} of {} requests ({share:.1} %) are first sent elsewhere\nby {} than by {}\n",
        count(parting.differ as f64),
        count(parting.requests as f64),
        policies[1],
        policies[0],
    );
    let shares: Vec<f64> =
        parting.over_time.iter().map(|[_, all, differ]| differ / all.max(1.0)).collect();
    if let (Some(first), Some(last)) = (parting.over_time.first(), parting.over_time.last()) {
        out += &format!("{:>5} s {} {} s\n", first[0], bars(&shares), last[0]);
    }
    match parting.first {
        None => out += "they never part\n",
        Some(number) => {
            out += &format!("they part at request {}\n", count(number as f64));
            for told in &parting.explained {
                out += &format!("\n{}\n{}", "─".repeat(72), text(told));
            }
        }
    }
    out
}

/// What `replay` prints.
pub fn replayed(told: &Replayed) -> String {
    let decisions = count(told.decisions as f64);
    let mut out = String::new();
    if told.counterfactual {
        out += &format!("COUNTERFACTUAL: {} over what was recorded.\n", told.thresholds.join(", "));
        out += "It tells what would have been chosen, not what would have come of it.\n";
    }
    out += &match (told.differ, told.counterfactual) {
        (0, false) => {
            format!("{decisions} decisions over {}: all as recorded\n", span(told.seconds))
        }
        (n, false) => {
            format!("{} of {decisions} decisions DIFFER from the record\n", count(n as f64))
        }
        (n, true) => {
            let share = n as f64 / told.decisions.max(1) as f64 * 100.0;
            let n = count(n as f64);
            format!("{n} of {decisions} decisions ({share:.1} %) would have gone elsewhere\n")
        }
    };
    if let Some(first) = &told.first {
        let route = |name: &Option<String>| name.clone().unwrap_or_else(|| "no route".to_owned());
        out += &format!(
            "the first is decision {} at {}: {} recorded, {} now\n",
            count(first.number as f64),
            at(first.at_s),
            route(&first.recorded),
            route(&first.now)
        );
    }
    if told.cut_off {
        out += "the record ends within a call: whoever wrote it was cut off\n";
    }
    let skipped = told.changes.len().saturating_sub(CHANGES);
    if !told.changes.is_empty() {
        let of = if told.counterfactual { "as they would have been" } else { "as they were" };
        out += &format!("\nchanges of health, {of}\n");
    }
    if skipped > 0 {
        out += &format!("   {skipped} earlier changes (--format json has all)\n");
    }
    out + &changes_text(&told.changes[skipped..])
}

/// A share over time in eight steps of height.
fn bars(shares: &[f64]) -> String {
    const STEPS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    shares.iter().map(|share| STEPS[(share * 8.0).ceil().clamp(0.0, 8.0) as usize]).collect()
}

fn head(told: &Explained) -> String {
    let request = &told.request;
    let replication = match told.replication {
        0 => String::new(),
        n => format!(", replication {n}"),
    };
    let mut out = format!(
        "request {} of {}\nunder {}, seed {}{replication}\n",
        count(request.number as f64),
        told.scenario,
        told.policy,
        told.seed,
    );
    if told.counterfactual {
        out += "COUNTERFACTUAL: other thresholds on what was recorded. It tells what would have been\n\
                chosen, not what would have come of it.\n";
    }
    out += &format!(
        "arrived at {} for {}: {} prompt tokens, at most {} output",
        at(request.at_s),
        request.model,
        request.prompt_tokens,
        request.max_tokens
    );
    if let Some(output) = request.output_tokens {
        out += &format!(" ({output})");
    }
    out += match request.streamed {
        Some(true) => ", streamed",
        Some(false) => ", not streamed",
        None => "",
    };
    out.push('\n');
    if let Some(deadline) = request.deadline_s {
        out += &format!("good if answered within {}\n", span(deadline));
    }
    for fault in &told.faults {
        let routes = match fault.routes.as_slice() {
            [route] => route.clone(),
            several => format!("{} routes ({}, …)", several.len(), several[0]),
        };
        out += &format!("fault on: {} since {} on {routes}\n", fault.name, at(fault.since_s));
    }
    out
}

fn step_text(number: usize, step: &Step) -> String {
    let mut out = format!("{number}. {}  ", at(step.at_s));
    match (&step.route, step.wait_s, step.status) {
        (Some(route), ..) => {
            out += &format!("sent to {route}{}\n", if step.explored { " to learn" } else { "" });
        }
        (None, Some(wait), _) => out += &format!("waits {}\n", span(wait)),
        (None, None, Some(status)) => out += &format!("gives up with {status}\n"),
        (None, None, None) => out += "nothing\n",
    }
    for decision in &step.decisions {
        out += &decision_text(decision);
    }
    if step.decisions.is_empty() && step.route.is_some() {
        out += "   this policy cannot say how it chose; what it shows of its routes:\n";
        out += &shown_text(step);
        out += &format!("   luck {}\n", step.luck);
    }
    if let Some(outcome) = &step.outcome {
        let first =
            outcome.ttft_s.map_or(String::new(), |s| format!(", first token after {}", span(s)));
        out += &format!(
            "   ended at {}: {} after {}{first}\n",
            at(outcome.at_s),
            outcome.how,
            span(outcome.took_s)
        );
    }
    if let (Some(oracle), true) = (&step.oracle, step.route.is_some()) {
        out += &oracle_text(step, oracle);
    }
    out
}

fn oracle_text(step: &Step, oracle: &str) -> String {
    let find = |name: &str| step.shown.iter().find(|shown| shown.route == name);
    let truth = |shown: Option<&Shown>| {
        shown.map_or(String::new(), |shown| {
            format!("works {:.1} %, mean {}", shown.works * 100.0, span(shown.mean_s))
        })
    };
    if step.route.as_deref() == Some(oracle) {
        return format!("   the oracle would have sent it there too ({})\n", truth(find(oracle)));
    }
    let here = step.route.as_deref().and_then(find);
    format!(
        "   the oracle would have sent it to {oracle}\n      ({}; here: {})\n",
        truth(find(oracle)),
        truth(here)
    )
}

fn shown_text(step: &Step) -> String {
    let mut shown: Vec<&Shown> = step.shown.iter().collect();
    shown.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let chosen = |shown: &&Shown| Some(&shown.route) == step.route.as_ref();
    shown.sort_by_key(|shown| !chosen(shown));
    let mut out =
        format!("   {:<30} {:>9} {:<10} {:>6} {:>7}\n", "route", "weight", "state", "p", "works");
    for shown in shown.iter().take(ROUTES) {
        out += &format!(
            "   {:<30} {:>9} {:<10} {:>5.1}% {:>6.1}%\n",
            cut(&shown.route, 30),
            shown.weight,
            shown.state,
            shown.probability * 100.0,
            shown.works * 100.0
        );
    }
    out + &more(shown.len(), ROUTES)
}

fn more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        rest => format!("   and {rest} more (--format json has all)\n"),
    }
}

fn decision_text(decision: &Decision) -> String {
    let inputs = &decision.inputs;
    let routes = &inputs.routes;
    let chosen = decision.choice.as_ref();
    let find = |id: Option<&String>| routes.iter().find(|row| Some(&row.id) == id);
    let explores = if decision.explores { ", to learn" } else { "" };
    let mut out = match find(chosen) {
        Some(row) => {
            let [published, usable] = row.probability;
            let now = if (published - usable).abs() > 5e-4 {
                format!(" ({:.1} % of what could take it)", usable * 100.0)
            } else {
                String::new()
            };
            format!("   {}{explores}: probability {:.1} %{now}\n", decision.how, published * 100.0)
        }
        None => format!("   {}\n", decision.how),
    };
    if let Some(pinned) = &inputs.pinned {
        out += &format!("   only {pinned} may serve it now\n");
    }
    for draw in &decision.draws {
        let place = if draw.columns == 0 {
            format!("luck {:.4} of 1", draw.height)
        } else {
            let side = if draw.height < draw.keep { "below" } else { "not below" };
            format!(
                "luck: column {} of {}, {:.4} {side} {:.4}",
                draw.column + 1,
                draw.columns,
                draw.height,
                draw.keep
            )
        };
        out += &format!("   {place} → {}: {}\n", draw.route, draw.fate);
    }
    for side in &inputs.providers {
        out += &format!("   provider {:<22} weight {:>6.1}\n", cut(&side.name, 22), side.weight);
    }
    out += &format!(
        "   {:<26} {:>6} {:>6}  {:<10} {}\n",
        "route", "weight", "p", "state", "points: err lat util mom"
    );
    let mut rows: Vec<&RouteRow> = routes.iter().collect();
    if rows.len() > ROUTES {
        rows.sort_by(|a, b| b.probability[0].total_cmp(&a.probability[0]));
        rows.sort_by_key(|row| Some(&row.id) != chosen);
    }
    for row in rows.iter().take(ROUTES) {
        out += &route_text(row, inputs.at_ns, Some(&row.id) == chosen);
    }
    out += &more(rows.len(), ROUTES);
    out += &flips_text(&decision.flips);
    out
}

fn route_text(row: &RouteRow, now_ns: u64, chosen: bool) -> String {
    let points = &row.points;
    let mut out = format!(
        " {} {:<26} {:>6.1} {:>5.1}%  {:<10} {:>11.1} {:>3.0} {:>4.0} {:>3.0}\n",
        if chosen { '›' } else { ' ' },
        cut(&row.id, 26),
        row.weight,
        row.probability[0] * 100.0,
        row.state,
        -points.error,
        -points.latency,
        -points.utilization,
        points.momentum,
    )
    .replace("-0.0", " 0.0")
    .replace(" -0 ", "  0 ");
    let mut why = Vec::new();
    if let Some(reason) = &row.reason {
        why.push(format!("{} since {}: {reason}", row.state, at(row.since_ns as f64 / 1e9)));
    }
    let [attempts, errors] = row.seen[0];
    if errors > 0 {
        let rate = errors as f64 / attempts.max(1) as f64 * 100.0;
        why.push(format!("{errors} of {attempts} failed ({rate:.1} %)"));
    }
    if let Some(hold) = &row.hold {
        why.push(format!("held: {}, check at {}", hold.why, at(hold.due_ns as f64 / 1e9)));
    } else if row.refused {
        why.push("held just now".to_owned());
    }
    if row.excluded_until_ns > now_ns {
        why.push(format!("out until {}", at(row.excluded_until_ns as f64 / 1e9)));
    }
    if row.tried {
        why.push("tried already".to_owned());
    }
    if !row.allowed {
        why.push("not allowed".to_owned());
    }
    if !why.is_empty() {
        out += &format!("      {}\n", why.join("; "));
    }
    out
}

fn flips_text(flips: &[FlipRow]) -> String {
    let Some((smallest, others)) = flips.split_first() else {
        return "   no change of one input alone would have flipped it\n".to_owned();
    };
    let line = |flip: &FlipRow| {
        let of = flip.of.as_ref().map_or(String::new(), |of| format!(" of {of}"));
        let gives = flip.gives.as_deref().unwrap_or("no route");
        format!("{}{of}: {} → {} gives {gives}", flip.input, flip.from, flip.to)
    };
    let mut out = format!("   smallest change that flips it:\n      {}\n", line(smallest));
    for flip in others {
        out += &format!("      or {}\n", line(flip));
    }
    out
}

fn causes(told: &Explained) -> String {
    if told.changes.is_empty() {
        return String::new();
    }
    let skipped = told.changes.len().saturating_sub(CHANGES);
    let mut out = format!("\nhow the routes of {} came to their states\n", told.request.model);
    if skipped > 0 {
        out += &format!("   {skipped} earlier changes (--format json has all)\n");
    }
    out + &changes_text(&told.changes[skipped..])
}

fn changes_text(changes: &[ChangeRow]) -> String {
    let line = |change: &ChangeRow| {
        format!(
            "   {:>10}  {:<30} {} → {} ({})\n",
            at(change.at_s),
            cut(&change.route, 30),
            change.from,
            change.to,
            change.reason
        )
    };
    changes.iter().map(line).collect()
}

/// A moment, to the millisecond.
fn at(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

fn span(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// A name, cut in the middle where it is too long.
fn cut(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let (head, tail) = ((most - 1) / 2, most / 2);
    letters[..head].iter().chain(['…'].iter()).chain(&letters[letters.len() - tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_in_the_middle() {
        assert_eq!(cut("azure:chat/key-1", 26), "azure:chat/key-1");
        assert_eq!(cut("abcdefghij", 5), "ab…ij");
    }

    #[test]
    fn a_share_over_time_has_nine_heights() {
        assert_eq!(bars(&[0.0, 0.01, 0.5, 1.0]), " ▁▄█");
    }
}
