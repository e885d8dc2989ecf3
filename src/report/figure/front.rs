//! What a search found: each candidate by two of its objectives, the front, where it began and what is
//! recommended.

use super::time::{line, solid, three};
use crate::record::tuning::{Fate, Objective, Trial, Tuning};
use crate::report::page::{Axis, Mark, MarkKind, Page, Panel, Scatter};
use crate::report::palette::BLUE;

/// One figure of all pairs with the first objective; `None` for a search of one objective.
pub fn front(tuning: &Tuning) -> Option<Page> {
    let panels: Vec<Panel> =
        (1..tuning.objectives.len()).filter_map(|other| scatter(tuning, other)).collect();
    let subtitle = format!(
        "{}, {} candidates, means over {} scenarios and {} replications",
        tuning.policy,
        tuning.trials.len(),
        tuning.scenarios.len(),
        tuning.replications
    );
    let title = "What can be had for what: the front of the search".to_owned();
    (!panels.is_empty()).then_some(Page { title, subtitle, panels })
}

fn scatter(tuning: &Tuning, other: usize) -> Option<Panel> {
    let place = |trial: &Trial| {
        let at = |objective: usize| *trial.objectives.get(objective)?;
        Some((at(0)?, at(other)?))
    };
    // The many first, so that the few lie on top.
    let rank =
        |trial: &&Trial| (kind(tuning, trial) != MarkKind::Faint, trial.number == tuning.knee);
    let mut trials: Vec<&Trial> =
        tuning.trials.iter().filter(|t| t.fate != Fate::Refused).collect();
    trials.sort_by_key(rank);
    let marks: Vec<Mark> = trials
        .iter()
        .filter_map(|trial| {
            let at = place(trial)?;
            Some(Mark {
                name: name(tuning, trial, at, other),
                at,
                kind: kind(tuning, trial),
                label: label(tuning, trial),
            })
        })
        .collect();
    let ends = |of: fn(&Mark) -> f64| {
        let values = || marks.iter().map(of);
        let (low, high) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
        let room = (high - low).max(high.abs() * 1e-3).max(1e-9) * 0.06;
        Some((low - room, high + room))
    };
    let ((left, right), (bottom, top)) = (ends(|mark| mark.at.0)?, ends(|mark| mark.at.1)?);
    // With two objectives the front is a line.
    let mut points: Vec<(f64, f64)> =
        tuning.trials.iter().filter(|t| t.fate == Fate::Front).filter_map(place).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let line = (tuning.objectives.len() == 2)
        .then(|| line("front", points.into_iter().map(|(x, y)| (x, Some(y))), solid(BLUE, 1.0)));
    Some(Panel::Scatter(Scatter {
        heading: format!(
            "{}, against {} to the right",
            axis(&tuning.objectives[other]),
            tuning.objectives[0].id
        ),
        height: 260.0,
        x: Axis::linear(&axis(&tuning.objectives[0]), left, right, 6, three),
        y: Axis::linear("", bottom, top, 5, three),
        marks,
        line,
    }))
}

fn axis(objective: &Objective) -> String {
    let unit =
        if objective.unit.is_empty() { String::new() } else { format!(", {}", objective.unit) };
    format!("{}{unit} ({} is better)", objective.id, objective.better)
}

fn kind(tuning: &Tuning, trial: &Trial) -> MarkKind {
    match trial.fate {
        _ if trial.number == tuning.knee => MarkKind::Chosen,
        _ if trial.number == 0 => MarkKind::Ring,
        Fate::Front => MarkKind::Full,
        Fate::Dominated | Fate::Stopped | Fate::Refused => MarkKind::Faint,
    }
}

fn label(tuning: &Tuning, trial: &Trial) -> String {
    match trial.number {
        n if n == tuning.knee && n == 0 => "the start is recommended".to_owned(),
        n if n == tuning.knee => "recommended".to_owned(),
        0 => "start".to_owned(),
        _ => String::new(),
    }
}

fn name(tuning: &Tuning, trial: &Trial, at: (f64, f64), other: usize) -> String {
    let parameters: Vec<String> =
        trial.parameters.iter().map(|(id, value)| format!("{id}={value}")).collect();
    format!(
        "number {}: {} {}, {} {}; {}",
        trial.number,
        tuning.objectives[0].id,
        three(at.0),
        tuning.objectives[other].id,
        three(at.1),
        parameters.join(", ")
    )
}
