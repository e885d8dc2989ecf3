//! `[[class]]`: kinds of clients, each of them the workload with changes.

use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::engine::Span;
use crate::sim::prefix::Conversation;
use crate::sim::spec::{Arrivals, Class, Gaps, Rate, Replay};

use super::arrivals::ArrivalsFile;
use super::at::At;
use super::caching::ConversationFile;
use super::client::ClientFile;
use super::error::Problem;
use super::file::ScenarioFile;
use super::mix;
use super::ordered::Ordered;
use super::rate::RateFile;
use super::tokens::{OutputFile, TokensFile};
use super::unit::{Count, Number, Share};
use super::workload::{CacheFile, ClosedFile, WorkloadFile};

/// A kind of client; every key of `[workload]` may be said here too and then overrides it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassFile {
    /// Name, unique.
    name: String,
    /// Weight of this class in the scenario's rps. Default 1.
    share: Option<Number>,
    /// Requests per second of its own, on top of the scenario's rps.
    rps: Option<Number>,
    /// How requests are spaced.
    arrivals: Option<ArrivalsFile>,
    /// How the rate changes over time.
    rate: Option<RateFile>,
    /// A closed loop instead of arrivals.
    closed: Option<ClosedFile>,
    /// Models asked for, with their weights.
    models: Option<Ordered<Number>>,
    /// Prompt tokens.
    prompt: Option<TokensFile>,
    /// Output tokens.
    output: Option<OutputFile>,
    /// Share of requests that stream.
    stream: Option<Share>,
    /// What the client expects and does; key by key.
    client: Option<ClientFile>,
    /// Sessions that requests are spread over.
    sessions: Option<Count>,
    /// Weights of prompt topics.
    topics: Option<Vec<Number>>,
    /// Conversations whose prompts grow.
    conversation: Option<ConversationFile>,
    /// Answers that the gateway has stored.
    cache: Option<CacheFile>,
}

/// Above this, a run of minutes holds more requests than anybody waits for.
const RPS_MAX: f64 = 1e7;
const CLIENTS_MAX: u64 = 10_000_000;
/// Seconds that an answer may take, where only the order of magnitude matters (our choice).
const ANSWER_GUESS_S: f64 = 2.0;
const CLASSES_MAX: usize = 1_000;

/// Who asks.
pub(crate) struct Classes {
    pub(crate) classes: Vec<Class>,
    /// Flat rate of each class, before the curve of `rate`; of closed loops a guess that only
    /// weighs models.
    pub(crate) rps: Vec<f64>,
    /// Models asked for, in order of appearance.
    pub(crate) models: Vec<String>,
}

/// All classes, and the models they ask for.
pub(crate) fn classes(file: &ScenarioFile, base_dir: &Path) -> Result<Classes, Problem> {
    let top = At::top();
    if file.class.len() > CLASSES_MAX {
        return Err(Problem::new(top.key("class"), "more than 1,000 classes"));
    }
    if let Some(trace) = &file.trace {
        check_traced(file)?;
        return traced(file, trace.replay(base_dir)?);
    }
    let drafts = drafts(file)?;
    let shares: f64 =
        drafts.iter().filter(|draft| draft.splits_rps()).map(|draft| draft.share).sum();
    if let (Some(_), None) = (file.rps, drafts.iter().find(|draft| draft.splits_rps())) {
        return Err(Problem::new(top.key("rps"), "`rps` has no effect")
            .expected("every class has a rate of its own, or is a closed loop"));
    }
    let mut all = Classes { classes: Vec::new(), rps: Vec::new(), models: Vec::new() };
    for draft in &drafts {
        let (arrivals, rps) = draft.arrivals(file, shares)?;
        all.classes.push(draft.class(arrivals, &mut all.models)?);
        all.rps.push(rps);
    }
    Ok(all)
}

/// A trace brings its own times.
fn check_traced(file: &ScenarioFile) -> Result<(), Problem> {
    let top = At::top();
    let workload = top.key("workload");
    let clashes = [
        (top.key("class"), !file.class.is_empty()),
        (top.key("rps"), file.rps.is_some()),
        (workload.key("arrivals"), file.workload.arrivals.is_some()),
        (workload.key("rate"), file.workload.rate.is_some()),
        (workload.key("closed"), file.workload.closed.is_some()),
        (workload.key("conversation"), file.workload.conversation.is_some()),
    ];
    match clashes.into_iter().find(|(_, clashes)| *clashes) {
        None => Ok(()),
        Some((at, _)) => {
            Err(Problem::new(at.clone(), format!("`{at}` has no effect with a trace"))
                .expected("the trace says when requests come")
                .help("another rate is written as [trace] scale = { to = 5_000 }"))
        }
    }
}

