//! A search over parameters: its recommendation and the proof, for the terminal and as a page.

use comfy_table::{ContentArrangement, Table, TableStyle, presets};

use crate::record::tuning::{Fate, Gain, Objective, Proof, Trial, Tuning, Verdict};

/// The recommendation for the terminal.
pub fn text(tuning: &Tuning) -> String {
    let mut text = summary(tuning);
    for warning in &tuning.warnings {
        text += &format!("warning: {warning}\n");
    }
    text += &format!("\n{}\n", rows(presets::NOTHING, PARAMETERS, &parameters(tuning)));
    text += &format!("\n{}\n", rows(presets::NOTHING, PROOF, &proofs(tuning, &tuning.proof)));
    if let Some(reference) = &tuning.reference {
        let table = rows(presets::NOTHING, PROOF, &proofs(tuning, &reference.proof));
        text += &format!("\nagainst {}\n{table}\n", reference.policy);
    }
    text += &format!("\n{}\n", front_table(tuning, presets::NOTHING));
    text
}

/// The same as a page, with the command that makes it again.
pub fn markdown(tuning: &Tuning, command: &str) -> String {
    let mut page = format!("# Tuning of {}\n\n{}\n", tuning.policy, summary(tuning));
    for warning in &tuning.warnings {
        page += &format!("**Warning**: {warning}.\n\n");
    }
    let table = |head: [&str; 5], cells: &[[String; 5]]| rows(presets::ASCII_MARKDOWN, head, cells);
    page += &format!("## Parameters\n\n{}\n\n", table(PARAMETERS, &parameters(tuning)));
    page += &format!(
        "## On what the search never saw\n\nHeld out: {} (families: {}; {} replications each; hash {}, written down \
         before the first candidate ran). Differences are candidate − start, paired on the same random numbers, with \
         95 % intervals over replications.\n\n{}\n\n",
        tuning.held_out.scenarios.join(", "),
        if tuning.held_out.families.is_empty() {
            "none, only seeds".to_owned()
        } else {
            tuning.held_out.families.join(", ")
        },
        tuning.held_out.replications,
        tuning.held_out.hash,
        table(PROOF, &proofs(tuning, &tuning.proof))
    );
    if let Some(reference) = &tuning.reference {
        page += &format!(
            "The same against `{}`, which the recommendation was to be no worse than in any objective:\n\n{}\n\n",
            reference.policy,
            table(PROOF, &proofs(tuning, &reference.proof))
        );
    }
    page += &format!("## The front\n\n{}\n\n", front_table(tuning, presets::ASCII_MARKDOWN));
    page + &format!("## The same again\n\n```sh\n{command}\n```\n")
}

fn summary(tuning: &Tuning) -> String {
    let count = |fate: Fate| tuning.trials.iter().filter(|trial| trial.fate == fate).count();
    let runs: u32 = tuning.trials.iter().map(|trial| trial.runs).sum();
    format!(
        "{} candidates and the start in {} runs of {} scenarios: {} on the front, {} stopped early, {} refused.\n\
         Recommended is number {}: {}.\n",
        tuning.trials.len() - 1,
        runs,
        tuning.scenarios.len(),
        count(Fate::Front),
        count(Fate::Stopped),
        count(Fate::Refused),
        tuning.knee,
        tuning.knee_because
    )
}

const PARAMETERS: [&str; 5] = ["parameter", "start", "recommended", "searched", "set by"];
const PROOF: [&str; 5] =
    ["objective", "in the search", "held out", "search gain over held-out gain", "verdict"];

fn parameters(tuning: &Tuning) -> Vec<[String; 5]> {
    let row = |p: &crate::record::tuning::Searched| {
        [
            p.id.clone(),
            p.start.clone(),
            p.recommended.clone(),
            format!("{} to {}", p.low, p.high),
            p.set_by.clone().unwrap_or_default(),
        ]
    };
    tuning.parameters.iter().map(row).collect()
}

fn proofs(tuning: &Tuning, proofs: &[Proof]) -> Vec<[String; 5]> {
    let row = |(proof, objective): (&Proof, &Objective)| {
        let unit = &objective.unit;
        [
            proof.objective.clone(),
            gain(&proof.search, unit),
            gain(&proof.held_out, unit),
            proof.search_over_held_out.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
            verdict(proof.verdict).to_owned(),
        ]
    };
    proofs.iter().zip(&tuning.objectives).map(row).collect()
}

fn gain(gain: &Gain, unit: &str) -> String {
    let of = |number: Option<f64>| number.map_or("–".to_owned(), |number| format!("{number:.5}"));
    format!(
        "{} → {} {unit}: {} [{}, {}]",
        of(gain.start),
        of(gain.candidate),
        of(gain.difference),
        of(gain.low),
        of(gain.high)
    )
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Undecided => "not told apart",
        Verdict::Worse => "worse",
        Verdict::Same => "the same",
        Verdict::Unknown => "unknown",
    }
}

fn rows(preset: TableStyle, head: [&str; 5], cells: &[[String; 5]]) -> Table {
    let mut table = empty(preset);
    table.set_header(head);
    table.add_rows(cells);
    table
}

fn front_table(tuning: &Tuning, preset: TableStyle) -> Table {
    let mut table = empty(preset);
    let mut head = vec!["number".to_owned()];
    head.extend(tuning.objectives.iter().map(|objective| objective.id.clone()));
    head.push("parameters".to_owned());
    table.set_header(head);
    let shown: Vec<&Trial> = tuning
        .trials
        .iter()
        .filter(|trial| trial.number == 0 || trial.fate == Fate::Front)
        .collect();
    for trial in shown {
        let note = match trial.number {
            0 => " (start)",
            n if n == tuning.knee => " (recommended)",
            _ => "",
        };
        let mut row = vec![format!("{}{note}", trial.number)];
        row.extend(trial.objectives.iter().map(|o| o.map_or("–".to_owned(), |o| o.to_string())));
        let parameters: Vec<String> =
            trial.parameters.iter().map(|(id, value)| format!("{id}={value}")).collect();
        row.push(parameters.join(" "));
        table.add_row(row);
    }
    table
}

fn empty(preset: TableStyle) -> Table {
    let mut table = Table::new();
    table.load_style(preset);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}
