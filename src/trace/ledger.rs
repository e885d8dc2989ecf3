//! Making a spend log as LiteLLM writes it, of a company that does not exist: three teams with habits of
//! their own, three deployments with latencies, errors and a limit. What was put in is known, so what a
//! fit finds can be checked.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::engine::luck::{mix, name};
use crate::engine::{Span, Time};
use crate::sim::latency::Sampler;
use crate::sim::spec::{Gaps, Latency, Mix, Rate, Tokens};
use crate::sim::stream::Stream;
use crate::sim::tokens::TokenSampler;
use crate::sim::workload::open::Open;

use super::stamp::write_date_time;

/// Possible first stamp: Tuesday 2025-06-03, 13:00:00 UTC, in nanoseconds since 1970.
const START: u64 = 1_748_955_600_000_000_000;

/// What to make.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Everything drawn depends on this alone.
    pub seed: u64,
    /// Length.
    pub length: Span,
    /// Who asks.
    pub teams: Vec<Team>,
    /// Who answers.
    pub deployments: Vec<Deployment>,
}

/// A team.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name.
    pub name: &'static str,
    /// The model group that it asks for.
    pub model: &'static str,
    /// Requests per second over time.
    pub rate: Rate,
    /// Shape of the gaps.
    pub gaps: Gaps,
    /// Prompt tokens.
    pub prompt: Tokens,
    /// Output tokens.
    pub output: Tokens,
}

/// A deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its id.
    pub id: &'static str,
    /// The provider, as LiteLLM calls it.
    pub provider: &'static str,
    /// The model group that it serves.
    pub model: &'static str,
    /// Weight in its group.
    pub weight: f64,
    /// Latency.
    pub latency: Latency,
    /// Share of requests that fail with a 500.
    pub error_rate: f64,
    /// Tokens admitted in each minute of the clock; beyond, 429.
    pub tpm: Option<u64>,
}

impl Ledger {
    /// A Tuesday afternoon: an assistant for everybody, an agent that works in bursts, and a batch of
    /// summaries from the middle on. The Azure deployment has a wall that the batch runs into.
    pub fn tuesday(seed: u64, length: Span, rate: f64) -> Self {
        let lognormal = |median, sigma| Tokens::Lognormal { median, sigma };
        let steady = |share: f64| Rate(vec![(Span::ZERO, rate * share)]);
        let half = Span(length.0 / 2);
        let batch = [(Span::ZERO, 0.1), (half, 0.1), (half, 0.4)];
        let batch = batch.map(|(at, share)| (at, rate * share)).to_vec();
        let latency = |ttft, s, w, m, tokens_per_s| Latency {
            network: Span::from_millis(20),
            ttft: Span::from_millis(ttft),
            mix: Mix { s, w, m, s2: 0.4 },
            per_prompt_token: Span(20_000),
            tokens_per_s,
            rate_sigma: 0.15,
        };
        Self {
            seed,
            length,
            teams: vec![
                Team {
                    name: "assistant",
                    model: "chat",
                    rate: steady(0.5),
                    gaps: Gaps::Poisson,
                    prompt: lognormal(900.0, 0.7),
                    output: lognormal(180.0, 0.8),
                },
                Team {
                    name: "agents",
                    model: "chat",
                    rate: steady(0.25),
                    gaps: Gaps::Gamma { cv: 2.5 },
                    prompt: lognormal(4_000.0, 0.6),
                    output: lognormal(90.0, 0.9),
                },
                Team {
                    name: "summaries",
                    model: "chat",
                    rate: Rate(batch),
                    gaps: Gaps::Poisson,
                    prompt: lognormal(6_000.0, 0.4),
                    output: lognormal(300.0, 0.5),
                },
            ],
            deployments: vec![
                Deployment {
                    id: "azure-eastus",
                    provider: "azure",
                    model: "chat",
                    weight: 3.0,
                    latency: latency(350, 0.25, 0.03, 5.0, 80.0),
                    error_rate: 0.002,
                    // Less than the afternoon's mean from the middle on.
                    tpm: Some((rate * 0.6 * 60.0 * 2_300.0) as u64),
                },
                Deployment {
                    id: "openai-main",
                    provider: "openai",
                    model: "chat",
                    weight: 2.0,
                    latency: latency(500, 0.30, 0.05, 4.0, 60.0),
                    error_rate: 0.010,
                    tpm: None,
                },
                Deployment {
                    id: "anthropic-main",
                    provider: "anthropic",
                    model: "chat",
                    weight: 1.0,
                    latency: latency(900, 0.40, 0.06, 4.0, 70.0),
                    error_rate: 0.004,
                    tpm: None,
                },
            ],
        }
    }
}

/// The header of the table: columns of `LiteLLM_SpendLogs`.
const HEADER: &str = "request_id,call_type,api_key,spend,total_tokens,prompt_tokens,\
    completion_tokens,startTime,endTime,completionStartTime,model,model_id,model_group,\
    custom_llm_provider,api_base,user,metadata,cache_hit,team_id,end_user,status";

/// Writes the log, in order of the ends of requests as LiteLLM does, and says how many rows it has. The
/// same parameters make the same bytes.
///
/// # Errors
/// What the writer fails with.
pub fn write_ledger(ledger: &Ledger, out: &mut impl Write) -> io::Result<u64> {
    writeln!(out, "{HEADER}")?;
    let end = Time::ZERO + ledger.length;
    let mut desk = Desk::new(ledger);
    let mut rows = 0;
    while let Some(team) = desk.next(end) {
        let (at, ended, row) = desk.request(team, rows);
        rows += 1;
        let before: Vec<_> = desk.open.range(..(at, 0)).map(|(key, _)| *key).collect();
        for key in before {
            out.write_all(desk.open.remove(&key).unwrap_or_default().as_bytes())?;
        }
        desk.open.insert((ended, rows), row);
    }
    for row in desk.open.into_values() {
        out.write_all(row.as_bytes())?;
    }
    Ok(rows)
}

