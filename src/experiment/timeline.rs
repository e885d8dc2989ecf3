//! A stretch of a run as a timeline in the trace format of Chrome and Perfetto, on virtual time: requests with
//! their attempts, attempts by route, states, faults.

use serde_json::{Value, json};

use crate::engine::{Health, Span, Time};
use crate::policy::Step;
use crate::sim::Watch;
use crate::sim::watch::{Fact, Look};

use super::explain::{ExplainError, Pick, in_words, number, watched};
use super::progress::Progress;
use super::run::{RunPlan, world};

/// Process numbers: Perfetto shows one group each.
const REQUESTS: u32 = 1;
const ROUTES: u32 = 2;
const STATES: u32 = 3;
const FAULTS: u32 = 4;

/// The lives of `count` requests from `pick` on, and the states and faults until the last of them ended, as
/// JSON. Attempts that overlap are asynchronous slices, so that each route has one track.
///
/// # Errors
/// [`ExplainError`].
pub fn timeline(
    plan: &RunPlan<'_>,
    replication: u32,
    pick: Pick,
    count: u64,
    progress: &dyn Progress,
) -> Result<String, ExplainError> {
    let from = number(plan, replication, pick, progress)?;
    let watch = Watch::new(Look::Lives(from..from + count));
    let (watch, arrived) = watched(world(plan, replication)?, watch, progress)?;
    if from > arrived {
        return Err(ExplainError::Number { number: from, arrived });
    }
    Ok(written(plan, &watch.facts))
}

fn written(plan: &RunPlan<'_>, facts: &[(Time, Fact)]) -> String {
    let pool = &plan.scenario.spec.pool;
    let ending = facts.last().map_or(Time::ZERO, |(at, _)| *at);
    let mut events: Vec<Value> = Vec::new();
    for (pid, name) in [
        (REQUESTS, "requests"),
        (ROUTES, "attempts by route"),
        (STATES, "states"),
        (FAULTS, "faults"),
    ] {
        events.push(
            json!({ "ph": "M", "pid": pid, "name": "process_name", "args": { "name": name } }),
        );
        let order = json!({ "sort_index": pid });
        events.push(json!({ "ph": "M", "pid": pid, "name": "process_sort_index", "args": order }));
    }
    for pid in [ROUTES, STATES] {
        for (tid, route) in pool.routes.iter().enumerate() {
            let name = json!({ "name": route.name });
            events.push(
                json!({ "ph": "M", "pid": pid, "tid": tid + 1, "name": "thread_name", "args": name }),
            );
        }
    }
    let us = |at: Time| at.0 as f64 / 1e3;
    let slice = |ph: &str, pid: u32, tid: usize, id: String, name: &str, at: Time, args: Value| {
        json!({ "ph": ph, "cat": "windtunnel", "pid": pid, "tid": tid, "id": id, "name": name,
                "ts": us(at), "args": args })
    };
    let mut states: Vec<(Health, Time, &str)> =
        vec![(Health::Healthy, Time::ZERO, "from the start"); pool.routes.len()];
    let state = |route: usize, (health, since, why): (Health, Time, &str), until: Time| {
        json!({ "ph": "X", "cat": "state", "pid": STATES, "tid": route + 1, "name": health.name(),
                "ts": us(since), "dur": us(until) - us(since), "args": { "reason": why } })
    };
    let mut attempts = 0u64;
    for (at, fact) in facts {
        match fact {
            Fact::Arrived { number, request, output, .. } => {
                let args = json!({
                    "model": pool.models[usize::from(request.model.0)],
                    "prompt_tokens": request.prompt_tokens, "output_tokens": output,
                    "streamed": request.streamed });
                let name = format!("request {number}");
                events.push(slice("b", REQUESTS, 0, format!("r{number}"), &name, *at, args));
            }
            Fact::Planned { number, step, .. } => {
                let does = match step {
                    Step::Send(attempt) => format!("→ {}", pool.routes[attempt.route.index()].name),
                    Step::Wait(span) => format!("waits {span}"),
                    Step::Stop { status } => format!("stops: {status}"),
                };
                events.push(slice("n", REQUESTS, 0, format!("r{number}"), &does, *at, json!({})));
            }
            Fact::Ended { number, route, began, ttft, outcome } => {
                attempts += 1;
                let id = format!("a{attempts}");
                let how = in_words(*outcome);
                let first = ttft.map(Span::as_secs_f64);
                let args = json!({ "request": number, "outcome": how, "status": outcome.status(),
                                   "ttft_s": first });
                let (tid, name) = (route.index() + 1, &pool.routes[route.index()].name);
                events.push(slice("b", ROUTES, tid, id.clone(), name, *began, args.clone()));
                events.push(slice("e", ROUTES, tid, id, name, *at, json!({})));
                let of = format!("r{number}");
                events.push(slice("b", REQUESTS, 0, of.clone(), name, *began, args));
                events.push(slice("e", REQUESTS, 0, of, name, *at, json!({})));
            }
            Fact::Result { number, verdict } => {
                let (name, args) =
                    (format!("request {number}"), json!({ "result": verdict.name() }));
                events.push(slice("e", REQUESTS, 0, format!("r{number}"), &name, *at, args));
            }
            Fact::Edge { fault, begins, .. } => {
                let ph = if *begins { "b" } else { "e" };
                events.push(slice(ph, FAULTS, 0, format!("f-{fault}"), fault, *at, json!({})));
            }
            Fact::Changed(change) => {
                let route = change.route.index();
                events.push(state(route, states[route], *at));
                states[route] = (change.to, *at, change.reason);
            }
        }
    }
    events.extend(states.iter().enumerate().map(|(route, now)| state(route, *now, ending)));
    let trace = json!({ "displayTimeUnit": "ms", "traceEvents": events });
    let mut text = trace.to_string();
    text.push('\n');
    text
}
