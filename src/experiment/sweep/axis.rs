//! One axis of a sweep, as it is typed: `path=lo..hi/n`, `path=lo..hi/n log`, `path=a,b,c`.

use thiserror::Error;

use crate::record::significant;

/// Levels of one axis; more is a slip of the finger.
const LEVELS_MAX: u32 = 10_000;

/// Something that is varied.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key of the scenario, dotted; `policy.…` is a parameter of the policy.
    pub path: String,
    /// Which values it takes.
    pub values: Values,
}

/// Which values an axis takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// These, as they are written in a scenario.
    List(Vec<String>),
    /// All between two ends.
    Range(Range),
}

/// Numbers between two ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Least value.
    pub low: f64,
    /// Greatest value, above `low`.
    pub high: f64,
    /// What stands behind each number: `%`, `s`, `M` or nothing.
    pub unit: String,
    /// How many values a grid takes of it, at least 2.
    pub steps: Option<u32>,
    /// Whether values are spread by ratio; then `low` is positive.
    pub log: bool,
    /// Whether values are rounded to whole numbers.
    pub whole: bool,
}

/// A value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// As it is written in a scenario.
    pub text: String,
    /// The number in it, in the unit of the axis; `None` for words.
    pub number: Option<f64>,
}

/// An axis that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("--vary '{text}': {what}")]
pub struct AxisError {
    text: String,
    what: String,
}

const EXAMPLE: &str = "for example --vary 'rps=500..4000/8', --vary 'policy.state.failed=1%..20%/20 log' or \
                       --vary 'policy=windtunnel,random'";

impl Axis {
    /// Reads an axis.
    ///
    /// # Errors
    /// [`AxisError`]: no path, no values, ends that contradict each other, too many values.
    pub fn parse(text: &str) -> Result<Self, AxisError> {
        let refuse = |what: String| AxisError { text: text.to_owned(), what };
        let (path, values) = text
            .split_once('=')
            .map(|(path, values)| (path.trim(), values.trim()))
            .filter(|(path, _)| !path.is_empty())
            .ok_or_else(|| refuse(format!("expected path=values, {EXAMPLE}")))?;
        let values = match range(values).map_err(refuse)? {
            Some(range) => Values::Range(range),
            None => Values::List(list(values).map_err(refuse)?),
        };
        Ok(Self { path: path.to_owned(), values })
    }

    /// Its values in a grid; `None` for a range of which nobody said how many.
    pub fn levels(&self) -> Option<Vec<Level>> {
        match &self.values {
            Values::List(words) => Some(words.iter().map(|word| self.word(word)).collect()),
            Values::Range(range) => {
                let steps = range.steps?;
                let part = |i: u32| f64::from(i) / f64::from(steps - 1);
                let mut levels: Vec<Level> = (0..steps).map(|i| range.at(part(i))).collect();
                // Rounding may make two of them one.
                levels.dedup();
                Some(levels)
            }
        }
    }

    /// The value at a part of the way, 0 ≤ part < 1 (or = 1: the last).
    pub fn at(&self, part: f64) -> Level {
        match &self.values {
            Values::List(words) => {
                let index = ((part * words.len() as f64) as usize).min(words.len() - 1);
                self.word(&words[index])
            }
            Values::Range(range) => range.at(part),
        }
    }

    fn word(&self, word: &str) -> Level {
        let number = number(word).filter(|(_, unit)| Some(unit.as_str()) == self.unit().as_deref());
        Level { text: word.to_owned(), number: number.map(|(number, _)| number) }
    }

    /// What stands behind its numbers; `None` if its values are words.
    pub fn unit(&self) -> Option<String> {
        match &self.values {
            Values::Range(range) => Some(range.unit.clone()),
            Values::List(words) => {
                let units: Option<Vec<String>> =
                    words.iter().map(|word| number(word).map(|(_, unit)| unit)).collect();
                units
                    .filter(|units| units.iter().all(|unit| *unit == units[0]))
                    .map(|units| units[0].clone())
            }
        }
    }
}