/// A log being made.
struct Desk<'a> {
    ledger: &'a Ledger,
    arrivals: Vec<Open>,
    luck: Vec<Stream>,
    prompts: Vec<TokenSampler>,
    outputs: Vec<TokenSampler>,
    latencies: Vec<Sampler>,
    /// Tokens admitted in the present minute, by deployment.
    admitted: Vec<(u64, u64)>,
    /// Rows whose requests have not ended yet.
    open: BTreeMap<(u64, u64), String>,
}

impl<'a> Desk<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        let teams = || ledger.teams.iter().zip(0u64..);
        Self {
            ledger,
            arrivals: teams().map(|(t, n)| Open::new(t.gaps, &t.rate, ledger.seed, n)).collect(),
            luck: teams().map(|(_, n)| Stream::new(ledger.seed, "ledger", n)).collect(),
            prompts: teams().map(|(team, _)| TokenSampler::new(&team.prompt)).collect(),
            outputs: teams().map(|(team, _)| TokenSampler::new(&team.output)).collect(),
            latencies: ledger.deployments.iter().map(|d| Sampler::new(&d.latency)).collect(),
            admitted: vec![(0, 0); ledger.deployments.len()],
            open: BTreeMap::new(),
        }
    }

    /// The team that asks next.
    fn next(&self, end: Time) -> Option<usize> {
        let first = self.arrivals.iter().enumerate().min_by_key(|(_, open)| open.peek());
        first.filter(|(_, open)| open.peek() < end).map(|(team, _)| team)
    }

    /// A request of a team: when it begins and ends, and its row.
    fn request(&mut self, team: usize, nth: u64) -> (u64, u64, String) {
        let at = self.arrivals[team].peek().0;
        self.arrivals[team].pop();
        let luck = self.luck[team].next();
        let ledger = self.ledger;
        let Team { name: team_name, model, .. } = ledger.teams[team];
        let prompt = self.prompts[team].draw(mix(luck, name("prompt")));
        let output = self.outputs[team].draw(mix(luck, name("output")));
        let server = self.server(model, mix(luck, name("server")));
        let deployment = &ledger.deployments[server];
        let tokens = u64::from(prompt) + u64::from(output);
        let minute = (START + at) / 60_000_000_000;
        let (open, admitted) = &mut self.admitted[server];
        if *open != minute {
            (*open, *admitted) = (minute, 0);
        }
        let full = deployment.tpm.is_some_and(|tpm| *admitted + tokens > tpm);
        let failed = part(mix(luck, name("error"))) < deployment.error_rate;
        let network = deployment.latency.network.as_secs_f64();
        let sampler = &self.latencies[server];
        let ttft = network + sampler.ttft_s(mix(luck, name("ttft")), prompt);
        let decode = sampler.decode_s(mix(luck, name("decode")), output);
        let (first, took, status, prompt, output, why) = if full {
            (0.08, 0.08, "failure", 0, 0, error("429", "RateLimitError"))
        } else if failed {
            (0.08, 0.08, "failure", 0, 0, error("500", "InternalServerError"))
        } else {
            *admitted += tokens;
            (ttft, ttft + decode, "success", prompt, output, String::new())
        };
        let moment = |seconds: f64| at + (seconds * 1e9) as u64;
        // LiteLLM keeps milliseconds.
        let stamp = |at: u64| {
            let text = write_date_time(START + at);
            text[..text.len() - 4].to_owned()
        };
        let total = prompt + output;
        let spend = f64::from(prompt) * 2.5e-6 + f64::from(output) * 1e-5;
        let Deployment { id, provider, .. } = *deployment;
        let row = format!(
            "req-{nth:08},acompletion,88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b,\
             {spend:.6},{total},{prompt},{output},{},{},{},{provider}/{model},{id},{model},{provider},,\
             default_user_id,\"{{\"\"status\"\": \"\"{status}\"\", \
             \"\"user_api_key_team_alias\"\": \"\"{team_name}\"\"{why}}}\",False,{team_name},,{status}\n",
            stamp(at),
            stamp(moment(took)),
            stamp(moment(first)),
        );
        (at, moment(took), row)
    }

    /// Which deployment of a model answers.
    fn server(&self, model: &str, luck: u64) -> usize {
        let all = || self.ledger.deployments.iter().enumerate().filter(|(_, d)| d.model == model);
        let sum: f64 = all().map(|(_, deployment)| deployment.weight).sum();
        let mut left = part(luck) * sum;
        let found = all().find(|(_, deployment)| {
            left -= deployment.weight;
            left < 0.0
        });
        found.or_else(|| all().next_back()).map_or(0, |(at, _)| at)
    }
}

fn error(code: &str, class: &str) -> String {
    format!(
        ", \"\"error_information\"\": {{\"\"error_code\"\": \"\"{code}\"\", \
         \"\"error_class\"\": \"\"{class}\"\"}}"
    )
}

/// A part in [0, 1) from luck.
fn part(luck: u64) -> f64 {
    (luck >> 11) as f64 / (1u64 << 53) as f64
}
