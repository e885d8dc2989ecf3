//! Doing something again whenever a file changes.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher};

use super::exit::Exit;
use super::fail::{Failure, quote};
use super::progress::{catch_interrupts, interrupted};
use super::style;

/// Between two looks at whether somebody pressed Ctrl-C.
const GLANCE: Duration = Duration::from_millis(100);
/// Editors write a file in several steps: what comes within this time is one change.
const SETTLED: Duration = Duration::from_millis(150);

/// Does it now and after each change of the file, until Ctrl-C. What goes wrong is printed, and the watch
/// goes on: the next change may mend it.
pub(super) fn watch(file: &Path, again: &dyn Fn() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_interrupts();
    let failed = |error: notify::Error| {
        let what = format!("cannot watch {}: {error}", file.display());
        Failure::new(Exit::Unexpected, what)
    };
    let (tell, changes) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(tell).map_err(failed)?;
    // The folder, because editors put a new file in the place of the old one.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    watcher.watch(folder.unwrap_or(Path::new(".")), RecursiveMode::NonRecursive).map_err(failed)?;
    loop {
        if let Err(failure) = again() {
            if failure.exit == Exit::Interrupted {
                return Err(failure);
            }
            failure.print();
        }
        style::note(&format!("watching {}; Ctrl-C ends it", file.display()));
        wait(file, &changes)?;
        style::note("");
    }
}

fn wait(
    file: &Path,
    changes: &mpsc::Receiver<notify::Result<notify::Event>>,
) -> Result<(), Failure> {
    let concerns = |event: &notify::Event| {
        let written = matches!(event.kind, EventKind::Modify(_) | EventKind::Create(_));
        written && event.paths.iter().any(|path| path.file_name() == file.file_name())
    };
    loop {
        if interrupted() {
            let line = format!("windtunnel run {} --watch", quote(&file.to_string_lossy()));
            let end = Failure::new(Exit::Interrupted, "the watch was ended; results are whole");
            return Err(end.reproduce(line));
        }
        match changes.recv_timeout(GLANCE) {
            Ok(Ok(event)) if concerns(&event) => {
                while changes.recv_timeout(SETTLED).is_ok() {}
                return Ok(());
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(
                    Exit::Unexpected,
                    "the system no longer tells of changes",
                ));
            }
        }
    }
}
