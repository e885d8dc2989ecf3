//! The names that come most often, in bounded memory: when there are too many, the rarer half is
//! forgotten, and how much that may have cost a name is said (lossy counting, Manku & Motwani 2002).

use std::collections::BTreeMap;

use crate::trace::entry::Entry;

/// Names kept.
const KEPT: usize = 4_096;
/// Names shown.
const SHOWN: usize = 10;

/// What an entry adds to its names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    tokens: u64,
    error: u64,
    limited: u64,
}

/// What has come under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// The name; empty for rows without one.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// Tokens.
    pub tokens: u64,
    /// Requests that ended without an answer.
    pub errors: u64,
    /// Requests that were refused with 429.
    pub limited: u64,
}

/// The most frequent names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// The first of them.
    pub first: Vec<Share>,
    /// How many names there are; at least so many, where names were forgotten.
    pub names: usize,
    /// Counts may be too low by this much.
    pub error: u64,
}

/// Counts by name.
#[derive(Debug, Default)]
pub(super) struct Names {
    index: BTreeMap<String, usize>,
    all: Vec<Share>,
    last: usize,
    forgotten: usize,
    error: u64,
}

impl Weight {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            tokens: entry.tokens(),
            error: u64::from(entry.status.is_error()),
            limited: u64::from(entry.status.is_limited()),
        }
    }
}

impl Names {
    pub(super) fn add(&mut self, name: &str, weight: Weight) {
        // Rows of one name often follow each other.
        if self.all.get(self.last).is_none_or(|share| share.name != name) {
            self.last = match self.index.get(name) {
                Some(at) => *at,
                None => self.insert(name),
            };
        }
        let share = &mut self.all[self.last];
        share.requests += 1;
        share.tokens += weight.tokens;
        share.errors += weight.error;
        share.limited += weight.limited;
    }

    fn insert(&mut self, name: &str) -> usize {
        if self.all.len() >= 2 * KEPT {
            self.forget();
        }
        self.index.insert(name.to_owned(), self.all.len());
        self.all.push(Share { name: name.to_owned(), ..Share::default() });
        self.all.len() - 1
    }

    fn forget(&mut self) {
        self.sort();
        self.error += self.all[KEPT].requests;
        self.forgotten += self.all.len() - KEPT;
        self.all.truncate(KEPT);
        let places = self.all.iter().enumerate();
        self.index = places.map(|(at, share)| (share.name.clone(), at)).collect();
    }

    fn sort(&mut self) {
        self.all.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.name.cmp(&b.name)));
    }

    pub(super) fn top(mut self) -> Top {
        self.sort();
        let names = self.all.iter().filter(|share| !share.name.is_empty()).count();
        self.all.truncate(SHOWN);
        Top {
            first: self.all,
            names: names.max(self.forgotten.min(1) * 2 * KEPT),
            error: self.error,
        }
    }
}
