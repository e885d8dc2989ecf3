//! LiteLLM against the real thing: traces of the real router, played through the simulator.
//!
//! Each trace says what every deployment answered to every attempt. Led by the trace, the policy must be
//! able to pick what the real router picked, at every attempt, and then every time, status, cooldown and result
//! is the same. Left to its own luck, its means over many runs must be those of the real rules.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use windtunnel::engine::luck::mix;
use windtunnel::engine::{Health, Outcome, Span, Time};
use windtunnel::policy::litellm::{Router, SIMPLE_SHUFFLE, TABLE};
use windtunnel::policy::{Attempt, Past, Policy, Request, RouteId, Sent, Step, Transition};
use windtunnel::sim::fault::Failure;
use windtunnel::sim::script::{Scene, Script, Take};
use windtunnel::sim::spec::{Arrivals, Replay, Row, Rows, Spec, TraceFacts};
use windtunnel::sim::{Replication, World, plain};

/// Times in the traces are of a real event loop: they agree to this many seconds.
const NEAR: f64 = 0.002;

/// What the traces were run on.
pub struct Stage {
    spec: Spec,
    json: Value,
    requests: Arc<Vec<Asked>>,
}

struct Asked {
    at: f64,
    prompt: u32,
    output: u32,
    jitter: f64,
    luck: Vec<f64>,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    /// Numbers of requests by id.
    numbers: BTreeMap<u64, usize>,
    /// When requests arrived.
    pub arrived: Vec<f64>,
    /// (request, attempt, start, end, route, status).
    pub attempts: Vec<(usize, usize, f64, f64, u32, u16)>,
    /// When and with which status requests ended.
    pub results: BTreeMap<usize, (f64, u16)>,
    /// (moment, route, whether it went out).
    pub cooldowns: Vec<(f64, u32, bool)>,
}

/// A router that keeps a diary, and follows a trace if it has one.
struct Watched {
    router: Router,
    diary: Arc<Mutex<Diary>>,
    lead: Option<Lead>,
}

/// What the trace has: the routes of each request, and when each attempt started or the request ended.
pub struct Lead {
    routes: Vec<Vec<u32>>,
    moments: Vec<Vec<f64>>,
}

impl Watched {
    fn number(&self, request: &Request) -> usize {
        let mut diary = self.diary.lock().unwrap();
        let next = diary.numbers.len();
        let number = *diary.numbers.entry(request.id).or_insert(next);
        if number == diary.arrived.len() {
            diary.arrived.push(request.arrived.as_secs_f64());
        }
        number
    }

    /// The step that the trace took, which the router must be able to take.
    fn led(&mut self, now: Time, request: &Request, past: &[Past], waits: u32) -> Step {
        let number = self.number(request);
        let lead = self.lead.as_ref().unwrap();
        let expected = lead.routes[number].get(past.len()).copied();
        let moment = lead.moments[number][past.len()];
        for luck in 0..1_000 {
            let mut trial = self.router.clone();
            let step = trial.next(now, request, past, waits, mix(luck, 7));
            let same = match step {
                Step::Send(attempt) => Some(attempt.route.0) == expected,
                Step::Stop { .. } => expected.is_none(),
                Step::Wait(wait) => {
                    let traced = moment - now.as_secs_f64();
                    (wait.as_secs_f64() - traced).abs() < 0.76
                }
            };
            if same {
                self.router = trial;
                let Step::Wait(_) = step else { return step };
                return Step::Wait(Span::from_secs_f64(moment - now.as_secs_f64()));
            }
        }
        panic!("{now}: request {number} {past:?} must go to {expected:?}, at {moment}");
    }
}

