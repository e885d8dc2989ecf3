//! A check in the terminal, 80 columns wide.

use super::{Line, counts, how, lines, reds};
use crate::record::check::CheckReport;
use crate::report::terminal::wrap;

/// Columns of a line.
const WIDTH: usize = 80;
/// Columns for its verdict.
const VERDICT: usize = 15;

/// What `check` prints: scenario by scenario, and at the end how it was made and how to see each failure again.
/// Ends with a line end.
pub fn text(report: &CheckReport) -> String {
    let mut text = String::new();
    for subject in &report.subjects {
        let head = format!("{} · {}", subject.scenario, subject.policy);
        row(&mut text, "", &head, subject.verdict.name());
        if !subject.sets.is_empty() {
            row(&mut text, "    ", &format!("with {}", subject.sets.join(", ")), "");
        }
        for Line { found, verdict, is_gate, .. } in lines(subject) {
            row(&mut text, if is_gate { "  ⇄ " } else { "  · " }, &found, verdict.name());
        }
    }
    let mut paragraphs = vec![counts(report), how(report)];
    paragraphs.extend(report.notes.iter().map(|note| format!("note: {note}")));
    text.push('\n');
    for line in paragraphs.iter().flat_map(|paragraph| wrap(paragraph)) {
        text += &format!("{line}\n");
    }
    let mut told: Vec<&str> = Vec::new();
    for line in reds(report) {
        let again = line.subject.reproduce.as_str();
        if !told.contains(&again) {
            text += &format!("reproduce: {again}\n");
            told.push(again);
        }
    }
    text
}

/// A line, or several, with its verdict at the right of the first.
fn row(text: &mut String, lead: &str, words: &str, verdict: &str) {
    let room = WIDTH - VERDICT - lead.chars().count();
    let mut line = String::new();
    let mut pieces = Vec::new();
    for word in words.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            pieces.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    pieces.push(line);
    for (index, piece) in pieces.iter().enumerate() {
        let (lead, verdict) = if index == 0 {
            (lead.to_owned(), verdict)
        } else {
            (" ".repeat(lead.chars().count()), "")
        };
        let gap = (room + 1).saturating_sub(piece.chars().count()).max(1);
        *text += format!("{lead}{piece}{}{verdict}", " ".repeat(gap)).trim_end();
        text.push('\n');
    }
}
