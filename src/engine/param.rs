//! Parameters as data: one table that scenarios set, searches walk, help and docs print.

use std::fmt;

/// The source of a value that nobody published.
pub(super) const OURS: &str = "our choice";

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share; `2%` and `0.02` are the same.
    Ratio,
    /// A plain number.
    Number,
    /// A whole number.
    Count,
    /// Seconds; `5s`, `250ms`, `2min` and `5` are understood.
    Seconds,
    /// On or off; stored as 1 or 0.
    Switch,
    /// One of these words; stored as its index.
    Choice(&'static [&'static str]),
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Dotted name, unique within its table.
    pub id: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Value unless set.
    pub default: f64,
    /// Least legal value.
    pub min: f64,
    /// Greatest legal value.
    pub max: f64,
    /// Who says so (vendor, page, date), or `our choice`.
    pub source: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
}

/// Values for a table of parameters.
#[derive(Clone, Debug)]
pub struct Settings {
    table: Vec<&'static Param>,
    values: Vec<f64>,
}

/// Why a value was not accepted.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamError {
    /// No parameter has this name.
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// The text is not a value of the unit.
    Malformed {
        /// Parameter.
        id: &'static str,
        /// The text.
        text: String,
        /// What would be understood.
        expected: String,
    },
    /// The value is outside its range.
    OutOfRange {
        /// Parameter.
        id: &'static str,
        /// The value.
        value: f64,
        /// Least legal value.
        min: f64,
        /// Greatest legal value.
        max: f64,
    },
    /// Two parameters contradict each other.
    Contradiction {
        /// What is wrong, and the nearest legal values.
        what: String,
    },
}

impl Param {
    /// A parameter whose values are our choice.
    pub const fn new(
        id: &'static str,
        unit: Unit,
        default: f64,
        range: (f64, f64),
        doc: &'static str,
    ) -> Self {
        Self { id, unit, default, min: range.0, max: range.1, source: OURS, doc }
    }

    /// The same with a source.
    #[must_use]
    pub const fn from(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// Whether nobody but us says that it is this value.
    pub fn is_ours(&self) -> bool {
        self.source == OURS
    }

    /// Reads a value from text.
    ///
    /// # Errors
    /// [`ParamError::Malformed`] or [`ParamError::OutOfRange`].
    pub fn parse(&self, text: &str) -> Result<f64, ParamError> {
        let value = self.read(text.trim()).ok_or_else(|| ParamError::Malformed {
            id: self.id,
            text: text.to_owned(),
            expected: self.unit.example(),
        })?;
        self.check(value)
    }

    /// Checks a value against the range (and, for counts, that it is whole).
    ///
    /// # Errors
    /// [`ParamError::Malformed`] or [`ParamError::OutOfRange`].
    pub fn check(&self, value: f64) -> Result<f64, ParamError> {
        let whole = matches!(self.unit, Unit::Count | Unit::Switch | Unit::Choice(_));
        if whole && value.fract() != 0.0 {
            return Err(ParamError::Malformed {
                id: self.id,
                text: value.to_string(),
                expected: self.unit.example(),
            });
        }
        if (self.min..=self.max).contains(&value) {
            Ok(value)
        } else {
            Err(ParamError::OutOfRange { id: self.id, value, min: self.min, max: self.max })
        }
    }

    /// Writes a value as a scenario would.
    pub fn show(&self, value: f64) -> String {
        match self.unit {
            Unit::Ratio => format!("{}%", round6(value * 100.0)),
            Unit::Number | Unit::Count => format!("{}", round6(value)),
            Unit::Seconds => format!("{}s", round6(value)),
            Unit::Switch => (if value == 0.0 { "false" } else { "true" }).to_owned(),
            Unit::Choice(words) => words.get(value as usize).copied().unwrap_or("?").to_owned(),
        }
    }

    fn read(&self, text: &str) -> Option<f64> {
        let number = |text: &str| text.trim().replace('_', "").parse::<f64>().ok();
        match self.unit {
            Unit::Ratio => match text.strip_suffix('%') {
                Some(percent) => number(percent).map(|p| p / 100.0),
                None => number(text),
            },
            Unit::Number | Unit::Count => number(text),
            Unit::Seconds => [("ms", 1e-3), ("us", 1e-6), ("min", 60.0), ("s", 1.0), ("h", 3600.0)]
                .iter()
                .find_map(|(suffix, scale)| {
                    text.strip_suffix(suffix).and_then(number).map(|n| n * scale)
                })
                .or_else(|| number(text)),
            Unit::Switch => match text {
                "true" | "on" | "1" => Some(1.0),
                "false" | "off" | "0" => Some(0.0),
                _ => None,
            },
            Unit::Choice(words) => words.iter().position(|word| *word == text).map(|i| i as f64),
        }
    }
}

impl Unit {
    /// What a value looks like.
    pub fn example(self) -> String {
        match self {
            Self::Ratio => "a share such as 2% or 0.02".to_owned(),
            Self::Number => "a number such as 1.5".to_owned(),
            Self::Count => "a whole number such as 20".to_owned(),
            Self::Seconds => "a length of time such as 5s or 250ms".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }
}

impl Settings {
    /// Every parameter at its default.
    pub fn defaults(table: &'static [Param]) -> Self {
        Self { table: Vec::new(), values: Vec::new() }.and(table)
    }

