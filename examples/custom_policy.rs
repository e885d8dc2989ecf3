//! A way to route of your own, in one file, through the same world as all others.
//!
//! `cargo run --release --example custom_policy` compares it with two that come with the program: "sticky" keeps a
//! session on one route until that route fails it, then moves on.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use windtunnel::engine::{Outcome, Param, Settings, Time, Unit, luck};
use windtunnel::experiment::compare::{ComparePlan, Contender, Layer, runs};
use windtunnel::experiment::{Silent, league};
use windtunnel::policy::part::Candidates;
use windtunnel::policy::{
    Attempt, Family, Grade, Policy, PolicySpec, Pool, Process, Request, RouteId, Sent, oracle,
    registry,
};
use windtunnel::{report, scenario};

/// What it may be given: help, `--set` and sweeps would read this table.
static TABLE: [Param; 1] = [Param::new(
    "sticky.slots",
    Unit::Count,
    1_024.0,
    (1.0, 1e6),
    "Sessions are hashed into this many slots.",
)];

static SPEC: PolicySpec = PolicySpec {
    name: "sticky",
    product: "an example",
    source: "our choice",
    doc: "Keeps a session on one route until that route fails it.",
    family: Family::Own,
    grade: Grade::Own,
    left_out: "",
    process: Process::ONE,
    params: &TABLE,
    preset: &[],
    build: |settings: &Settings, pool: &Pool, _: Time, _: u64| {
        let slots = settings.get("sticky.slots") as usize;
        Ok(Box::new(Sticky { candidates: Candidates::new(pool), homes: vec![None; slots] }))
    },
};

struct Sticky {
    candidates: Candidates,
    homes: Vec<Option<RouteId>>,
}

impl Sticky {
    fn slot(&self, session: u64) -> usize {
        luck::below(luck::mix(session, 1), self.homes.len() as u32) as usize
    }
}

impl Policy for Sticky {
    fn choose(
        &mut self,
        _: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let slot = self.slot(request.session);
        let here = |route: &RouteId| {
            self.candidates.has(*route) && self.candidates.model(*route) == request.model
        };
        let home = self.homes[slot].filter(here).filter(|home| !avoid.contains(home));
        let route = home.or_else(|| self.candidates.draw(request, avoid, luck))?;
        self.homes[slot] = Some(route);
        Some(Attempt { tag: slot as u64, ..Attempt::to(route) })
    }

    fn on_end(&mut self, _: Time, sent: &Sent, outcome: &Outcome) {
        let home = &mut self.homes[sent.tag as usize];
        if !outcome.is_done() && *home == Some(sent.route) {
            *home = None;
        }
    }

    fn set_present(&mut self, _: Time, route: RouteId, present: bool) {
        self.candidates.set_present(route, present);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sets = ["rps=500".to_owned()];
    let scenario = scenario::load("scenarios/error-burst.toml".as_ref(), &sets)?;
    let others = ["windtunnel", "random"].into_iter().filter_map(registry::find);
    let contenders: Vec<Contender> =
        others.chain([&SPEC, &oracle::SPEC]).map(Contender::of).collect();
    let plan = ComparePlan {
        scenarios: &[scenario],
        contenders: &contenders,
        layers: &[Layer::Shipped, Layer::Rule],
        seed: 1,
        replications: 5,
    };
    let rows = runs(&plan, Default::default(), &|_, _, _| Ok(()), &Silent)?;
    let (comparison, _) = league::league(&plan, &rows);
    println!("{}", report::league::text(&comparison));
    Ok(())
}
