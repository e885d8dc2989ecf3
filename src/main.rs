//! The command line; everything is in the library.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts allocations, so that `bench` can show that a decision makes none.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    windtunnel::cli::run(std::env::args_os(), || ALLOCATOR.stats().allocations as u64)
}
