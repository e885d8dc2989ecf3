//! A balancer in another process: `cmd:COMMAND` is a policy whose decisions come over standard input and
//! output, one JSON object a line (docs/shim-protocol.md).
//!
//! Facts are sent together with the next question and need no answer; a question waits for its answer. So the
//! process sees what happened in the order in which it happened, and the run is as deterministic as the process
//! is. What it answers is checked like any policy's choice; once it fails, or says what makes no sense, every
//! further question is answered with a 503 here and the run is void ([`Policy::trouble`]).

mod wire;

#[cfg(test)]
mod tests;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::luck::unit;
use crate::engine::{Health, Limits, Outcome, Param, Settings, Span, Time, Unit};
use crate::policy::{
    Attempt, Family, Grade, Past, Policy, PolicySpec, Pool, Process, Request, RouteHistory,
    RouteId, RouteView, Sent, Step, Transition,
};

use super::child::Child;
use wire::{Answer, Fact, Question, Ready};

/// Version of the protocol.
pub const PROTOCOL: u32 = 1;

/// How long a question may stay open (our choice).
const PATIENCE: Duration = Duration::from_secs(10);

/// What the name of such a policy begins with.
pub const PREFIX: &str = "cmd:";

/// The parameter that carries the command: its one choice is the command itself.
const COMMAND: &str = "shim.command";

/// A policy that asks a process started with `command`, words separated by spaces. The entry lasts as long as
/// the program, as those of the registry do.
pub fn policy(command: &str) -> &'static PolicySpec {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let words: &'static [&'static str] = Box::leak(Box::new([leak(command.to_owned())]));
    let param = Param::new(
        COMMAND,
        Unit::Choice(words),
        0.0,
        (0.0, 0.0),
        "The command that is started for each run.",
    );
    Box::leak(Box::new(PolicySpec {
        name: leak(format!("{PREFIX}{command}")),
        product: "another process",
        source: "its author",
        doc: "Asks another process, over the protocol of docs/shim-protocol.md.",
        family: Family::Own,
        grade: Grade::Own,
        left_out: "",
        process: Process::ONE,
        params: Box::leak(Box::new([param])),
        preset: &[],
        build: |settings: &Settings, pool: &Pool, _: Time, seed: u64| {
            let unit = settings.param(COMMAND).map(|param| param.unit);
            match unit {
                Some(Unit::Choice(&[command])) => Ok(Box::new(Shim::start(command, pool, seed)?)),
                _ => Err("it has no command".to_owned()),
            }
        },
    }))
}

/// A policy in another process.
struct Shim {
    child: Child,
    /// Facts since the last question, as lines.
    facts: String,
    models: Vec<u16>,
    present: Vec<bool>,
    sets: Arc<[Vec<RouteId>]>,
    views: Vec<RouteView>,
    tick: Option<Span>,
    next_tick: Time,
    first_tokens: bool,
    attempts: u64,
    trouble: Option<String>,
}

impl Shim {
    /// Starts the process and tells it what there is to route to.
    fn start(command: &str, pool: &Pool, seed: u64) -> Result<Self, String> {
        let mut words = command.split_whitespace();
        let program = words.next().ok_or("no command; for example cmd:./shim")?;
        let mut child = Child::start(Command::new(program).args(words), PATIENCE)?;
        let hello = Question::Hello(wire::Hello::of(pool, seed));
        let line = child.ask(&hello.line())?;
        let Ready::Ready { protocol, tick_ms, first_tokens } =
            wire::read(&line, "hello", "{\"type\":\"ready\",\"protocol\":1}")?;
        if protocol != PROTOCOL {
            return Err(format!(
                "it speaks version {protocol} of the protocol, and this program version {PROTOCOL}"
            ));
        }
        let tick = tick_ms.filter(|ms| *ms > 0).map(Span::from_millis);
        Ok(Self {
            child,
            facts: String::new(),
            models: pool.routes.iter().map(|route| route.model.0).collect(),
            present: vec![true; pool.routes.len()],
            sets: Arc::clone(&pool.sets),
            views: vec![RouteView { weight: 1.0, ..RouteView::default() }; pool.routes.len()],
            tick,
            next_tick: tick.map_or(Time::NEVER, |tick| Time::ZERO + tick),
            first_tokens,
            attempts: 0,
            trouble: None,
        })
    }

    fn fact(&mut self, fact: &Fact) {
        if self.trouble.is_none() {
            self.facts += &wire::line(fact);
        }
    }

    /// Sends the facts and a question, and reads the answer.
    fn ask(&mut self, question: &Question) -> Option<String> {
        if self.trouble.is_some() {
            return None;
        }
        self.facts += &question.line();
        let answer = self.child.ask(&self.facts);
        self.facts.clear();
        self.or_trouble(answer)
    }

    /// What a request may not be sent to: what it is to avoid, and what it is not confined to.
    fn beyond(&self, request: &Request, avoid: &[RouteId]) -> Vec<RouteId> {
        let mut avoid = avoid.to_vec();
        if let Some(set) = request.set.index() {
            let all = (0..self.models.len() as u32).map(RouteId);
            avoid.extend(all.filter(|route| self.sets[set].binary_search(route).is_err()));
        }
        avoid
    }

