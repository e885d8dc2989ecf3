//! The live page: a session is a function of its text, the server lets nobody else in, and a real browser shows it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use windtunnel::dashboard::{Frame, Order, Session};
use windtunnel::experiment::Silent;
use windtunnel::experiment::run::{RunPlan, tape};
use windtunnel::policy::registry::find;
use windtunnel::scenario::{self, Scenario};

use crate::program::{Desk, SHORT};

fn parsed(text: &str) -> Scenario {
    scenario::parse("short.toml", text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e:?}"))
}

/// A session that runs in a thread of its own.
struct Live {
    orders: Sender<Order>,
    newest: Arc<Mutex<Option<Frame>>>,
}

impl Live {
    fn new(seed: u64, against: Option<&str>) -> Self {
        let scenario = parsed(SHORT);
        let against = against.map(|name| find(name).unwrap()).map(|spec| (spec, spec.settings()));
        let session = Session::new(&scenario, seed, against).unwrap();
        let (orders, inbox) = channel();
        let newest = Arc::new(Mutex::new(None));
        let to = Arc::clone(&newest);
        orders.send(Order::Play(false)).unwrap();
        std::thread::Builder::new()
            .spawn(move || {
                session.run(&inbox, |frame| *to.lock().unwrap() = Some(frame.clone()));
            })
            .unwrap();
        Self { orders, newest }
    }

    fn send(&self, order: Order) {
        self.orders.send(order).unwrap();
    }

