//! Exit codes. They are part of the interface: documented in `--help`, tested, never reused.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Something unexpected: a file that vanished, a disk that filled up.
    Unexpected = 1,
    /// A wrong command line, a bad input file, an output folder that cannot be written.
    Usage = 2,
    /// There was nothing to run.
    NothingRun = 4,
    /// An invariant or the determinism of a run is broken: a bug, not a result.
    Broken = 97,
    /// A check found something worse than its reference.
    Regression = 98,
    /// A check found that an expectation does not hold.
    ExpectationFailed = 99,
    /// Interrupted (Ctrl-C).
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The codes as `--help` shows them.
pub(super) const HELP: &str = "Exit codes:
    0  done
    1  something unexpected
    2  wrong usage, a bad input file, or an output folder that cannot be written
    4  nothing was run
   97  an invariant or the determinism of a run is broken (a bug: please report it)
   98  check: something is worse than the baseline, or than the other policy
   99  check: an expectation does not hold (whether or not something is worse)
  130  interrupted; files already written are whole";
