//! What became of each key of a configuration.

use std::collections::BTreeMap;

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the scenario: as what.
    Understood(String),
    /// It does not matter to balancing: why.
    Ignored(&'static str),
    /// It matters, and the scenario does not have it: why.
    NotRepresented(String),
}

/// A key, and what became of it. Keys of list elements are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The key, e.g. `model_list[].litellm_params.tpm`.
    pub key: String,
    /// How often it comes.
    pub times: usize,
    /// What became of it.
    pub verdict: Verdict,
}

/// The account of a configuration.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<(String, String), (usize, Verdict)>);

impl Book {
    pub(super) fn understood(&mut self, key: &str, as_what: impl Into<String>) {
        self.mark(key, Verdict::Understood(as_what.into()));
    }

    pub(super) fn ignored(&mut self, key: &str, why: &'static str) {
        self.mark(key, Verdict::Ignored(why));
    }

    pub(super) fn missing(&mut self, key: &str, why: impl Into<String>) {
        self.mark(key, Verdict::NotRepresented(why.into()));
    }

    fn mark(&mut self, key: &str, verdict: Verdict) {
        let what = match &verdict {
            Verdict::Understood(what) => what.clone(),
            Verdict::Ignored(why) => (*why).to_owned(),
            Verdict::NotRepresented(why) => why.clone(),
        };
        self.0.entry((key.to_owned(), what)).or_insert((0, verdict)).0 += 1;
    }

    /// All keys, by name.
    pub(super) fn lines(self) -> Vec<Line> {
        let lines = self.0.into_iter();
        lines.map(|((key, _), (times, verdict))| Line { key, times, verdict }).collect()
    }
}
