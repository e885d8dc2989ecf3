//! What a hunt found, in the terminal.

use comfy_table::{ContentArrangement, Table, presets};

use crate::metrics::{Direction, catalog};
use crate::record::hunt::{Found, Hunt, Phase, Returns, extremes};
use crate::record::{Measured, Quantity};

/// The table of finds, and a sentence or two for each.
pub fn text(hunt: &Hunt) -> String {
    if hunt.found.is_empty() {
        return format!(
            "None of {} schedules did any harm to {} by {}.\n",
            hunt.schedules, hunt.policy, hunt.by
        );
    }
    let better = catalog::find(&hunt.by).map_or(Direction::Lower, |metric| metric.better);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "kind of fault",
        "worst",
        "begins at second",
        "least",
        "begins at second",
        "in five minutes walked into again",
        "file",
        "as small as can be",
        "fresh seeds",
    ]);
    for kind in &hunt.kinds {
        let ends = extremes(&kind.phases, better);
        let end = |phase: Option<&Phase>| {
            phase.map_or(Default::default(), |p| [shown(&p.value), p.start_s.to_string()])
        };
        let [worst, least] = [end(ends.map(|ends| ends.0)), end(ends.map(|ends| ends.1))];
        let again = kind.returns.as_ref().map(again).unwrap_or_default();
        let found = hunt.found.iter().find(|found| found.kind == kind.kind);
        let file = found.map_or(Default::default(), |found| {
            [found.file.clone(), shown(&found.value), spread(&found.fresh)]
        });
        table.add_row(
            [std::slice::from_ref(&kind.kind), &worst[..], &least[..], &[again], &file[..]]
                .concat(),
        );
    }
    let unit = if hunt.unit.is_empty() { String::new() } else { format!(" ({})", hunt.unit) };
    let mut text = format!(
        "What hurts {} by {}{unit}, of {} schedules tried\n{table}\n",
        hunt.policy, hunt.by, hunt.schedules
    );
    for found in &hunt.found {
        text += &sentences(found, better);
    }
    text
}

fn sentences(found: &Found, better: Direction) -> String {
    let mut text = String::new();
    if let Some((worst, best)) = extremes(&found.phases, better) {
        text += &format!(
            "{}, as small as can be: worst if it begins at second {} ({}), least at {} ({}).\n",
            found.kind,
            worst.start_s,
            shown(&worst.value),
            best.start_s,
            shown(&best.value)
        );
    }
    if let Some(returns) = &found.returns {
        text += &format!(
            "{}: if it lasts five minutes, it is walked into again {} times, every {} s ({} to {}), for {} s.\n",
            found.kind,
            returns.times,
            returns.every_s,
            returns.least_s,
            returns.most_s,
            returns.lasts_s
        );
    }
    text
}

fn again(returns: &Returns) -> String {
    format!("{} times, every {} s for {} s", returns.times, returns.every_s, returns.lasts_s)
}

fn shown(value: &Quantity) -> String {
    match value {
        Quantity::Number(number) => format!("{number}"),
        Quantity::Censored(censored) => format!(">{}", censored.censored_at_s),
        Quantity::NotApplicable(_) => "–".to_owned(),
    }
}

fn spread(measured: &Measured) -> String {
    match measured {
        Measured::One(one) => shown(one),
        Measured::Many(many) => match (many.low, many.high) {
            (Some(low), Some(high)) => format!("{} [{low}, {high}]", many.mean),
            _ => many.mean.to_string(),
        },
    }
}
