//! Why a request went as it did: the run is made again with somebody watching that request.

use thiserror::Error;

use crate::engine::{Outcome, Refusal, Span, Time};
use crate::policy::{Pool, RouteId, Step as PolicyStep, Truth, oracle};
use crate::record::decision::{Decision, PartsRow};
use crate::record::explained::{
    ChangeRow, EXPLAINED_VERSION, Explained, FaultRow, OutcomeRow, Parting, RequestRow, Shown, Step,
};
use crate::record::significant;
use crate::sim::watch::{Asked, Fact, Look, Wanted};
use crate::sim::{Watch, World};

use super::progress::Progress;
use super::run::{RunError, RunPlan, described, seed_of, world};

/// Which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The one with this number, from 1, in order of arrival.
    Number(u64),
    /// The first of this kind.
    First(Wanted),
}

/// Why nothing was explained.
#[derive(Debug, Error)]
pub enum ExplainError {
    /// The run itself.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The run has fewer requests.
    #[error("request {number} does not exist: the run has {arrived} requests")]
    Number {
        /// What was asked for.
        number: u64,
        /// How many there are.
        arrived: u64,
    },
    /// None of that kind.
    #[error("no request of this run {what} ({arrived} arrived)")]
    None {
        /// Such as `failed`.
        what: &'static str,
        /// How many there are.
        arrived: u64,
    },
    /// Requests of closed-loop classes depend on the policy.
    #[error(
        "class `{class}` is a closed loop: its requests come when answers come, so two policies do not meet the same ones"
    )]
    ClosedLoop {
        /// The class.
        class: String,
    },
}

/// Virtual time between two looks at what is watched.
const STRIDE: Span = Span::from_secs(1);

/// Runs until the watch has seen what it wants, or to the end.
pub(super) fn watched(
    mut world: World<'_>,
    watch: Watch,
    progress: &dyn Progress,
) -> Result<(Watch, u64), RunError> {
    world.follow(watch);
    loop {
        let before = world.now();
        let goes_on = world.advance(before + STRIDE);
        progress.simulated(world.now() - before);
        let is_over = world.watch().is_none_or(Watch::is_over);
        if !goes_on || is_over {
            let arrived = world.arrived();
            return Ok((world.unfollow().expect("it was followed"), arrived));
        }
        if progress.interrupted() {
            return Err(RunError::Interrupted);
        }
    }
}

/// The number of the request that is meant.
///
/// # Errors
/// [`ExplainError`] if there is none.
pub fn number(
    plan: &RunPlan<'_>,
    replication: u32,
    pick: Pick,
    progress: &dyn Progress,
) -> Result<u64, ExplainError> {
    let wanted = match pick {
        Pick::Number(number) => return Ok(number),
        Pick::First(wanted) => wanted,
    };
    let watch = Watch::new(Look::First(wanted));
    let (watch, arrived) = watched(world(plan, replication)?, watch, progress)?;
    watch.found.ok_or(ExplainError::None {
        what: match wanted {
            Wanted::Failed => "failed",
            Wanted::Late => "was late",
            Wanted::Retried => "was tried again",
            Wanted::ArrivedAt(_) => "arrived then or later",
        },
        arrived,
    })
}

/// Explains one request of a replication.
///
/// # Errors
/// [`ExplainError`].
pub fn explain(
    plan: &RunPlan<'_>,
    replication: u32,
    pick: Pick,
    progress: &dyn Progress,
) -> Result<Explained, ExplainError> {
    let number = number(plan, replication, pick, progress)?;
    let pool = &plan.scenario.spec.pool;
    let seed = seed_of(plan.seed, replication);
    let oracle = oracle::SPEC
        .make(&oracle::SPEC.settings(), pool, Time::ZERO, seed)
        .expect("the oracle's preset is legal");
    let watch = Watch::new(Look::Decisions(number..number + 1)).shadowed(oracle);
    let (watch, arrived) = watched(world(plan, replication)?, watch, progress)?;
    story(plan, replication, number, &watch.facts).ok_or(ExplainError::Number { number, arrived })
}

