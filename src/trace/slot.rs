//! What was read of a row before anybody knows what it means: one slot for each place that a map
//! names. Slots are reused from row to row, so reading allocates nothing once they have grown.

/// A scalar of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    pub(super) whole: u64,
    pub(super) number: f64,
    pub(super) text: String,
    /// Whether a list of whole numbers may stand here, and that list.
    pub(super) lists: bool,
    pub(super) list: Vec<u64>,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or null.
    #[default]
    None,
    /// A whole number ≥ 0.
    Whole,
    /// Another number.
    Number,
    /// A text.
    Text,
    /// A truth.
    True,
    /// An untruth.
    False,
    /// A list of whole numbers.
    List,
}

/// Longest text that is kept; names and stamps are shorter.
const TEXT_MAX: usize = 256;

impl Slot {
    pub(super) fn put_text(&mut self, text: &str) {
        let text = text.trim_ascii();
        if text.is_empty() {
            return;
        }
        let end = match text.len() {
            short if short <= TEXT_MAX => short,
            _ => (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0),
        };
        self.text.clear();
        self.text.push_str(&text[..end]);
        self.kind = Kind::Text;
    }

    pub(super) fn put_whole(&mut self, whole: u64) {
        self.whole = whole;
        self.kind = Kind::Whole;
    }

    pub(super) fn put_number(&mut self, number: f64) {
        self.number = number;
        self.kind = Kind::Number;
    }

    /// Begins a list; its old elements go.
    pub(super) fn put_list(&mut self) -> &mut Vec<u64> {
        self.kind = Kind::List;
        self.list.clear();
        &mut self.list
    }

    pub(super) fn put_truth(&mut self, truth: bool) {
        self.kind = if truth { Kind::True } else { Kind::False };
    }

    /// As a number, whether it was written as one or as text.
    pub(super) fn as_f64(&self) -> Option<f64> {
        let number = match self.kind {
            Kind::Whole => self.whole as f64,
            Kind::Number => self.number,
            Kind::Text => self.text.parse().ok()?,
            Kind::None | Kind::True | Kind::False | Kind::List => return None,
        };
        number.is_finite().then_some(number)
    }

    /// As a whole number; `1024.0` is one.
    pub(super) fn as_u64(&self) -> Option<u64> {
        match self.kind {
            Kind::Whole => Some(self.whole),
            Kind::Text => match self.text.parse() {
                Ok(whole) => Some(whole),
                Err(_) => whole(self.text.parse().ok()?),
            },
            Kind::Number => whole(self.number),
            Kind::None | Kind::True | Kind::False | Kind::List => None,
        }
    }

    /// What stands there, for a message. Only numbers and stamps are shown as they are: text may be
    /// part of somebody's prompt.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::None => "nothing".into(),
            Kind::Whole => self.whole.to_string(),
            Kind::Number => self.number.to_string(),
            Kind::True => "true".into(),
            Kind::False => "false".into(),
            Kind::Text => shown(&self.text),
            Kind::List => format!("a list of {}", self.list.len()),
        }
    }
}

/// A text as a message may show it.
pub(super) fn shown(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_digit() || " :.,+-/TZe%".contains(c);
    if text.is_empty() {
        "nothing".into()
    } else if text.len() <= 40 && text.chars().all(is_plain) {
        text.into()
    } else {
        format!("a text of {} characters", text.chars().count())
    }
}

fn whole(number: f64) -> Option<u64> {
    ((0.0..9e15).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}
