//! A check as annotations of GitHub Actions: workflow commands, one a line.

use super::{Line, reds};
use crate::record::check::{CheckReport, Verdict};

/// GitHub shows so many of a kind and step, and drops the others without a word.
const SHOWN: usize = 10;

/// One error a failure, the worst first; the last says how many more there are. Then one warning for all that is
/// undecided. Empty where all is well.
pub fn annotations(report: &CheckReport) -> String {
    let red = reds(report);
    let shown = if red.len() > SHOWN { SHOWN - 1 } else { red.len() };
    let mut text: String = red.iter().take(shown).map(|line| error(line) + "\n").collect();
    if red.len() > shown {
        let more =
            format!("…and {} more failures; the step summary has them all", red.len() - shown);
        text += &format!("::error title=windtunnel check::{}\n", data(&more));
    }
    let undecided = report.count(Verdict::Undecided);
    if undecided > 0 {
        let words = format!("{undecided} undecided: suspicious, but the replications do not tell");
        text += &format!("::warning title=windtunnel check::{}\n", data(&words));
    }
    text
}

fn error(line: &Line<'_>) -> String {
    let Line { subject, what, found, verdict, .. } = line;
    let title = format!("{}: {} of {what}", subject.scenario, verdict.name());
    let words = format!("{found} (policy {})\nreproduce: {}", subject.policy, subject.reproduce);
    format!("::error file={},title={}::{}", property(&subject.file), property(&title), data(&words))
}

/// As the runner unescapes what comes after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As it unescapes a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