impl Policy for Watched {
    fn choose(&mut self, now: Time, r: &Request, avoid: &[RouteId], luck: u64) -> Option<Attempt> {
        self.router.choose(now, r, avoid, luck)
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        let number = self.number(request);
        let step = match &self.lead {
            Some(_) => self.led(now, request, past, waits),
            None => self.router.next(now, request, past, waits, luck),
        };
        if let Step::Stop { status } = step {
            self.diary.lock().unwrap().results.insert(number, (now.as_secs_f64(), status));
        }
        step
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        let mut diary = self.diary.lock().unwrap();
        let (number, attempt) = (diary.numbers[&sent.request], usize::from(sent.number));
        let (from, to) = (sent.at.as_secs_f64(), now.as_secs_f64());
        let status = outcome.status();
        diary.attempts.push((number, attempt, from, to, sent.route.0, status));
        if status == 200 {
            diary.results.insert(number, (to, 200));
        }
        drop(diary);
        self.router.on_end(now, sent, outcome);
    }

    fn next_wake(&self) -> Option<Time> {
        self.router.next_wake()
    }

    fn on_wake(&mut self, now: Time, _: &mut dyn FnMut(Transition)) {
        let mut diary = self.diary.lock().unwrap();
        self.router.on_wake(now, &mut |change| {
            let out = change.to == Health::Failed;
            diary.cooldowns.push((change.at.as_secs_f64(), change.route.0, out));
        });
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.router.set_present(now, route, present);
    }
}

/// Where the traces are, if they are here.
pub fn traces() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/oracle/litellm");
    if !root.join("out").exists() {
        eprintln!("SKIPPED: {} is not here", root.display());
        return None;
    }
    Some(root)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The rows of a table without quotes, by column.
pub fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(str::to_owned);
        names.iter().map(|name| (*name).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

pub fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("{cell:?} is not a number"))
}

fn route(name: &str) -> u32 {
    name.trim_start_matches('d').parse().unwrap()
}

impl Stage {
    /// Reads a scenario.
    pub fn load(root: &Path, name: &str) -> Self {
        let json = json(&root.join(format!("scenarios/{name}.json")));
        let rows = table(&root.join(format!("scenarios/{name}.workload.csv")));
        let asked = |row: &BTreeMap<String, String>| Asked {
            at: number(&row["t_arrival"]),
            prompt: number(&row["prompt_tokens"]) as u32,
            output: number(&row["completion_tokens"]) as u32,
            jitter: number(&row["jitter"]),
            luck: (0..4).map(|i| number(&row[&format!("u{i}")])).collect(),
        };
        let requests: Arc<Vec<Asked>> = Arc::new(rows.iter().map(asked).collect());
        let deployments = json["deployments"].as_array().unwrap();
        let last = requests.last().unwrap().at;
        let mut spec = plain::world(1, deployments.len() as u32, 1.0, last as u64 + 90);
        for (route, deployment) in spec.pool.routes.iter_mut().zip(deployments) {
            route.weight = deployment["weight"].as_f64().unwrap_or(1.0);
            (route.rpm, route.tpm) = (deployment["rpm"].as_u64(), deployment["tpm"].as_u64());
        }
        spec.history = Span::ZERO;
        let class = &mut spec.classes[0];
        (class.streamed, class.max_tokens) = (0.0, 1_000_000);
        class.client.deadline = Span::from_secs(3_600);
        let replayed = Arc::clone(&requests);
        let row = |asked: &Asked| Row {
            at: Span::from_secs_f64(asked.at),
            prompt: asked.prompt,
            output: asked.output,
            leaf: 0,
        };
        class.arrivals = Arrivals::Trace(Replay {
            rows: Rows(Arc::new(move || {
                let rows: Vec<Row> = replayed.iter().map(row).collect();
                Box::new(rows.into_iter())
            })),
            facts: TraceFacts {
                rows: requests.len() as u64,
                // Far beyond the run, so that the trace is not played again.
                span: Span::from_secs(100_000),
                prompt_mean: 1.0,
                output_mean: 1.0,
            },
            scale: None,
            part: (Span::ZERO, None),
            spread: Span::ZERO,
            blocks: None,
        });
        Self { spec, json, requests }
    }

