//! The threads that runs are spread over.

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::exit::Exit;
use super::fail::Failure;

/// As many threads as `--threads` says, or as there are cores.
pub(super) fn threads(wanted: Option<u16>) -> Result<ThreadPool, Failure> {
    ThreadPoolBuilder::new()
        .num_threads(wanted.map_or(0, usize::from))
        .build()
        .map_err(|error| Failure::new(Exit::Unexpected, error))
}