/// Tells the facts of one request.
fn story(
    plan: &RunPlan<'_>,
    replication: u32,
    number: u64,
    facts: &[(Time, Fact)],
) -> Option<Explained> {
    let spec = &plan.scenario.spec;
    let pool = &spec.pool;
    let name = |route: u32| pool.routes[route as usize].name.clone();
    let (request, output, deadline) = facts.iter().find_map(|(_, fact)| match fact {
        Fact::Arrived { number: n, request, output, deadline } if *n == number => {
            Some((*request, *output, *deadline))
        }
        _ => None,
    })?;
    let mut told = Explained {
        schema_version: EXPLAINED_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: spec.name.clone(),
        policy: described(plan.policy, plan.settings),
        seed: plan.seed,
        replication,
        counterfactual: false,
        request: RequestRow {
            number,
            at_s: request.arrived.as_secs_f64(),
            model: pool.models[usize::from(request.model.0)].clone(),
            class: Some(spec.classes[usize::from(request.class)].name.clone()),
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            output_tokens: Some(output),
            streamed: Some(request.streamed),
            deadline_s: Some(deadline.as_secs_f64()),
        },
        faults: Vec::new(),
        steps: Vec::new(),
        result: None,
        took_s: None,
        changes: Vec::new(),
    };
    for (at, fact) in facts {
        match fact {
            Fact::Edge { fault, routes, begins } if *at <= request.arrived => {
                told.faults.retain(|on| on.name != *fault);
                if *begins {
                    let routes = routes.iter().map(|&route| name(route)).collect();
                    let since_s = at.as_secs_f64();
                    told.faults.push(FaultRow { name: fault.clone(), since_s, routes });
                }
            }
            Fact::Changed(change)
                if *at <= request.arrived
                    && pool.routes[change.route.index()].model == request.model =>
            {
                told.changes.push(ChangeRow {
                    at_s: at.as_secs_f64(),
                    route: name(change.route.0),
                    from: change.from.name().to_owned(),
                    to: change.to.name().to_owned(),
                    reason: change.reason.to_owned(),
                });
            }
            Fact::Planned { number: n, step, asked: Some(asked) } if *n == number => {
                let tokens = (request.prompt_tokens, output);
                told.steps.push(planned(*at, step, asked, pool, request.model, tokens));
            }
            Fact::Ended { number: n, began, ttft, outcome, .. } if *n == number => {
                if let Some(step) = told.steps.last_mut() {
                    step.outcome = Some(OutcomeRow {
                        at_s: at.as_secs_f64(),
                        took_s: at.since(*began).as_secs_f64(),
                        ttft_s: ttft.map(Span::as_secs_f64),
                        how: in_words(*outcome),
                        status: outcome.status(),
                    });
                }
            }
            Fact::Result { number: n, verdict } if *n == number => {
                told.result = Some(verdict.name().to_owned());
                told.took_s = Some(at.since(request.arrived).as_secs_f64());
            }
            _ => {}
        }
    }
    Some(told)
}

fn planned(
    at: Time,
    step: &PolicyStep,
    asked: &Asked,
    pool: &Pool,
    model: crate::policy::ModelId,
    (prompt, output): (u32, u32),
) -> Step {
    let name = |route: RouteId| pool.routes[route.index()].name.clone();
    let (mut does, mut route, mut wait_s, mut status, mut explored) =
        ("send", None, None, None, false);
    match step {
        PolicyStep::Send(attempt) => {
            route = Some(name(attempt.route));
            explored = attempt.explored;
        }
        PolicyStep::Wait(span) => {
            does = "wait";
            wait_s = Some(span.as_secs_f64());
        }
        PolicyStep::Stop { status: with } => {
            does = "stop";
            status = Some(*with);
        }
    }
    let mean = |truth: &Truth| {
        truth.ttft_s + truth.prompt_s * f64::from(prompt) + truth.decode_s * f64::from(output)
    };
    let of_model = (pool.routes.iter().enumerate()).filter(|(_, route)| route.model == model);
    let shown = of_model.map(|(at, route)| {
        let (view, truth) = (&asked.views[at], &asked.truth[at]);
        let [error, latency, utilization, momentum] = view.parts.map(significant);
        let left = truth.tokens_left.is_finite().then(|| significant(truth.tokens_left));
        Shown {
            route: route.name.clone(),
            weight: significant(view.weight),
            state: view.health.name().to_owned(),
            probability: significant(view.expected),
            parts: PartsRow { error, latency, utilization, momentum },
            works: significant(truth.works),
            tokens_left: left,
            mean_s: significant(mean(truth)),
        }
    });
    Step {
        at_s: at.as_secs_f64(),
        does: does.to_owned(),
        route,
        wait_s,
        status,
        explored,
        luck: format!("{:016x}", asked.luck),
        decisions: asked.notes.iter().map(Decision::new).collect(),
        shown: shown.collect(),
        oracle: asked.shadow.map(name),
        outcome: None,
    }
}

