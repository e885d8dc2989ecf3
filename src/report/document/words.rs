//! Values in words, as sentences take them: `6.1 s [5.2, 7.4]`.

use crate::record::{Measured, Quantity, significant};

/// A scale and a unit of the reader: `(1e-3, "s")` for milliseconds.
pub(super) type In = (f64, &'static str);

/// Seconds as they are stored.
pub(super) const SECONDS: In = (1.0, "s");
/// Milliseconds as seconds.
pub(super) const MILLIS: In = (1e-3, "s");
/// Parts of one as percent.
pub(super) const PERCENT: In = (100.0, "%");
/// A pure number.
pub(super) const NUMBER: In = (1.0, "");

/// `6.1 s [5.2, 7.4]`, `not within 90 s`, `no value (why)`.
pub(super) fn value(measured: &Measured, unit: In) -> String {
    match measured {
        Measured::One(quantity) => one(quantity, unit),
        Measured::Many(spread) if spread.censored == spread.n => {
            format!("not within {} in any replication", with(spread.mean, unit))
        }
        Measured::Many(spread) => {
            let ends = spread.low.zip(spread.high).filter(|(low, high)| low < high);
            let interval = ends.map_or(String::new(), |(low, high)| {
                // No time is negative, whatever its interval says.
                let low = if unit.1 == "s" { low.max(0.0) } else { low };
                format!(" [{}, {}]", three(low * unit.0), three(high * unit.0))
            });
            let least = if spread.censored > 0 { "at least " } else { "" };
            format!("{least}{}{interval}", with(spread.mean, unit))
        }
    }
}

/// The same without interval.
pub(super) fn short(measured: &Measured, unit: In) -> String {
    match measured {
        Measured::One(Quantity::NotApplicable(_)) => "–".to_owned(),
        Measured::One(Quantity::Censored(at)) => format!("> {}", with(at.censored_at_s, unit)),
        Measured::One(Quantity::Number(number)) => with(*number, unit),
        Measured::Many(spread) if spread.censored > 0 => format!("≥ {}", with(spread.mean, unit)),
        Measured::Many(spread) => with(spread.mean, unit),
    }
}

/// For a cell of a table: the mean, and half of its interval where there is one.
pub(super) fn cell(measured: &Measured, unit: In) -> String {
    let half = match measured {
        Measured::Many(spread) => spread.low.zip(spread.high).map(|(low, high)| (high - low) / 2.0),
        Measured::One(_) => None,
    };
    let text = short(measured, unit);
    match half.filter(|half| *half > 0.0) {
        Some(half) => format!("{text} ± {}", digits(half * unit.0, 2)),
        None => text,
    }
}

/// One value.
pub(super) fn one(quantity: &Quantity, unit: In) -> String {
    match quantity {
        Quantity::Number(number) => with(*number, unit),
        Quantity::Censored(at) => format!("not within {}", with(at.censored_at_s, unit)),
        Quantity::NotApplicable(why) => format!("no value ({})", why.n_a),
    }
}

/// Replications behind a value, and those without one, in words.
pub(super) fn basis(measured: &Measured) -> String {
    let Measured::Many(spread) = measured else { return "one run".to_owned() };
    let mut text = format!("n = {}", spread.n);
    if spread.censored > 0 {
        text.push_str(&format!(", {} of them not reached", spread.censored));
    }
    if spread.n_a > 0 {
        text.push_str(&format!(", {} more without a value", spread.n_a));
    }
    text
}

/// A number in its unit.
pub(super) fn with(value: f64, (scale, unit): In) -> String {
    let number = three(value * scale);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// Three significant digits, thousands apart; shares near 100 % keep two decimals.
pub(super) fn three(value: f64) -> String {
    if value.abs() >= 1_000.0 {
        return crate::report::figure::time::count(value.round());
    }
    if (99.0..99.995).contains(&value) {
        return format!("{value:.2}");
    }
    digits(value, 3).replace('-', "−")
}

/// So many significant digits.
fn digits(value: f64, count: usize) -> String {
    let more = count - 1;
    let text = format!("{value:.more$e}");
    significant(text.parse().expect("what was written as a number reads as one")).to_string()
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A name as code.
pub(super) fn code(name: &str) -> String {
    format!("`{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Value;

    #[test]
    fn values_read_as_sentences_take_them() {
        let many = |values: &[f64]| {
            let values: Vec<Value> = values.iter().map(|value| Value::Known(*value)).collect();
            Measured::from_values(&values, f64::INFINITY)
        };
        assert_eq!(value(&many(&[4.0, 6.0, 8.0]), SECONDS), "6 s [1.03, 11]");
        assert_eq!(cell(&many(&[0.01, 0.02, 0.03]), PERCENT), "2 % ± 2.5");
        let never = Measured::from_values(&[Value::Censored { at_s: 90.0 }; 3], 90.0);
        assert_eq!(value(&never, SECONDS), "not within 90 s in any replication");
        assert_eq!(short(&never, SECONDS), "≥ 90 s");
        assert_eq!(three(99.874), "99.87");
        assert_eq!(three(12_345.6), "12,346");
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