/// A trace is one class.
fn traced(file: &ScenarioFile, replay: Replay) -> Result<Classes, Problem> {
    let draft = Draft {
        at: At::top().key("workload"),
        name: "trace".to_owned(),
        own: Keys::default(),
        share: 1.0,
        rps: None,
        workload: file.workload.clone(),
    };
    let own = replay.facts.rows as f64 / replay.facts.span.as_secs_f64().max(1.0);
    let rps = replay.scale.map_or(own, |(rate, _)| rate);
    let mut models = Vec::new();
    let class = draft.class(Arrivals::Trace(replay), &mut models)?;
    Ok(Classes { classes: vec![class], rps: vec![rps], models })
}

/// A rate of requests per second within bounds.
pub(crate) fn rate(rps: f64, at: &At) -> Result<f64, Problem> {
    if rps > 0.0 && rps <= RPS_MAX {
        return Ok(rps);
    }
    Err(Problem::new(at.clone(), format!("`{at}` cannot be {rps}"))
        .expected("expected requests per second above 0, at most 10_000_000, such as 5_000"))
}

/// A class with everything it says and inherits.
struct Draft {
    /// Where it stands.
    at: At,
    name: String,
    /// Which keys it says itself.
    own: Keys,
    share: f64,
    rps: Option<Number>,
    workload: WorkloadFile,
}

