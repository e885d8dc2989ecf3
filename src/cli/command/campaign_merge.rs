//! `windtunnel campaign merge`: parts to what one machine would have written, or no result at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Parser;

use super::campaign_plan::{finish, open};
use super::campaign_run::{PLAN, ROWS};
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::fail::{Failure, quote};
use crate::cli::style;
use crate::record::journal::{self, UnitId};
use crate::record::plan::PlannedUnit;
use crate::record::run_row::RunRow;
use crate::record::{self, store};

/// Join parts to what `compare` or `sweep` would have written.
///
/// A unit that is missing, or belongs to another plan, is an error; one that stands twice is dropped if both agree,
/// and an error if they do not. The result does not depend on how the units were split, on their order, or on where
/// they ran.
#[derive(Clone, Debug, Parser)]
pub(in crate::cli) struct Merge {
    /// Folders of parts, from `campaign run`
    #[arg(required = true)]
    parts: Vec<PathBuf>,
    /// Folder for results
    #[arg(long, value_name = "DIR", default_value = "results/campaign")]
    out: PathBuf,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Missing units that are named.
const NAMED: usize = 3;

pub(super) fn merge(args: &Merge) -> Result<(), Failure> {
    let usage = |what: String| Failure::new(Exit::Usage, what);
    let first = &args.parts[0];
    let opened = open(&first.join(PLAN))?;
    let known: BTreeSet<UnitId> = opened.ids.iter().copied().collect();
    let mut rows: BTreeMap<UnitId, (RunRow, &PathBuf)> = BTreeMap::new();
    let mut twice = 0;
    for part in &args.parts {
        if super::campaign_plan::read(&part.join(PLAN))?.digest() != opened.plan.digest() {
            let what = format!(
                "{} and {} are parts of different plans; name parts of one plan",
                first.display(),
                part.display()
            );
            return Err(usage(what));
        }
        let read = journal::read(&part.join(ROWS), &opened.tasks.columns());
        for (id, row) in read.map_err(|error| usage(error.to_string()))? {
            if !known.contains(&id) {
                let what = format!("{} has unit {id}, which is not in its plan", part.display());
                return Err(usage(what));
            }
            match rows.get(&id) {
                Some((other, from)) if *other != row => {
                    let what = format!(
                        "unit {id} gave one result in {} and another in {}: one of the machines or builds is not \
                         to be trusted, nor is any row of it",
                        from.display(),
                        part.display()
                    );
                    let plan = quote(&first.join(PLAN).to_string_lossy());
                    let line = format!("windtunnel campaign run {plan} --units {id}");
                    return Err(Failure::new(Exit::Broken, what).reproduce(line));
                }
                Some(_) => twice += 1,
                None => {
                    rows.insert(id, (row, part));
                }
            }
        }
    }
    let missing: Vec<usize> =
        (0..opened.ids.len()).filter(|at| !rows.contains_key(&opened.ids[*at])).collect();
    if !missing.is_empty() {
        return Err(incomplete(args, &opened.plan.units, &missing));
    }
    record::writable(&args.out).map_err(|error| Failure::new(Exit::Usage, error))?;
    if twice > 0 {
        style::note(&format!("{twice} units were there twice, with equal results"));
    }
    let rows = rows.into_iter().map(|(id, (row, _))| (id, row)).collect();
    store::remove(&args.out.join("journal.csv")).map_err(|e| Failure::new(Exit::Unexpected, e))?;
    finish(&opened, &rows, (&args.out, args.format))
}

fn incomplete(args: &Merge, units: &[PlannedUnit], missing: &[usize]) -> Failure {
    let named: Vec<String> = missing
        .iter()
        .take(NAMED)
        .map(|at| format!("  {} {}", units[*at].id, units[*at].what))
        .collect();
    let more = if missing.len() > NAMED { "\n  …" } else { "" };
    let what = format!(
        "{} of {} units are missing from these parts:\n{}{more}\n\
         Run the shards that are not done again; each goes on where it was. Or run what is left here:",
        missing.len(),
        units.len(),
        named.join("\n")
    );
    let first = &args.parts[0];
    let plan = quote(&first.join(PLAN).to_string_lossy());
    let out = quote(&first.to_string_lossy());
    Failure::new(Exit::Usage, what).reproduce(format!("windtunnel campaign run {plan} --out {out}"))
}
