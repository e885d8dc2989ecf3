//! What `solve` answers, in the terminal.

use comfy_table::{ContentArrangement, Table, presets};

use crate::record::solution::{Answer, Solution};

/// The answer in a sentence, then the values tried.
pub fn text(solution: &Solution) -> String {
    let Solution { key, metric, bound, .. } = solution;
    let sign = if solution.at_least { "≥" } else { "≤" };
    let value = solution.value.as_deref().unwrap_or_default();
    let interval = match (&solution.low, &solution.high) {
        (Some(low), Some(high)) => {
            format!(" (between {low} and {high} for the mean's 95 % interval)")
        }
        _ => String::new(),
    };
    let mut text = match solution.answer {
        Answer::AtLeast => format!("{metric} {sign} {bound} from {key} = {value} on{interval}\n"),
        Answer::AtMost => format!("{metric} {sign} {bound} up to {key} = {value}{interval}\n"),
        Answer::Between => {
            format!(
                "{metric} {sign} {bound} from {key} = {value} on{interval}, but not at the end of the range\n"
            )
        }
        Answer::Everywhere => format!("{metric} {sign} {bound} at every value tried of {key}\n"),
        Answer::Nowhere => format!("{metric} {sign} {bound} at no value tried of {key}\n"),
    };
    for warning in &solution.warnings {
        text += &format!("warning: {warning}\n");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([key.as_str(), metric, "95 % interval", "n"]);
    for point in &solution.points {
        let number = |number: Option<f64>| number.map_or("–".to_owned(), |n| n.to_string());
        let interval = match (point.low, point.high) {
            (Some(low), Some(high)) => format!("[{low}, {high}]"),
            _ => String::new(),
        };
        table.add_row([point.value.clone(), number(point.mean), interval, point.n.to_string()]);
    }
    text + &format!("{table}\n")
}
