//! `[[change]]`: what an operator does meanwhile.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::{Span, Time};
use crate::policy::Pool;
use crate::sim::spec::Change;

use super::at::At;
use super::error::Problem;
use super::fault::{On, routes};
use super::unit::Length;

/// An operator changes the gateway's configuration.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeFile {
    /// When, after the start of the run.
    at: Length,
    /// Which routes, as for faults: "azure", "azure/key-2", "azure:chat", ….
    on: On,
    /// What is done with them.
    kind: KindFile,
}

/// What is done with routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KindFile {
    /// They leave the configuration: nothing is sent there any more, attempts under way go on. A change at
    /// "0s" makes routes that come later.
    Remove,
    /// They are put (back) into the configuration.
    Add,
}

/// The changes in order of time.
pub(crate) fn changes(
    files: &[ChangeFile],
    pool: &Pool,
    horizon: Span,
) -> Result<Vec<Change>, Problem> {
    let mut changes = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        let at = At::top().key("change").item(index);
        if file.at.0 >= horizon {
            return Err(Problem::new(at.key("at"), format!("`{}` is after the run", at.key("at")))
                .expected(format!("the run ends at {horizon}")));
        }
        changes.push(Change {
            at: Time::ZERO + file.at.0,
            routes: routes(&file.on, None, &at.key("on"), pool)?,
            present: file.kind == KindFile::Add,
        });
    }
    changes.sort_by_key(|change| change.at);
    Ok(changes)
}
