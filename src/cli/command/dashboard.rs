//! `windtunnel dashboard`: a live page of a running simulation.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::cli::args::seed;
use crate::cli::exit::Exit;
use crate::cli::fail::Failure;
use crate::cli::progress::{catch_interrupts, interrupted};
use crate::cli::style;
use crate::dashboard::{ServeError, Session, serve};
use crate::scenario;

/// Watch and disturb a running simulation in a browser.
///
/// Weights, states, actual against expected traffic, held keys and changes of health of every route, at a chosen
/// speed. Faults can be injected and thresholds changed while it runs; what is saved is a scenario that runs to the
/// same digest.
#[derive(Debug, Parser)]
pub(in crate::cli) struct Dashboard {
    /// The scenario file
    #[arg(default_value = "scenarios/error-burst.toml")]
    scenario: PathBuf,
    /// Policy instead of the scenario's own
    #[arg(long)]
    policy: Option<String>,
    /// A second policy beside it, on the same luck
    #[arg(long, value_name = "POLICY")]
    against: Option<String>,
    /// Seed [default: the scenario's, else 1]
    #[arg(long, value_parser = seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Override any key of the scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// Where to listen; another address than the loopback is reachable by others who know the token
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

pub(super) fn run(args: &Dashboard) -> Result<(), Failure> {
    let mut sets = args.sets.clone();
    if let Some(name) = &args.policy {
        super::policy(name)?;
        sets.insert(0, format!("policy={name}"));
    }
    let scenario = scenario::load(&args.scenario, &sets)
        .map_err(|error| Failure::pointing(Exit::Usage, &error))?;
    let against = match &args.against {
        Some(name) => {
            let spec = super::policy(name)?;
            Some((spec, spec.settings()))
        }
        None => None,
    };
    let seed = args.seed.unwrap_or(scenario.seed_default);
    let session =
        Session::new(&scenario, seed, against).map_err(|error| Failure::new(Exit::Usage, error))?;
    catch_interrupts();
    let ready = |served: &crate::dashboard::Served| {
        style::data(&served.url());
        if !args.listen.ip().is_loopback() {
            style::note("not only this machine can reach it: keep the address to yourself");
        }
        style::note("open the address in a browser; Ctrl-C ends it");
    };
    serve(session, &scenario, args.listen, ready, interrupted).map_err(|error| {
        let exit =
            if matches!(error, ServeError::Listen { .. }) { Exit::Usage } else { Exit::Unexpected };
        Failure::new(exit, error)
    })
}