    /// How many deployments there are.
    pub fn routes(&self) -> u32 {
        self.spec.pool.routes.len() as u32
    }

    /// The seconds at which faults begin or end, with those of the run.
    pub fn edges(&self) -> Vec<u64> {
        let mut edges = vec![0, self.json["duration_s"].as_u64().unwrap()];
        for fault in self.json["faults"].as_array().unwrap() {
            edges.extend([fault["start"].as_u64().unwrap(), fault["end"].as_u64().unwrap()]);
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    /// The router as a run had it.
    pub fn router(&self, strategy: &str, mode: &str, retries: Option<f64>) -> Router {
        let mut settings = SIMPLE_SHUFFLE.settings();
        let word = |id: &str, word: &str| {
            let param = TABLE.iter().find(|param| param.id == id).unwrap();
            param.parse(word).unwrap()
        };
        settings.set("strategy", word("strategy", strategy)).unwrap();
        settings.set("mode", word("mode", mode)).unwrap();
        let set = &self.json["router"];
        let values = [
            ("num_retries", retries.or(set["num_retries"].as_f64())),
            ("timeout", set["timeout"].as_f64()),
            ("cooldown.time", set["cooldown_time"].as_f64()),
            ("cooldown.allowed_fails", set["allowed_fails"].as_f64()),
        ];
        for (id, value) in values {
            if let Some(value) = value {
                settings.set(id, value).unwrap();
            }
        }
        Router::new(&settings, &self.spec.pool)
    }

    /// What deployments answer.
    fn script(&self) -> Script {
        let requests = Arc::clone(&self.requests);
        let rows = |key: &str| self.json[key].as_array().unwrap().clone();
        let secs = |row: &Value, key: &str| row[key].as_f64().unwrap_or(0.0);
        let speed = |row: &Value| (secs(row, "base_latency_s"), secs(row, "per_token_s"));
        let speeds: Vec<(f64, f64)> = rows("deployments").iter().map(speed).collect();
        let fault = |row: &Value| {
            let hint = row["retry_after"].as_u64().map(Span::from_secs);
            let failure = match row["status"].as_u64() {
                Some(429) => Failure::RateLimited(hint),
                Some(status) => Failure::Status(status as u16),
                None => Failure::Hang,
            };
            let after = Span::from_secs_f64(secs(row, "latency_s"));
            let on = route(row["dep"].as_str().unwrap());
            (on, secs(row, "start")..secs(row, "end"), secs(row, "prob"), failure, after)
        };
        let faults: Vec<_> = rows("faults").iter().map(fault).collect();
        Script::new(move |scene: &Scene| {
            let asked = &requests[scene.request as usize];
            let luck = asked.luck[scene.attempt.min(3) as usize];
            let at = scene.at.as_secs_f64();
            let fault = faults.iter().find(|(on, when, prob, ..)| {
                *on == scene.route.0 && when.contains(&at) && luck < *prob
            });
            if let Some(&(_, _, _, failure, after)) = fault {
                return Take::Failed { failure, after };
            }
            let (base, token) = speeds[scene.route.index()];
            let whole = asked.jitter * (base + f64::from(asked.output) * token);
            let span = Span::from_secs_f64;
            Take::Answered { first: span(asked.jitter * base), whole: span(whole) }
        })
    }

    /// Runs a router, along a trace or on its own luck.
    pub fn run(&self, router: Router, lead: Option<Lead>, seed: u64) -> Diary {
        let diary = Arc::new(Mutex::new(Diary::default()));
        let watched = Watched { router, diary: Arc::clone(&diary), lead };
        let replication = Replication { index: 0, of: 1 };
        let policy = Box::new(watched);
        World::scripted(&self.spec, policy, seed, replication, self.script()).run().unwrap();
        let mut diary = Arc::into_inner(diary).unwrap().into_inner().unwrap();
        diary.attempts.sort_by_key(|attempt| (attempt.0, attempt.1));
        diary
    }
}

/// What a trace says, as a diary, and what leads a router along it.
fn trace(out: &Path, name: &str, requests: usize) -> (Diary, Lead) {
    let mut diary = Diary::default();
    let mut lead = Lead { routes: vec![Vec::new(); requests], moments: vec![Vec::new(); requests] };
    for row in table(&out.join(format!("{name}.attempts.csv"))) {
        let [request, attempt, from, to, status] =
            ["req", "attempt", "t_start", "t_end", "status"].map(|column| number(&row[column]));
        let route = route(&row["dep"]);
        let (request, attempt) = (request as usize, attempt as usize);
        diary.attempts.push((request, attempt, from, to, route, status as u16));
    }
    diary.attempts.sort_by_key(|attempt| (attempt.0, attempt.1));
    for (request, _, from, _, route, _) in &diary.attempts {
        lead.routes[*request].push(*route);
        lead.moments[*request].push(*from);
    }
    for row in table(&out.join(format!("{name}.requests.csv"))) {
        let request = number(&row["req"]) as usize;
        let done = number(&row["t_done"]);
        // The library raises an error without a status when nobody is left; the proxy says 429.
        let status = row["status"].parse().unwrap_or(429);
        diary.results.insert(request, (done, status));
        lead.moments[request].push(done);
    }
    for row in table(&out.join(format!("{name}.cooldowns.csv"))) {
        if row["already_cooling"] == "0" {
            diary.cooldowns.push((number(&row["t"]), route(&row["dep"]), true));
            diary.cooldowns.push((number(&row["effective_until"]), route(&row["dep"]), false));
        }
    }
    (diary, lead)
}

fn assert_same(name: &str, ours: &Diary, theirs: &Diary) {
    assert_eq!(ours.attempts.len(), theirs.attempts.len(), "{name}: attempts");
    for (our, their) in ours.attempts.iter().zip(&theirs.attempts) {
        assert_eq!((our.0, our.1, our.4, our.5), (their.0, their.1, their.4, their.5), "{name}");
        let off = (our.2 - their.2).abs().max((our.3 - their.3).abs());
        assert!(off < NEAR, "{name}: {our:?} {their:?}");
    }
    assert_eq!(ours.results.len(), theirs.results.len(), "{name}: results");
    for (request, (at, status)) in &ours.results {
        let (then, as_was) = theirs.results[request];
        assert!(
            (at - then).abs() < NEAR && *status == as_was,
            "{name}: {request} {status} {as_was}"
        );
    }
    let sorted = |diary: &Diary| {
        let mut list = diary.cooldowns.clone();
        list.sort_by(|a, b| (a.1, a.0).partial_cmp(&(b.1, b.0)).unwrap());
        list
    };
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    for (our, their) in ours.iter().zip(&theirs) {
        let same = (our.0 - their.0).abs() < NEAR && (our.1, our.2) == (their.1, their.2);
        assert!(same, "{name}: cooldown {our:?} {their:?}");
    }
    assert_eq!(ours.len(), theirs.len(), "{name}: cooldowns");
}

/// Every trace: the same deployment, status and time for every attempt, the same results, and every cooldown
/// from its first moment to its last.
#[test]
fn every_trace_of_the_real_router_is_replayed_exactly() {
    let Some(root) = traces() else { return };
    let out = root.join("out");
    let mut names: Vec<String> = (fs::read_dir(&out).unwrap())
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".summary.json").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() >= 53, "{} traces", names.len());
    for name in &names {
        let facts = json(&out.join(format!("{name}.summary.json")));
        let word = |key: &str| facts[key].as_str().unwrap();
        let scene = Stage::load(&root, word("scenario"));
        let router = scene.router(word("strategy"), word("mode"), facts["num_retries"].as_f64());
        let (theirs, lead) = trace(&out, name, scene.requests.len());
        // Least-busy draws nothing: it finds its way alone.
        let lead = (word("strategy") != "least-busy").then_some(lead);
        assert_same(name, &scene.run(router, lead, 1), &theirs);
    }
}