impl Range {
    /// The value at a part of the way.
    fn at(&self, part: f64) -> Level {
        let number = if self.log {
            self.low * libm::pow(self.high / self.low, part)
        } else {
            self.low + (self.high - self.low) * part
        };
        self.level(if part >= 1.0 { self.high } else { number })
    }

    /// Where a number lies, 0 at the lower end and 1 at the upper.
    pub fn place(&self, number: f64) -> f64 {
        if self.log {
            libm::log(number / self.low) / libm::log(self.high / self.low)
        } else {
            (number - self.low) / (self.high - self.low)
        }
    }

    /// The value half-way between two: by ratio on a logarithmic axis. `None` if there is none between.
    pub fn between(&self, low: f64, high: f64) -> Option<Level> {
        let middle = if self.log { (low * high).sqrt() } else { f64::midpoint(low, high) };
        let level = self.level(middle);
        let number = level.number.expect("a range has numbers");
        (low < number && number < high).then_some(level)
    }

    fn level(&self, number: f64) -> Level {
        let number = significant(if self.whole { number.round() } else { number });
        Level { text: format!("{number}{}", self.unit), number: Some(number) }
    }
}

/// `lo..hi`, with `/n`, `log` and `whole` behind; `None` if it is no range.
fn range(text: &str) -> Result<Option<Range>, String> {
    let Some((low, rest)) = text.split_once("..") else { return Ok(None) };
    let mut words = rest.split_whitespace();
    let (high, steps) = match words.next().unwrap_or_default().split_once('/') {
        Some((high, steps)) => (high, Some(steps)),
        None => (rest.split_whitespace().next().unwrap_or_default(), None),
    };
    let (mut log, mut whole) = (false, false);
    for word in words {
        match word {
            "log" => log = true,
            "whole" => whole = true,
            other => {
                return Err(format!(
                    "`{other}` is unknown behind a range: expected `log` or `whole`"
                ));
            }
        }
    }
    let end =
        |text: &str| number(text.trim()).ok_or_else(|| format!("`{text}` is no number; {EXAMPLE}"));
    let ((low, low_unit), (high, unit)) = (end(low)?, end(high)?);
    if low_unit != unit && !low_unit.is_empty() {
        return Err(format!(
            "both ends need one unit, not `{low_unit}` and `{unit}`: write {low}{unit}..{high}{unit}"
        ));
    }
    if low > high {
        return Err(format!(
            "{low}{unit} is above {high}{unit}: write the smaller end first, {high}{unit}..{low}{unit}"
        ));
    }
    if low == high {
        return Err(format!("there is nothing between {low}{unit} and itself"));
    }
    if log && low <= 0.0 {
        return Err(format!("a `log` range needs ends above 0, not {low}{unit}"));
    }
    let steps = steps.map(|steps| match steps.parse() {
        Ok(0) => Err("an empty grid: expected at least 2 values, as in lo..hi/2".to_owned()),
        Ok(1) => Err("one value of a range is none: write path=value, or lo..hi/2".to_owned()),
        Ok(n) if n <= LEVELS_MAX => Ok(n),
        Ok(n) => Err(format!("{n} values are too many: expected at most {LEVELS_MAX}")),
        Err(_) => Err(format!("`{steps}` is no count of values: expected lo..hi/20")),
    });
    Ok(Some(Range { low, high, unit, steps: steps.transpose()?, log, whole }))
}