    fn or_trouble<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|why| self.trouble = Some(why)).ok()
    }

    /// What to do with a request; `None` if the process cannot say.
    fn decide(
        &mut self,
        now: Time,
        request: &Request,
        past: &[Past],
        rule: &Rule<'_>,
    ) -> Option<Step> {
        let attempt = self.attempts + 1;
        let question = Question::Decide(wire::Decide::of(now, request, past, rule, attempt));
        let line = self.ask(&question)?;
        let answer = wire::read::<Answer>(&line, "decide", "{\"type\":\"send\",\"route\":0}");
        let step = answer.and_then(|answer| self.step(&answer, request, rule));
        let step = self.or_trouble(step)?;
        if let Step::Send(_) = step {
            self.attempts = attempt;
        }
        Some(step)
    }

    /// An answer as a step, if it is a legal one.
    fn step(&self, answer: &Answer, request: &Request, rule: &Rule<'_>) -> Result<Step, String> {
        match *answer {
            Answer::Send { route, ttft_timeout_ns, total_timeout_ns, explored } => {
                let at = route as usize;
                let n = self.models.len();
                let model = self.models.get(at).ok_or_else(|| {
                    format!("it chose route {route}, and routes are numbered 0 to {}", n - 1)
                })?;
                if *model != request.model.0 {
                    return Err(format!(
                        "it chose route {route} for model {}, and that route serves model {model}",
                        request.model.0
                    ));
                }
                if !self.present[at] {
                    return Err(format!("it chose route {route}, which was taken out"));
                }
                if rule.avoid.contains(&RouteId(route)) {
                    return Err(format!("it chose route {route}, which it was to avoid"));
                }
                Ok(Step::Send(Attempt {
                    route: RouteId(route),
                    ttft_timeout: ttft_timeout_ns.map(Span),
                    total_timeout: total_timeout_ns.map(Span),
                    tag: self.attempts + 1,
                    explored,
                }))
            }
            Answer::Wait { ns } if !rule.is_alone && ns > 0 => Ok(Step::Wait(Span(ns))),
            Answer::Wait { .. } if rule.is_alone => {
                Err("it answered `wait` where only `send` or `stop` is possible".to_owned())
            }
            Answer::Wait { .. } => Err("it waits for no time at all, for ever".to_owned()),
            Answer::Stop { status } if status == 0 || (100..600).contains(&status) => {
                Ok(Step::Stop { status })
            }
            Answer::Stop { status } => Err(format!("it answered with the HTTP status {status}")),
        }
    }
}

/// How a decision is asked for.
struct Rule<'a> {
    /// Whether the rule alone is wanted, without the retries around it.
    is_alone: bool,
    avoid: &'a [RouteId],
    waits: u32,
    luck: f64,
}

/// What a request is answered with once the process has failed.
const VOID: u16 = 503;

impl Policy for Shim {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        let avoid = &self.beyond(request, avoid);
        let rule = Rule { is_alone: true, avoid, waits: 0, luck: unit(luck) };
        match self.decide(now, request, &[], &rule)? {
            Step::Send(attempt) => Some(attempt),
            Step::Wait(_) | Step::Stop { .. } => None,
        }
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        let avoid = &self.beyond(request, &[]);
        let rule = Rule { is_alone: false, avoid, waits, luck: unit(luck) };
        self.decide(now, request, past, &rule).unwrap_or(Step::Stop { status: VOID })
    }

    fn on_headers(&mut self, now: Time, sent: &Sent, limits: &Limits) {
        self.fact(&Fact::headers(now, sent, limits));
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.fact(&Fact::FirstToken { now: now.0, attempt: sent.tag, route: sent.route.0 });
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.fact(&Fact::end(now, sent, outcome));
    }

    fn wants_first_token(&self) -> bool {
        self.first_tokens
    }

    fn next_wake(&self) -> Option<Time> {
        self.tick.map(|_| self.next_tick)
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        if let Some(tick) = self.tick {
            self.next_tick = now + tick;
        }
        let Some(line) = self.ask(&Question::Tick { now: now.0 }) else { return };
        let seen = wire::read::<wire::Seen>(&line, "tick", "{\"type\":\"seen\"}");
        let routes = self.views.len();
        let seen = seen.and_then(|seen| seen.checked(routes));
        let Some(seen) = self.or_trouble(seen) else { return };
        for view in seen {
            let route = &mut self.views[view.route as usize];
            route.weight = view.weight.unwrap_or(route.weight);
            let (from, to) = (route.health, view.state.map_or(route.health, Health::from));
            route.health = to;
            if from != to {
                let route = RouteId(view.route);
                changed(Transition { at: now, route, from, to, reason: "the process says so" });
            }
        }
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.present[route.index()] = present;
        self.fact(&Fact::Present { now: now.0, route: route.0, present });
    }

    fn remember(&mut self, now: Time, span: Span, history: &[RouteHistory]) {
        self.fact(&Fact::history(now, span, history));
    }

    fn show(&self, views: &mut [RouteView]) {
        views.copy_from_slice(&self.views);
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}
