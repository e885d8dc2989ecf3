//! A check as Markdown, for a comment on a pull request and for the summary of a CI step.

use super::{Line, counts, how, lines, reds};
use crate::record::check::{CheckReport, Verdict};

/// A comment on GitHub has at most 65,536 characters; what surrounds this in it needs some.
const CHARACTERS_MAX: usize = 60_000;

/// The page: the verdict, what is wrong with how to see it again, then everything, folded.
pub fn markdown(report: &CheckReport) -> String {
    let mut page = format!(
        "## windtunnel check: {}\n\n{}. {}\n",
        report.verdict.name(),
        counts(report),
        how(report)
    );
    for note in &report.notes {
        page += &format!("\n> {}\n", escaped(note));
    }
    let red = reds(report);
    if !red.is_empty() {
        page += "\n| scenario | policy | what | verdict |\n|---|---|---|---|\n";
        let rows: Vec<String> = red.iter().map(row).collect();
        // Half the room at most: the rest is for the commands, and for all figures.
        push(&mut page, &rows, CHARACTERS_MAX / 2);
        let mut again: Vec<&str> = Vec::new();
        for line in &red {
            if !again.contains(&line.subject.reproduce.as_str()) {
                again.push(&line.subject.reproduce);
            }
        }
        let again: Vec<String> = again.iter().map(|line| format!("{line}\n")).collect();
        page += "\nTo see it again:\n\n```sh\n";
        push(&mut page, &again, CHARACTERS_MAX * 3 / 4);
        page += "```\n";
    }
    let all: Vec<String> = report
        .subjects
        .iter()
        .flat_map(|subject| {
            let none = lines(subject).is_empty().then(|| {
                format!(
                    "| {} | {} | – | {} |\n",
                    subject.scenario,
                    code(&subject.policy),
                    subject.verdict.name()
                )
            });
            lines(subject).iter().map(row).chain(none).collect::<Vec<_>>()
        })
        .collect();
    page += "\n<details><summary>All figures</summary>\n\n| scenario | policy | what | verdict |\n\
             |---|---|---|---|\n";
    push(&mut page, &all, CHARACTERS_MAX);
    page + "\n</details>\n"
}

/// Adds rows while there is room, and says how many were left out.
fn push(page: &mut String, rows: &[String], room: usize) {
    for (index, row) in rows.iter().enumerate() {
        if page.chars().count() + row.chars().count() > room {
            *page += &format!("\n…and {} more\n", rows.len() - index);
            return;
        }
        *page += row;
    }
}

fn row(line: &Line<'_>) -> String {
    let mark = match line.verdict {
        Verdict::Failed | Verdict::Regression => "❌ ",
        Verdict::Undecided => "⚠️ ",
        Verdict::Pass => "✅ ",
        Verdict::NotApplicable | Verdict::NotRun => "",
    };
    format!(
        "| {} | {} | {} | {mark}{} |\n",
        escaped(&line.subject.scenario),
        code(&line.subject.policy),
        escaped(&line.found),
        line.verdict.name()
    )
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

fn code(text: &str) -> String {
    format!("`{}`", escaped(text).replace('`', "'"))
}
