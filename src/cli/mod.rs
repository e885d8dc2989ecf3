//! The command line: the only code that prints, or reads arguments, environment and terminal.

mod args;
mod command;
mod config;
mod exit;
mod fail;
mod progress;
mod style;
mod threads;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;

/// Counts the heap allocations of the process so far.
pub type Allocations = fn() -> u64;

/// Parses arguments, does what they say, prints an error once, and gives the exit code. `allocations` comes
/// from the program's allocator.
pub fn run(args: impl IntoIterator<Item = OsString>, allocations: Allocations) -> ExitCode {
    let args = match args::Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // clap prints help and version to stdout (code 0), its complaints to stderr (code 2).
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok }.into();
        }
    };
    match command::dispatch(&args, allocations) {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}