    /// With a further table, at its defaults. Names are unique over all of them.
    #[must_use]
    pub fn and(mut self, table: &'static [Param]) -> Self {
        self.table.extend(table);
        self.values.extend(table.iter().map(|param| param.default));
        self
    }

    /// All parameters.
    pub fn table(&self) -> &[&'static Param] {
        &self.table
    }

    /// The parameter of this name.
    pub fn param(&self, id: &str) -> Option<&'static Param> {
        self.table.iter().copied().find(|param| param.id == id)
    }

    /// The value of a parameter of the table.
    ///
    /// # Panics
    /// If the table has no such parameter: its reader and its table are written side by side.
    pub fn get(&self, id: &str) -> f64 {
        let at = self.table.iter().position(|param| param.id == id);
        self.values[at.unwrap_or_else(|| panic!("no parameter `{id}` in the table"))]
    }

    /// Whether a switch is on.
    pub fn on(&self, id: &str) -> bool {
        self.get(id) != 0.0
    }

    /// Sets a value.
    ///
    /// # Errors
    /// [`ParamError`]; then nothing has changed.
    pub fn set(&mut self, id: &str, value: f64) -> Result<(), ParamError> {
        let at = self
            .table
            .iter()
            .position(|param| param.id == id)
            .ok_or_else(|| ParamError::Unknown { id: id.to_owned() })?;
        self.values[at] = self.table[at].check(value)?;
        Ok(())
    }

    /// (parameter, value), in table order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Param, f64)> {
        self.table.iter().copied().zip(self.values.iter().copied())
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id } => write!(f, "no parameter `{id}`"),
            Self::Malformed { id, text, expected } => {
                write!(f, "`{id}` cannot be `{text}`: expected {expected}")
            }
            Self::OutOfRange { id, value, min, max } => {
                write!(f, "`{id}` cannot be {value}: expected {min} to {max}")
            }
            Self::Contradiction { what } => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for ParamError {}

/// Six decimals, so that 0.1 + 0.2 prints as people wrote it.
fn round6(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Param] = &[
        Param {
            id: "a.share",
            unit: Unit::Ratio,
            default: 0.02,
            min: 0.0,
            max: 1.0,
            source: "",
            doc: "",
        },
        Param {
            id: "a.wait",
            unit: Unit::Seconds,
            default: 5.0,
            min: 0.1,
            max: 60.0,
            source: "",
            doc: "",
        },
        Param {
            id: "a.rule",
            unit: Unit::Choice(&["band", "smooth"]),
            default: 0.0,
            min: 0.0,
            max: 1.0,
            source: "",
            doc: "",
        },
    ];

    #[test]
    fn values_are_read_in_their_units() {
        assert_eq!(TABLE[0].parse("2%"), Ok(0.02));
        assert_eq!(TABLE[0].parse("0.5"), Ok(0.5));
        assert_eq!(TABLE[1].parse("250ms"), Ok(0.25));
        assert_eq!(TABLE[1].parse("1min"), Ok(60.0));
        assert_eq!(TABLE[2].parse("smooth"), Ok(1.0));
        assert!(matches!(TABLE[2].parse("softmax"), Err(ParamError::Malformed { .. })));
        assert!(matches!(TABLE[1].parse("2h"), Err(ParamError::OutOfRange { .. })));
    }

    #[test]
    fn a_refused_value_changes_nothing() {
        let mut settings = Settings::defaults(TABLE);
        assert!(settings.set("a.share", 1.5).is_err());
        assert_eq!(settings.get("a.share"), 0.02);
        assert!(matches!(settings.set("b", 1.0), Err(ParamError::Unknown { .. })));
    }

    #[test]
    fn what_is_shown_reads_back() {
        for (param, text) in [(&TABLE[0], "2.5%"), (&TABLE[1], "0.25s"), (&TABLE[2], "smooth")] {
            assert_eq!(param.show(param.parse(text).unwrap()), text);
        }
    }
}