/// An outcome in words.
pub fn in_words(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done { prompt_tokens, output_tokens } => {
            format!("done, {prompt_tokens} + {output_tokens} tokens")
        }
        Outcome::RateLimited { retry_after: None } => "429".to_owned(),
        Outcome::RateLimited { retry_after: Some(hint) } => format!("429, retry after {hint}"),
        Outcome::ServerError { status } => status.to_string(),
        Outcome::Unreachable => "no connection".to_owned(),
        Outcome::Timeout => "timeout".to_owned(),
        Outcome::StreamBroken { output_tokens, .. } => {
            format!("stream broke after {output_tokens} tokens")
        }
        Outcome::KeyRefused { class } => {
            let why = match class {
                Refusal::Credential => "key rejected",
                Refusal::Quota => "out of quota",
                Refusal::ModelAccess => "no model access",
                Refusal::ModelGone => "model retired",
                Refusal::RegionBlocked => "region blocked",
            };
            format!("{} {why}", outcome.status())
        }
        Outcome::CallerFault { status } => format!("{status}, the caller's fault"),
        Outcome::Cancelled => "the client went away".to_owned(),
    }
}

/// Where two plans over the same requests part: the first request that their policies send elsewhere, explained
/// under both, and how often they differ over time.
///
/// # Errors
/// [`ExplainError`].
pub fn parting(
    plans: [&RunPlan<'_>; 2],
    replication: u32,
    progress: &dyn Progress,
) -> Result<Parting, ExplainError> {
    let spec = &plans[0].scenario.spec;
    let closed = |class: &&crate::sim::spec::Class| {
        matches!(class.arrivals, crate::sim::spec::Arrivals::Closed { .. })
    };
    if let Some(class) = spec.classes.iter().find(closed) {
        return Err(ExplainError::ClosedLoop { class: class.name.clone() });
    }
    let choices = |plan| -> Result<Vec<(Time, u32)>, ExplainError> {
        let watch = Watch::new(Look::Choices);
        Ok(watched(world(plan, replication)?, watch, progress)?.0.choices)
    };
    let (one, other) = (choices(plans[0])?, choices(plans[1])?);
    let bin_s = (spec.horizon.0.div_ceil(1_000_000_000)).div_ceil(60).max(1);
    let mut over_time: Vec<[f64; 3]> = Vec::new();
    let (mut differ, mut first) = (0, None);
    // Arrivals after the horizon end with the run, which differs.
    let both = one.iter().zip(&other).take_while(|((at, _), _)| at.0 < spec.horizon.0);
    let mut requests = 0;
    for (index, ((at, here), (_, there))) in both.enumerate() {
        requests += 1;
        let bin = (at.0 / (bin_s * 1_000_000_000)) as usize;
        while over_time.len() <= bin {
            over_time.push([(over_time.len() as u64 * bin_s) as f64, 0.0, 0.0]);
        }
        over_time[bin][1] += 1.0;
        if here != there {
            over_time[bin][2] += 1.0;
            differ += 1;
            first = first.or(Some(index as u64 + 1));
        }
    }
    let mut explained = Vec::new();
    if let Some(number) = first {
        for plan in plans {
            explained.push(explain(plan, replication, Pick::Number(number), progress)?);
        }
    }
    Ok(Parting { schema_version: EXPLAINED_VERSION, requests, differ, first, over_time, explained })
}
