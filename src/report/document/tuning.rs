//! What a search over parameters found, and whether it holds on what it never saw.

use super::outline::{Block, Figure, Finding, Grid, Part, Section};
use super::words::{code, list, three};
use crate::record::tuning::{Fate, Gain, Proof, Tuning, Verdict};
use crate::report::figure::front::front;

pub(super) fn part(tuning: &Tuning) -> Part {
    let figure = front(tuning).map(|page| {
        Block::Figure(Figure {
            id: "front".to_owned(),
            page,
            caption: "Small and grey: dominated or stopped early. Blue: on the front. Ring: the start. Large: \
                      recommended."
                .to_owned(),
            commands: Vec::new(),
        })
    });
    let grids = [proof(tuning), parameters(tuning), candidates(tuning)];
    let section = Section {
        id: "tuning".to_owned(),
        title: "The search".to_owned(),
        lead: format!("Number {} is recommended: {}.", tuning.knee, tuning.knee_because),
        blocks: figure.into_iter().chain(grids.map(Block::Grid)).collect(),
        inner: Vec::new(),
    };
    let held = &tuning.held_out;
    let facts = [
        ("seed", tuning.seed.to_string()),
        ("digest of all runs", tuning.digest.clone()),
        ("held out", format!("{} from seed {}", list(&held.scenarios), held.seed)),
        ("hash of what was held out", held.hash.clone()),
        ("windtunnel", tuning.tool_version.clone()),
        ("schema of the search", tuning.schema_version.to_string()),
    ];
    Part {
        title: format!("{} tuned", tuning.policy),
        lead: format!(
            "{} candidates for the parameters of {} in {} scenarios; what is recommended was then measured on \
             scenarios and seeds that the search never saw.",
            tuning.trials.len(),
            code(&tuning.policy),
            tuning.scenarios.len()
        ),
        findings: tuning.proof.iter().map(|proof| finding(tuning, proof)).collect(),
        sections: vec![section],
        warnings: tuning.warnings.clone(),
        manifest: facts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        again: Vec::new(),
    }
}

fn finding(tuning: &Tuning, proof: &Proof) -> Finding {
    let what = code(&proof.objective);
    let number = |value: Option<f64>| value.map_or_else(|| "no value".to_owned(), three);
    let (start, candidate) = (number(proof.held_out.start), number(proof.held_out.candidate));
    let sentence = match proof.verdict {
        Verdict::Better => {
            format!("On what the search never saw, {what} gets better: {start} to {candidate}.")
        }
        Verdict::Worse => {
            format!("On what the search never saw, {what} gets worse: {start} to {candidate}.")
        }
        Verdict::Undecided => {
            format!(
                "Whether {what} gets better outside the search cannot be told: {start} to {candidate}."
            )
        }
        Verdict::Same => format!("{what} stays as it was: {start}."),
        Verdict::Unknown => format!("Of {what} nothing can be said outside the search."),
    };
    let over = proof.search_over_held_out.map_or(String::new(), |over| {
        format!(" The gain in the search was {} times that.", three(over))
    });
    Finding {
        sentence,
        evidence: format!(
            "Difference held out: {}; in the search: {}.{over} Number {} against the start, paired.",
            gain(&proof.held_out),
            gain(&proof.search),
            tuning.knee
        ),
        shown: Some("proof".to_owned()),
    }
}

/// `−1.2 [−2, −0.4], 90 pairs`.
fn gain(gain: &Gain) -> String {
    let Some(difference) = gain.difference else { return "no value".to_owned() };
    let interval = gain
        .low
        .zip(gain.high)
        .map_or(String::new(), |(low, high)| format!(" [{}, {}]", three(low), three(high)));
    format!("{}{interval}, {} pairs", three(difference), gain.pairs)
}

fn proof(tuning: &Tuning) -> Grid {
    let row = |proof: &Proof| {
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), three);
        let verdict = match proof.verdict {
            Verdict::Better => "✓ better",
            Verdict::Undecided => "? undecided",
            Verdict::Worse => "✗ worse",
            Verdict::Same => "= the same",
            Verdict::Unknown => "– unknown",
        };
        vec![
            code(&proof.objective),
            verdict.to_owned(),
            number(proof.held_out.start),
            number(proof.held_out.candidate),
            gain(&proof.held_out),
            gain(&proof.search),
        ]
    };
    let header =
        ["objective", "verdict", "start", "recommended", "difference held out", "in the search"];
    Grid {
        id: "proof".to_owned(),
        title: "On what the search never saw".to_owned(),
        note: "Recommended − start, paired on the same random numbers, with 95 % intervals over replications. What \
               was found in the search is too good by the choice itself."
            .to_owned(),
        header: header.map(str::to_owned).to_vec(),
        texts: 2,
        rows: tuning.proof.iter().map(row).collect(),
    }
}

fn parameters(tuning: &Tuning) -> Grid {
    let row = |parameter: &crate::record::tuning::Searched| {
        vec![
            code(&parameter.id),
            parameter.start.clone(),
            parameter.recommended.clone(),
            format!("{} to {}", parameter.low, parameter.high),
            parameter.set_by.clone().unwrap_or_default(),
            parameter.source.clone(),
        ]
    };
    let header = ["parameter", "start", "recommended", "searched", "set by", "source of the start"];
    Grid {
        id: "parameters".to_owned(),
        title: "Parameters".to_owned(),
        note: String::new(),
        header: header.map(str::to_owned).to_vec(),
        texts: 6,
        rows: tuning.parameters.iter().map(row).collect(),
    }
}

fn candidates(tuning: &Tuning) -> Grid {
    let mut header = vec!["number".to_owned(), String::new(), "parameters".to_owned()];
    header.extend(tuning.objectives.iter().map(|objective| match objective.unit.is_empty() {
        true => objective.id.clone(),
        false => format!("{}, {}", objective.id, objective.unit),
    }));
    let shown = |trial: &&crate::record::tuning::Trial| {
        trial.fate == Fate::Front || trial.number == 0 || trial.number == tuning.knee
    };
    let row = |trial: &crate::record::tuning::Trial| {
        let what = match trial.number {
            n if n == tuning.knee => "recommended",
            0 => "start",
            _ => "front",
        };
        let parameters: Vec<String> =
            trial.parameters.iter().map(|(id, value)| format!("`{id}={value}`")).collect();
        let mut row = vec![trial.number.to_string(), what.to_owned(), parameters.join(" ")];
        row.extend(trial.objectives.iter().map(|value| value.map_or("–".to_owned(), three)));
        row
    };
    Grid {
        id: "candidates".to_owned(),
        title: "The front".to_owned(),
        note:
            "Candidates that no other beats in everything; means over the scenarios of the search."
                .to_owned(),
        header,
        texts: 3,
        rows: tuning.trials.iter().filter(shown).map(row).collect(),
    }
}
