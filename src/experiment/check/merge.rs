//! Parts of a check, joined: the same bytes as one machine would have written.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::record::check::CheckReport;

use super::verdict;

/// Why parts cannot be joined.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MergeError {
    /// There is none.
    #[error("there is no part to merge")]
    Nothing,
    /// It is no part.
    #[error(
        "{file} is a whole check, not a part of one: `check --shard I/N --format json` makes parts"
    )]
    Whole {
        /// Its file.
        file: String,
    },
    /// Of another check.
    #[error(
        "{file} is not of the same check as {first}: other scenarios, policies, baseline or options"
    )]
    Foreign {
        /// Its file.
        file: String,
        /// The file that it was compared with.
        first: String,
    },
    /// Twice.
    #[error("{file} is part {index}/{of} again")]
    Twice {
        /// Its file.
        file: String,
        /// Which part.
        index: u32,
        /// Of how many.
        of: u32,
    },
    /// Incomplete.
    #[error("part {} of {of} is missing", .missing.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    Missing {
        /// Which.
        missing: Vec<u32>,
        /// Of how many.
        of: u32,
    },
}

/// Joins the parts of a check, each with the name of its file, in any order.
///
/// # Errors
/// [`MergeError`], if they are not all parts of one check, each once.
pub fn merge(parts: Vec<(String, CheckReport)>) -> Result<CheckReport, MergeError> {
    let (first, plan, of) = match parts.first() {
        None => return Err(MergeError::Nothing),
        Some((file, part)) => match part.shard {
            None => return Err(MergeError::Whole { file: file.clone() }),
            Some(shard) => (file.clone(), part.plan.clone(), shard.of),
        },
    };
    let mut seen = BTreeSet::new();
    let mut whole = CheckReport { shard: None, subjects: Vec::new(), ..parts[0].1.clone() };
    for (file, part) in parts {
        let Some(shard) = part.shard else { return Err(MergeError::Whole { file }) };
        if part.plan != plan || shard.of != of {
            return Err(MergeError::Foreign { file, first });
        }
        if !seen.insert(shard.index) {
            return Err(MergeError::Twice { file, index: shard.index, of });
        }
        whole.subjects.extend(part.subjects);
    }
    let missing: Vec<u32> = (1..=of).filter(|index| !seen.contains(index)).collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing { missing, of });
    }
    whole.subjects.sort_by_key(|subject| subject.place);
    verdict::judge(&mut whole);
    Ok(whole)
}
