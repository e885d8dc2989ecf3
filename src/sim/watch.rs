//! What a run tells somebody who follows it, for explanations, rewinding and timelines.
//!
//! A run stores nothing per request; whoever wants to know runs it again with a [`Watch`]. Watching changes
//! nothing: the run has the digest that it has unwatched.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::engine::{Explanation, Outcome, Span, Time};
use crate::metrics::recorder::Verdict;
use crate::policy::{Past, Policy, Request, RouteId, RouteView, Sent, Step, Transition, Truth};

use super::attempt::Stage;
use super::fleet::Node;
use super::spec::Client;
use super::telling::deadline;

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The first route of every request, nothing else: [`Watch::choices`].
    Choices,
    /// The first request that ends so: [`Watch::found`].
    First(Wanted),
    /// Requests with these numbers (from 1, in order of arrival), and all faults and changes of health.
    Lives(Range<u64>),
    /// The same, with how each decision was made.
    Decisions(Range<u64>),
}

/// What kind of request to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It failed, or was shed.
    Failed,
    /// It was answered after its deadline.
    Late,
    /// It needed more than one attempt.
    Retried,
    /// It arrived at this moment or later.
    ArrivedAt(Time),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A request arrived.
    Arrived {
        /// Its number.
        number: u64,
        /// What the gateway knows of it; the model is the one that a rule led it to, if one did.
        request: Request,
        /// Output tokens that its answer has.
        output: u32,
        /// How long its answer may take.
        deadline: Span,
    },
    /// The policy was asked what to do.
    Planned {
        /// Whose.
        number: u64,
        /// What it said.
        step: Step,
        /// What it was asked with, if decisions are watched.
        asked: Option<Box<Asked>>,
    },
    /// An attempt ended.
    Ended {
        /// Whose.
        number: u64,
        /// Where.
        route: RouteId,
        /// When it began.
        began: Time,
        /// From there to the first token, if there was one.
        ttft: Option<Span>,
        /// How it ended.
        outcome: Outcome,
    },
    /// A request got its result.
    Result {
        /// Whose.
        number: u64,
        /// Which.
        verdict: Verdict,
    },
    /// A fault began or ended.
    Edge {
        /// Its name.
        fault: String,
        /// Routes concerned.
        routes: Vec<u32>,
        /// Whether it begins.
        begins: bool,
    },
    /// A route changed its health.
    Changed(Transition),
}

/// What a policy was asked with, and how things stood.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The random word.
    pub luck: u64,
    /// Attempts of the request that had ended.
    pub past: Vec<Past>,
    /// How the policy came to its step, as far as it can say: one entry per draw that it made.
    pub notes: Vec<Explanation>,
    /// What it showed of its routes.
    pub views: Vec<RouteView>,
    /// How things stood in truth.
    pub truth: Vec<Truth>,
    /// Where the shadow would have sent it.
    pub shadow: Option<RouteId>,
}

/// Follows a run.
pub struct Watch {
    look: Look,
    /// What happened, in order.
    pub facts: Vec<(Time, Fact)>,
    /// For [`Look::Choices`]: when each request arrived and its first route (`u32::MAX` for none), in order.
    pub choices: Vec<(Time, u32)>,
    /// For [`Look::First`]: the number of the request.
    pub found: Option<u64>,
    /// A policy that is told everything and asked the same, without being followed.
    shadow: Option<Box<dyn Policy>>,
    /// Numbers of the requests followed, by their id.
    followed: BTreeMap<u64, u64>,
    /// Requests to come or without a result.
    left: u64,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("look", &self.look).field("facts", &self.facts.len()).finish()
    }
}

impl Watch {
    /// A watch of this kind.
    pub fn new(look: Look) -> Self {
        let left = match &look {
            Look::Lives(numbers) | Look::Decisions(numbers) => numbers.end - numbers.start,
            Look::First(_) => 1,
            Look::Choices => u64::MAX,
        };
        Self {
            look,
            facts: Vec::new(),
            choices: Vec::new(),
            found: None,
            shadow: None,
            followed: BTreeMap::new(),
            left,
        }
    }

    /// With a policy that is asked the same: what would it have done?
    #[must_use]
    pub fn shadowed(mut self, shadow: Box<dyn Policy>) -> Self {
        self.shadow = Some(shadow);
        self
    }

    /// Whether everything looked for has been seen.
    pub const fn is_over(&self) -> bool {
        self.left == 0 || self.found.is_some()
    }

    fn number(&self, id: u64) -> Option<u64> {
        self.followed.get(&id).copied()
    }

    fn has_facts(&self) -> bool {
        matches!(self.look, Look::Lives(_) | Look::Decisions(_))
    }

    /// A request arrives.
    pub(super) fn arrived(&mut self, number: u64, request: &Request, output: u32, deadline: Span) {
        let follows = match &self.look {
            Look::Choices => false,
            Look::First(Wanted::ArrivedAt(at)) => {
                if request.arrived >= *at && self.found.is_none() {
                    self.found = Some(number);
                }
                false
            }
            Look::First(_) => true,
            Look::Lives(numbers) | Look::Decisions(numbers) => numbers.contains(&number),
        };
        if follows {
            self.followed.insert(request.id, number);
        }
        if follows && self.has_facts() {
            let fact = Fact::Arrived { number, request: *request, output, deadline };
            self.facts.push((request.arrived, fact));
        }
    }