/// Keys that a class says itself; the rest stand under `[workload]`.
#[derive(Default)]
struct Keys(Vec<&'static str>);

fn drafts(file: &ScenarioFile) -> Result<Vec<Draft>, Problem> {
    if file.class.is_empty() {
        return Ok(vec![Draft {
            at: At::top().key("workload"),
            name: "all".to_owned(),
            own: Keys::default(),
            share: 1.0,
            rps: None,
            workload: file.workload.clone(),
        }]);
    }
    let mut drafts: Vec<Draft> = Vec::with_capacity(file.class.len());
    for (index, class) in file.class.iter().enumerate() {
        let draft = class.clone().draft(At::top().key("class").item(index), &file.workload)?;
        if drafts.iter().any(|other| other.name == draft.name) {
            let message = format!("there are two classes named `{}`", draft.name);
            return Err(
                Problem::new(draft.at.key("name"), message).expected("expected another name")
            );
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

impl ClassFile {
    fn draft(self, at: At, base: &WorkloadFile) -> Result<Draft, Problem> {
        let Self { name, share, rps, .. } = &self;
        if let (Some(_), Some(_)) = (share, rps) {
            return Err(Problem::new(at.key("rps"), format!("`{at}` has both `share` and `rps`"))
                .expected("expected one of them"));
        }
        let weight = share.map_or(1.0, |share| share.0);
        if weight <= 0.0 {
            return Err(Problem::new(at.key("share"), format!("`{at}.share` cannot be {weight}"))
                .expected("expected a weight above 0, such as 2"));
        }
        let (name, rps) = (name.clone(), *rps);
        let (workload, own) = self.merge(base);
        Ok(Draft { at, name, own, share: weight, rps, workload })
    }

    /// This class over the workload.
    fn merge(self, base: &WorkloadFile) -> (WorkloadFile, Keys) {
        let Self {
            name: _,
            share: _,
            rps: _,
            arrivals,
            rate,
            closed,
            models,
            prompt,
            output,
            stream,
            client,
            sessions,
            topics,
            conversation,
            cache,
        } = self;
        let said = [
            ("arrivals", arrivals.is_some()),
            ("rate", rate.is_some()),
            ("closed", closed.is_some()),
            ("models", models.is_some()),
            ("prompt", prompt.is_some()),
            ("output", output.is_some()),
            ("client", client.is_some()),
            ("topics", topics.is_some()),
            ("sessions", sessions.is_some()),
            ("stream", stream.is_some()),
            ("cache", cache.is_some()),
            ("conversation", conversation.is_some()),
        ];
        let own = Keys(said.into_iter().filter(|(_, said)| *said).map(|(key, _)| key).collect());
        let inherited = base.client.clone().unwrap_or_default();
        let workload = WorkloadFile {
            arrivals: arrivals.or_else(|| base.arrivals.clone()),
            rate: rate.or_else(|| base.rate.clone()),
            closed: closed.or_else(|| base.closed.clone()),
            models: models.or_else(|| base.models.clone()),
            prompt: prompt.or_else(|| base.prompt.clone()),
            output: output.or_else(|| base.output.clone()),
            stream: stream.or(base.stream),
            client: Some(client.unwrap_or_default().over(&inherited)),
            sessions: sessions.or(base.sessions),
            topics: topics.or_else(|| base.topics.clone()),
            cache: cache.or(base.cache),
            conversation: conversation.or(base.conversation),
        };
        (workload, own)
    }
}

impl Draft {
    /// Where a key of its workload stands.
    fn key(&self, key: &str) -> At {
        if self.own.0.contains(&key) {
            self.at.key(key)
        } else {
            At::top().key("workload").key(key)
        }
    }

    /// Whether it takes part in the scenario's rps.
    fn splits_rps(&self) -> bool {
        self.rps.is_none() && self.workload.closed.is_none()
    }

    fn arrivals(&self, file: &ScenarioFile, shares: f64) -> Result<(Arrivals, f64), Problem> {
        if let Some(ClosedFile { clients, think }) = &self.workload.closed {
            self.check_closed()?;
            let at = self.key("closed").key("clients");
            let clients = clients.0;
            let number =
                u32::try_from(clients).ok().filter(|_| (1..=CLIENTS_MAX).contains(&clients));
            let clients = number.ok_or_else(|| {
                Problem::new(at.clone(), format!("`{at}` cannot be {clients}"))
                    .expected("expected 1 to 10_000_000 clients, such as 500")
            })?;
            let think = think.map_or(Span::from_secs(1), |length| length.0);
            let guess = f64::from(clients) / (think.as_secs_f64() + ANSWER_GUESS_S);
            return Ok((Arrivals::Closed { clients, think }, guess));
        }
        let rps = match (self.rps, file.rps) {
            (Some(own), _) => rate(own.0, &self.at.key("rps"))?,
            (None, Some(all)) => rate(all.0, &At::top().key("rps"))? * self.share / shares,
            (None, None) => {
                return Err(Problem::new(At::top(), "`rps` is missing")
                    .expected("`rps` belongs in here")
                    .help("for example rps = 5_000"));
            }
        };
        let gaps = match &self.workload.arrivals {
            Some(arrivals) => arrivals.gaps(&self.key("arrivals"))?,
            None => Gaps::Poisson,
        };
        let rate = match &self.workload.rate {
            Some(rate) => rate.curve(rps, file.duration.0, &self.key("rate"))?,
            None => Rate(vec![(Span::ZERO, rps)]),
        };
        Ok((Arrivals::Open { gaps, rate }, rps))
    }

    /// A closed loop has no arrivals; those of the workload are fine where a class chose the loop.
    fn check_closed(&self) -> Result<(), Problem> {
        let is_own = |key: &&str| self.own.0.contains(key);
        let said = [
            ("arrivals", self.workload.arrivals.is_some()),
            ("rate", self.workload.rate.is_some()),
        ];
        let clash =
            said.into_iter().find(|(key, said)| *said && (is_own(key) || !is_own(&"closed")));
        match clash {
            None => Ok(()),
            Some((key, _)) => {
                let at = self.key(key);
                Err(Problem::new(at.clone(), format!("`{at}` has no effect in a closed loop"))
                    .expected("clients ask again when they have been answered"))
            }
        }
    }

    /// How its requests hang together: in so many conversations at once, or one for each client.
    fn conversation(&self, sessions: u64) -> Result<Option<Conversation>, Problem> {
        let Some(file) = &self.workload.conversation else { return Ok(None) };
        let at = self.key("conversation");
        let seats = self.workload.closed.as_ref().map_or(sessions, |closed| closed.clients.0);
        if !(1..=CLIENTS_MAX).contains(&seats) {
            return Err(Problem::new(at.clone(), format!("`{at}`: {seats} conversations at once"))
                .expected("expected `sessions` from 1 to 10_000_000: how many are open at once")
                .help("each has a turn every sessions / rps seconds on average"));
        }
        file.conversation(&at).map(Some)
    }

    fn class(&self, arrivals: Arrivals, models: &mut Vec<String>) -> Result<Class, Problem> {
        let Self { at: _, name, own: _, share: _, rps: _, workload } = self;
        let prompt = match &workload.prompt {
            Some(prompt) => prompt.tokens(&self.key("prompt"))?,
            None => TokensFile::default_prompt(),
        };
        let (output, max_tokens) =
            workload.output.clone().unwrap_or_default().output(&self.key("output"))?;
        let streamed = workload.stream.map_or(1.0, |share| share.0);
        if streamed > 1.0 {
            let at = self.key("stream");
            return Err(Problem::new(
                at.clone(),
                format!("`{at}` cannot be {}%", streamed * 100.0),
            )
            .expected("expected a share up to \"100%\""));
        }
        let client = workload.client.clone().unwrap_or_default().client(&self.key("client"))?;
        let sessions = workload.sessions.map_or(0, |count| count.0);
        let conversation = self.conversation(sessions)?;
        Ok(Class {
            name: name.clone(),
            arrivals,
            models: mix::models(workload.models.as_ref(), &self.key("models"), models)?,
            prompt,
            output,
            max_tokens,
            streamed,
            client,
            sessions: u32::try_from(sessions).map_err(|_| {
                let at = self.key("sessions");
                Problem::new(at.clone(), format!("`{at}` cannot be {sessions}"))
                    .expected("expected at most 4_294_967_295")
            })?,
            topics: mix::topics(workload.topics.as_deref(), &self.key("topics"))?,
            conversation,
            cache: workload.cache.map(|cache| cache.cache(&self.key("cache"))).transpose()?,
        })
    }
}
