//! A Ray cluster as the engine of a campaign.
//!
//! A small Python package drives the cluster: it takes unit ids on stdin, has tasks run `windtunnel campaign run
//! PLAN --units …`, and prints the rows that they gave. It keeps nothing: rows are checked and written here, so the
//! driver may die, and a cluster may lose nodes, at any moment.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::campaign_plan::Opened;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::progress::interrupted;
use crate::cli::style;
use crate::experiment::Progress;
use crate::experiment::unit::{Keeper, Units};
use crate::record::journal::UnitId;

/// Where to run, and how.
pub(super) struct Cluster<'a> {
    pub(super) plan: &'a Path,
    pub(super) address: &'a str,
    pub(super) python: &'a str,
    pub(super) task_units: u32,
}

/// Exit code of the package where Ray is missing.
const NO_RAY: i32 = 3;

/// Has the units at `missing` run, and gives each row to `keep` once.
pub(super) fn run(
    cluster: &Cluster<'_>,
    opened: &Opened,
    units: &dyn Units,
    missing: &[usize],
    keep: Keeper<'_>,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    if missing.is_empty() {
        return Ok(());
    }
    let unexpected = |what: String| Failure::new(Exit::Unexpected, what);
    let mut driver = start(cluster)?;
    let asked: String = missing.iter().map(|at| format!("{}\n", opened.ids[*at])).collect();
    let mut stdin = driver.stdin.take().expect("it was asked for");
    // A driver that ended early says why by its code.
    let _ = stdin.write_all(asked.as_bytes());
    drop(stdin);
    let columns = opened.tasks.columns();
    let mut left: BTreeMap<UnitId, usize> =
        missing.iter().map(|at| (opened.ids[*at], *at)).collect();
    let stdout = BufReader::new(driver.stdout.take().expect("it was asked for"));
    let mut trouble = None;
    for line in stdout.lines() {
        let row = line.ok().and_then(|line| columns.parse(&line));
        let Some((id, row)) = row else {
            style::note(
                "warning: a line from a worker is no row; its units run again with the same command",
            );
            continue;
        };
        // A task that was tried twice gives its rows twice.
        let Some(at) = left.remove(&id) else { continue };
        progress.simulated(units.length(at));
        if let Err(error) = keep(id, &units.what(at), &row) {
            trouble = Some(error);
            break;
        }
        if interrupted() {
            break;
        }
    }
    if trouble.is_some() || interrupted() {
        let _ = driver.kill();
    }
    let status = driver.wait().map_err(|error| unexpected(error.to_string()))?;
    let goes_on = "what is finished is kept, and the same command goes on from there";
    match (trouble, status.code()) {
        (Some(error), _) => Err(unexpected(format!("{error}; {goes_on}"))),
        (None, _) if interrupted() => {
            Err(Failure::new(Exit::Interrupted, format!("interrupted; {goes_on}")))
        }
        (None, Some(0)) if left.is_empty() => Ok(()),
        (None, Some(NO_RAY)) => Err(Failure::new(
            Exit::Usage,
            format!(
                "`{}` has no Ray: pip install ray, or name another with --python",
                cluster.python
            ),
        )),
        (None, _) => {
            Err(unexpected(format!("{} units were not run ({status}); {goes_on}", left.len())))
        }
    }
}

fn start(cluster: &Cluster<'_>) -> Result<Child, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::new(Exit::Unexpected, error))?;
    let mut command = Command::new(cluster.python);
    command.args(["-m", "windtunnel_ray", "--address", cluster.address]);
    command.arg("--plan").arg(cluster.plan).arg("--program").arg(program);
    if cluster.task_units > 0 {
        command.args(["--task-units", &cluster.task_units.to_string()]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().map_err(|error| {
        let what = format!(
            "cannot start `{}`: {error}; it needs Python 3.10 with the package in python/ (pip install './python[ray]')",
            cluster.python
        );
        Failure::new(Exit::Usage, what)
    })
}