    /// The first step of a request; none where the gateway had no room for it.
    pub(super) fn began(&mut self, now: Time, step: Option<&Step>) {
        if self.look == Look::Choices {
            let route = match step {
                Some(Step::Send(attempt)) => attempt.route.0,
                Some(Step::Wait(_) | Step::Stop { .. }) | None => u32::MAX,
            };
            self.choices.push((now, route));
        }
    }

    fn asks(&self, id: u64) -> bool {
        self.has_facts() && self.followed.contains_key(&id)
    }

    fn ask(&mut self, now: Time, question: &Question<'_>, seen: &mut Seen<'_>) -> Step {
        let Question { request, past, waits, luck, client } = *question;
        let number = self.number(request.id).expect("only asked for requests that are followed");
        if matches!(self.look, Look::Lives(_)) {
            let step = seen.node.policy.next(now, request, past, waits, luck);
            self.facts.push((now, Fact::Planned { number, step, asked: None }));
            return step;
        }
        let mut views = vec![RouteView::default(); seen.routes];
        seen.node.policy.show(&mut views);
        let mut truth = vec![Truth::default(); seen.routes];
        seen.stage.truth(now, seen.node.region, &mut truth);
        let tried: Vec<RouteId> = past.iter().map(|past| past.route).collect();
        let shadow = self.shadow.as_mut().and_then(|shadow| {
            shadow.on_truth(now, &truth, deadline(client));
            shadow.choose(now, request, &tried, luck).map(|attempt| attempt.route)
        });
        seen.node.policy.note(true);
        let step = seen.node.policy.next(now, request, past, waits, luck);
        let notes = seen.node.policy.note(false);
        let asked = Asked { luck, past: past.to_vec(), notes, views, truth, shadow };
        self.facts.push((now, Fact::Planned { number, step, asked: Some(Box::new(asked)) }));
        step
    }

    /// An attempt ended.
    pub(super) fn ended(&mut self, now: Time, sent: &Sent, ttft: Option<Span>, outcome: Outcome) {
        if let Some(shadow) = &mut self.shadow {
            shadow.on_end(now, sent, &outcome);
        }
        let Some(number) = self.number(sent.request) else { return };
        match self.look {
            Look::First(Wanted::Retried) if sent.number > 0 && self.found.is_none() => {
                self.found = Some(number);
            }
            Look::Lives(_) | Look::Decisions(_) => {
                let (route, began) = (sent.route, sent.at);
                self.facts.push((now, Fact::Ended { number, route, began, ttft, outcome }));
            }
            Look::First(_) | Look::Choices => {}
        }
    }

    /// A request got its result.
    pub(super) fn concluded(&mut self, now: Time, id: u64, verdict: Verdict) {
        let Some(number) = self.followed.remove(&id) else { return };
        match self.look {
            Look::First(wanted) => {
                let fits = match wanted {
                    Wanted::Failed => matches!(verdict, Verdict::Failed | Verdict::Shed),
                    Wanted::Late => verdict == Verdict::Late,
                    Wanted::Retried | Wanted::ArrivedAt(_) => false,
                };
                if fits && self.found.is_none() {
                    self.found = Some(number);
                }
            }
            Look::Lives(_) | Look::Decisions(_) => {
                self.left = self.left.saturating_sub(1);
                self.facts.push((now, Fact::Result { number, verdict }));
            }
            Look::Choices => {}
        }
    }

    /// A fault begins or ends.
    pub(super) fn edge(&mut self, now: Time, fault: &str, routes: &[u32], begins: bool) {
        if self.has_facts() {
            let (fault, routes) = (fault.to_owned(), routes.to_vec());
            self.facts.push((now, Fact::Edge { fault, routes, begins }));
        }
    }

    /// A route changed its health.
    pub(super) fn changed(&mut self, change: Transition) {
        if self.has_facts() {
            self.facts.push((change.at, Fact::Changed(change)));
        }
    }
}

/// What the policy is asked.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) request: &'a Request,
    pub(super) past: &'a [Past],
    pub(super) waits: u32,
    pub(super) luck: u64,
    pub(super) client: &'a Client,
}

/// What is looked at while it is asked.
pub(super) struct Seen<'a> {
    pub(super) node: &'a mut Node,
    pub(super) stage: &'a Stage,
    pub(super) routes: usize,
}

/// Asks the policy, through the watch if the request is followed.
#[inline]
pub(super) fn ask(
    watch: &mut Option<Box<Watch>>,
    mut seen: Seen<'_>,
    now: Time,
    question: &Question<'_>,
) -> Step {
    match watch {
        Some(watch) if watch.asks(question.request.id) => watch.ask(now, question, &mut seen),
        _ => {
            let Question { request, past, waits, luck, .. } = *question;
            seen.node.policy.next(now, request, past, waits, luck)
        }
    }
}

impl Fact {
    /// The number of the request that it is about.
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Arrived { number, .. }
            | Self::Planned { number, .. }
            | Self::Ended { number, .. }
            | Self::Result { number, .. } => Some(*number),
            Self::Edge { .. } | Self::Changed(_) => None,
        }
    }
}