    /// Waits for a frame that fits.
    fn until(&self, fits: impl Fn(&Frame) -> bool) -> Frame {
        for _ in 0..3_000 {
            let newest = self.newest.lock().unwrap().clone();
            if let Some(frame) = newest.filter(|frame| fits(frame)) {
                return frame;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {:?}", self.newest.lock().unwrap().as_ref().map(|frame| frame.at_s));
    }

    fn seek(&self, to: f64) -> Frame {
        self.send(Order::Seek(to));
        self.until(|frame| frame.at_s == to && frame.catching_up_to_s.is_none())
    }

    fn saved(&self) -> String {
        let (to, from) = tokio::sync::oneshot::channel();
        self.send(Order::Save(to));
        from.blocking_recv().unwrap()
    }
}

fn digest_of(text: &str) -> String {
    let scenario = parsed(text);
    let plan = RunPlan {
        scenario: &scenario,
        policy: scenario.policy.spec,
        settings: &scenario.policy.settings,
        seed: scenario.seed_default,
        replications: 1,
    };
    format!("{:016x}", tape(&plan, 0, &Silent).unwrap().digest)
}

#[test]
fn what_is_saved_runs_to_the_digest_of_the_session() {
    let live = Live::new(7, None);
    live.seek(3.0);
    let (kind, on) = ("hard-outage".to_owned(), "openai:chat/key-1".to_owned());
    live.send(Order::Inject { kind, on, lasts_s: 2.0 });
    let frame = live.until(|frame| frame.done.len() == 1 && frame.catching_up_to_s.is_none());
    assert_eq!(frame.at_s, 3.0, "the run is made again up to where it stood");
    live.seek(6.0);
    live.send(Order::Set { id: "state.failed".to_owned(), value: "50%".to_owned() });
    live.until(|frame| frame.done.len() == 2);
    let end = live.seek(20.0);
    let saved = live.saved();
    assert!(saved.contains("[[command]]") && saved.contains("\"state.failed\""), "{saved}");
    assert_eq!(end.sides[0].digest.as_deref(), Some(digest_of(&saved).as_str()));
    assert_ne!(end.sides[0].digest.as_deref(), Some(digest_of(SHORT).as_str()));
    // Rewound and run again it is the same; with the last thing undone it is not.
    live.seek(9.0);
    assert_eq!(live.seek(20.0).sides[0].digest, end.sides[0].digest);
    live.send(Order::Undo);
    let undone = live.until(|frame| frame.done.len() == 1 && frame.over);
    assert_ne!(undone.sides[0].digest, end.sides[0].digest);
}

#[test]
fn two_policies_run_beside_each_other_and_nonsense_is_refused_in_a_sentence() {
    let live = Live::new(1, Some("round-robin"));
    let frame = live.seek(10.0);
    assert_eq!(frame.sides.len(), 2);
    assert!(frame.sides[0].expected.iter().sum::<f64>() > 0.9);
    for order in [
        Order::Inject { kind: "no-such".to_owned(), on: "azure".to_owned(), lasts_s: 1.0 },
        Order::Inject { kind: "stall".to_owned(), on: "nowhere\"]".to_owned(), lasts_s: 1.0 },
        Order::Set { id: "state.fail".to_owned(), value: "1".to_owned() },
        Order::Set { id: "state.failed".to_owned(), value: "much".to_owned() },
        Order::Release("nobody".to_owned()),
    ] {
        let said = format!("{order:?}");
        live.send(order);
        let frame = live.until(|frame| frame.message.is_some() && frame.catching_up_to_s.is_none());
        assert!(frame.done.is_empty() && frame.at_s == 10.0, "{said}");
        live.send(Order::Play(false));
        live.until(|frame| frame.message.is_none());
    }
    let end = live.seek(20.0);
    assert_eq!(end.sides[0].totals[0], end.sides[1].totals[0], "the same requests");
    assert_ne!(end.sides[0].digest, end.sides[1].digest);
}

#[test]
fn a_held_key_is_released_by_its_operator() {
    let text = SHORT
        .replace("bifrost-published", "windtunnel")
        .replace(
            "[[fault]]\nkind = \"error-burst\"\non = \"azure\"",
            "[[fault]]\nkind = \"key-fault\"\non = \"azure/key-1\"",
        )
        .replace("error = { rate = \"100%\", status = 503 }\n", "");
    let command = "\n[[command]]\nat = \"13s\"\nrelease = \"azure/key-1\"\n";
    let changes = |text: &str| {
        let scenario = parsed(text);
        let plan = RunPlan {
            scenario: &scenario,
            policy: scenario.policy.spec,
            settings: &scenario.policy.settings,
            seed: 1,
            replications: 1,
        };
        let tape = tape(&plan, 0, &Silent).unwrap();
        tape.transitions
            .iter()
            .filter(|change| change.reason == "hold released" && change.at.as_secs_f64() <= 15.0)
            .count()
    };
    assert_eq!(changes(&text), 0, "nobody released it");
    assert!(changes(&format!("{text}{command}")) > 0);
}

/// The program with its dashboard; it goes when it is dropped.
struct Served {
    program: Child,
    host: String,
    token: String,
    _desk: Desk,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Served {
    fn new(args: &[&str]) -> Self {
        let desk = Desk::new();
        let mut command = desk.command(&[&["dashboard", "short.toml"][..], args].concat());
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let rest = line.trim().strip_prefix("http://").unwrap();
        let (host, token) = rest.split_once("/?token=").unwrap();
        Self { program, host: host.to_owned(), token: token.to_owned(), _desk: desk }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        http(&self.host, method, path, headers, body)
    }
}

/// One request over one connection.
fn http(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: {address}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut status, mut length) = (0, None);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if line.starts_with("HTTP/") {
            status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        }
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse::<u64>().ok();
        }
    }
    // A driver keeps its connections open, whatever it is asked.
    let mut body = Vec::new();
    let _ = reader.take(length.unwrap_or(u64::MAX)).read_to_end(&mut body);
    (status, String::from_utf8_lossy(&body).into_owned())
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn only_its_own_page_with_the_token_is_served() {
    let served = Served::new(&[]);
    let with = |path: &str| format!("{path}?token={}", served.token);
    let play = r#"{"order":"play","plays":false}"#;
    let get = |path: &str, headers: &[(&str, &str)]| served.ask("GET", path, headers, "").0;
    assert_eq!(get(&with("/"), &[]), 200);
    assert_eq!(get("/", &[]), 401);
    assert_eq!(get("/events?token=0", &[]), 401);
    assert_eq!(get(&with("/"), &[("host", "evil.example")]), 403, "a name that was rebound");
    assert_eq!(get(&with("/"), &[("origin", "http://evil.example")]), 403);
    assert_eq!(get(&with("/metrics"), &[]), 200);
    let post =
        |headers: &[(&str, &str)], body| served.ask("POST", &with("/order"), headers, body).0;
    assert_eq!(post(&[JSON], play), 204);
    assert_eq!(post(&[("content-type", "text/plain")], play), 403, "what a form could send");
    assert_eq!(post(&[JSON, ("origin", "http://evil.example")], play), 403);
    assert_eq!(post(&[JSON], r#"{"order":"explode"}"#), 400);
    let (_, metrics) = served.ask("GET", &with("/metrics"), &[], "");
    assert!(metrics.contains("# EOF") && metrics.contains("windtunnel_route_weight{"), "{metrics}");
    let (_, toml) = served.ask("GET", &with("/scenario.toml"), &[], "");
    assert!(toml.contains("[[fault]]"), "{toml}");
}

/// A client that asks for the events and never reads one.
fn deaf(served: &Served) -> TcpStream {
    let mut stream = TcpStream::connect(&served.host).unwrap();
    let path = format!("/events?token={}", served.token);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", served.host).unwrap();
    stream
}

#[test]
fn who_never_reads_holds_up_neither_the_simulation_nor_other_readers() {
    let served = Served::new(&[]);
    let dead: Vec<TcpStream> = (0..4).map(|_| deaf(&served)).collect();
    let fast = r#"{"order":"speed","speed":null}"#;
    let path = format!("/order?token={}", served.token);
    assert_eq!(served.ask("POST", &path, &[JSON], fast).0, 204);
    // More frames than any buffer between the two has room for: the run is made again from its start, many times.
    let mut live = BufReader::new(deaf(&served));
    live.get_ref().set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut frame = || -> Value {
        let mut line = String::new();
        while !line.starts_with("data: ") {
            line.clear();
            assert!(live.read_line(&mut line).unwrap() > 0, "the server has gone");
        }
        serde_json::from_str(&line["data: ".len()..]).unwrap()
    };
    for _ in 0..3 {
        let back = served.ask("POST", &path, &[JSON], r#"{"order":"seek","to_s":0.0}"#);
        assert_eq!(back.0, 204);
        while frame()["over"] == true {}
        while frame()["over"] != true {}
    }
    let (_, saved) = served.ask("GET", &format!("/scenario.toml?token={}", served.token), &[], "");
    assert_eq!(frame_digest(&frame()), digest_of(&saved));
    drop(dead);
}

/// The digest that a frame of a run that is over shows.
fn frame_digest(frame: &Value) -> String {
    frame["sides"][0]["digest"].as_str().unwrap().to_owned()
}