/// The words of a list, separated by commas outside of brackets and quotes.
fn list(text: &str) -> Result<Vec<String>, String> {
    let (mut depth, mut quoted) = (0i32, false);
    let words = text.split(|c: char| {
        quoted ^= c == '"';
        depth += i32::from("[{".contains(c)) - i32::from("]}".contains(c));
        c == ',' && depth == 0 && !quoted
    });
    let words: Vec<String> = words.map(|word| word.trim().to_owned()).collect();
    if words.iter().any(String::is_empty) {
        return Err(format!("an empty value; {EXAMPLE}"));
    }
    if words.len() as u64 > u64::from(LEVELS_MAX) {
        return Err(format!("{} values are too many: expected at most {LEVELS_MAX}", words.len()));
    }
    match (1..words.len()).find(|i| words[..*i].contains(&words[*i])) {
        Some(twice) => Err(format!("`{}` stands there twice", words[twice])),
        None => Ok(words),
    }
}

/// A number and what stands behind it, if that is a unit.
fn number(text: &str) -> Option<(f64, String)> {
    let plain = text.replace('_', "");
    let is_unit = |c: char| c.is_ascii_alphabetic() || c == '%';
    let digits = plain.trim_end_matches(is_unit);
    let value: f64 = digits.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some((value, plain[digits.len()..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let axis = Axis::parse(text).unwrap_or_else(|error| panic!("{error}"));
        axis.levels().unwrap().into_iter().map(|level| level.text).collect()
    }

    fn error(text: &str) -> String {
        Axis::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn values_are_written_as_a_scenario_would() {
        assert_eq!(texts("rps=500..2_000/4"), ["500", "1000", "1500", "2000"]);
        assert_eq!(texts("a.b=1%..100%/3 log"), ["1%", "10%", "100%"]);
        assert_eq!(texts("a=0..1s/3"), ["0s", "0.5s", "1s"]);
        assert_eq!(texts("a=1..4/7 whole"), ["1", "2", "3", "4"]);
        assert_eq!(
            texts("policy=random,{ name = \"p2c\", x = 1 }"),
            ["random", "{ name = \"p2c\", x = 1 }"]
        );
        assert_eq!(texts("a=0.1..0.7/7")[2], "0.3");
    }

    #[test]
    fn a_list_of_numbers_has_numbers_and_one_of_words_has_none() {
        let numbers = |text: &str| -> Vec<Option<f64>> {
            Axis::parse(text).unwrap().levels().unwrap().iter().map(|level| level.number).collect()
        };
        assert_eq!(numbers("a=10%,50%"), [Some(10.0), Some(50.0)]);
        assert_eq!(numbers("a=10%,50"), [None, None]);
        assert_eq!(numbers("a=x,2"), [None, None]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (text, says) in [
            ("rps", "expected path=values"),
            ("=1,2", "expected path=values"),
            ("rps=", "an empty value"),
            ("rps=1,,2", "an empty value"),
            ("rps=1,1", "twice"),
            ("rps=10..1/3", "the smaller end first, 1..10"),
            ("rps=1..1/3", "nothing between"),
            ("rps=1..9/0", "an empty grid"),
            ("rps=1..9/1", "one value"),
            ("rps=1..9/99999", "at most 10000"),
            ("rps=1..9/x", "no count"),
            ("rps=a..9/3", "`a` is no number"),
            ("rps=1s..9m/3", "both ends need one unit"),
            ("rps=0..9/3 log", "above 0"),
            ("rps=1..9/3 lgo", "`lgo` is unknown"),
            ("rps=1..inf/3", "no number"),
        ] {
            assert!(error(text).contains(says), "{text}: {}", error(text));
        }
    }

    #[test]
    fn half_way_follows_the_spacing() {
        let between = |text: &str, low, high| match Axis::parse(text).unwrap().values {
            Values::Range(range) => range.between(low, high).map(|level| level.text),
            Values::List(_) => None,
        };
        assert_eq!(between("a=1..100/2 log", 1.0, 100.0).unwrap(), "10");
        assert_eq!(between("a=0%..10%/2", 4.0, 5.0).unwrap(), "4.5%");
        assert_eq!(between("a=1..9/2 whole", 4.0, 5.0), None);
    }
}
