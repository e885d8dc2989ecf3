//! Explanations: what is printed gives the same choice again, and looking on changes nothing.

use std::path::Path;

use windtunnel::engine::{Engine, FlightRecorder, Need, Outcome, Params, Route, Span, Time, luck};
use windtunnel::experiment::run::{self, RunPlan};
use windtunnel::record::{Explained, Parting};
use windtunnel::scenario;
use windtunnel::sim::Watch;
use windtunnel::sim::watch::Look;

use crate::program::{Desk, SHORT};

fn told(text: &str) -> Explained {
    serde_json::from_str(text).unwrap()
}

/// Chooses again from everything that was printed.
fn choose_again(told: &Explained) -> usize {
    let mut decisions = 0;
    for decision in told.steps.iter().flat_map(|step| &step.decisions) {
        let inputs = decision.inputs.read().unwrap();
        let again = inputs.choose().ok().map(|chosen| inputs.routes[chosen.route].name.clone());
        assert_eq!(again, decision.choice);
        decisions += 1;
    }
    decisions
}

#[test]
fn what_is_printed_gives_the_same_choice_again() {
    let desk = Desk::new();
    desk.data(&["run", "short.toml", "--out", "r"]);
    for pick in [["--request", "1"], ["--at", "9.2"], ["--at", "10.4"], ["--at", "13"]] {
        let text = desk.data(&["explain", "r", pick[0], pick[1], "--format", "json"]);
        let told = told(&text);
        assert!(choose_again(&told) >= 1, "{pick:?}");
        let sent = told.steps.iter().filter(|step| step.does == "send");
        for (step, decision) in sent.map(|step| (step, step.decisions.last().unwrap())) {
            assert_eq!(step.route, decision.choice, "the last decision is what was sent");
        }
        assert!(told.steps[0].oracle.is_some() && told.result.is_some());
        // The folder alone is enough, and says the same as the scenario.
        let from_file = desk.data(&["explain", "short.toml", pick[0], pick[1], "--format", "json"]);
        assert_eq!(text, from_file);
    }
    let retried = told(&desk.data(&["explain", "r", "--retried", "--format", "json"]));
    assert!(retried.steps.len() > 1 && choose_again(&retried) > 1);
    assert_eq!(retried.faults[0].routes.len(), 4, "the fault that was on is named");
    let text = desk.data(&["explain", "r", "--at", "10.4"]);
    for part in
        ["fault on: error-burst", "probability", "luck: column", "smallest change", "oracle"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(text.contains("how the routes of") && text.contains("(error rate)"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn what_cannot_be_explained_is_said_in_a_sentence() {
    let desk = Desk::new();
    let cases: [(&[&str], i32, &str); 6] = [
        (&["explain", "short.toml", "--request", "999999"], 2, "does not exist: the run has"),
        (&["explain", "nowhere"], 2, "there is no file nowhere"),
        (&["explain", "."], 2, "has no manifest.json"),
        (&["explain", "short.toml", "--policy", "windtunel"], 2, "did you mean"),
        (&["explain", "short.toml", "--at", "-1"], 2, ""),
        (&["explain", "short.toml", "--at", "12", "--failed"], 2, "cannot be used with"),
    ];
    for (args, code, says) in cases {
        let ended = desk.run(args);
        assert_eq!(ended.code, Some(code), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{says} in {}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
    let none = desk.run(&[
        "explain",
        "short.toml",
        "--late",
        "--set",
        "workload.client.deadline=\"999s\"",
    ]);
    assert_eq!(none.code, Some(4), "{}", none.stderr);
    assert!(none.stderr.contains("no request of this run was late"));
    assert!(none.stderr.contains("reproduce: windtunnel explain short.toml --seed 1"));
}

#[test]
fn policies_that_cannot_say_show_their_routes() {
    let desk = Desk::new();
    let args = ["explain", "short.toml", "--policy", "kong", "--at", "10.4"];
    let ended = desk.run(&args);
    let text = if ended.code == Some(0) {
        ended.stdout
    } else {
        desk.data(&["explain", "short.toml", "--policy", "round-robin", "--at", "10.4"])
    };
    assert!(text.contains("this policy cannot say how it chose"), "{text}");
}

#[test]
fn two_policies_part_at_a_request_that_both_explain() {
    let desk = Desk::new();
    let args = ["explain", "short.toml", "--diff", "bifrost-2026", "--format", "json"];
    let parting: Parting = serde_json::from_str(&desk.data(&args)).unwrap();
    assert!(parting.differ > 0 && parting.differ < parting.requests);
    let [one, other] = parting.explained.as_slice() else { panic!("both are explained") };
    assert_eq!(one.request, other.request, "the same request");
    assert_ne!(one.steps[0].route, other.steps[0].route);
    assert_eq!(Some(one.request.number), parting.first);
    let counted: f64 = parting.over_time.iter().map(|[_, all, _]| all).sum();
    assert_eq!(counted, parting.requests as f64);
    let same = desk.data(&["explain", "short.toml", "--diff", "bifrost-published"]);
    assert!(same.contains("they never part"), "{same}");
}

#[test]
fn a_timeline_opens_and_closes_everything_in_it() {
    let desk = Desk::new();
    desk.data(&["explain", "short.toml", "--at", "7.9", "--timeline", "t.json", "--count", "300"]);
    let trace: serde_json::Value = serde_json::from_str(&desk.read("t.json")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let count = |ph: &str| events.iter().filter(|event| event["ph"] == ph).count();
    let requests = events.iter().filter(|e| e["ph"] == "b" && e["pid"] == 1);
    let names = requests.filter(|e| e["name"].as_str().unwrap().starts_with("request ")).count();
    assert_eq!(names, 300);
    // A fault may go on beyond the last request.
    assert!(count("b") - count("e") <= 1 && count("b") > 900, "{} {}", count("b"), count("e"));
    assert!(events.iter().any(|event| event["ph"] == "X" && event["name"] == "failed"));
    assert!(events.iter().all(|event| event["ph"] == "M" || event["ts"].as_f64().unwrap() >= 0.0));
}

#[test]
fn watching_changes_nothing() {
    let scenario = scenario::parse("short.toml", SHORT, Path::new(""), &[]).unwrap();
    for policy in ["windtunnel", "bifrost-published", "litellm-simple-shuffle", "oracle"] {
        let policy = windtunnel::policy::registry::find(policy).unwrap();
        let settings = policy.settings();
        let plan =
            RunPlan { scenario: &scenario, policy, settings: &settings, seed: 1, replications: 1 };
        let alone = run::world(&plan, 0).unwrap().run().unwrap();
        let oracle = windtunnel::policy::oracle::SPEC;
        let shadow = oracle.make(&oracle.settings(), &scenario.spec.pool, Time::ZERO, 1).unwrap();
        let mut world = run::world(&plan, 0).unwrap();
        world.follow(Watch::new(Look::Decisions(1_500..1_900)).shadowed(shadow));
        let watched = world.run().unwrap();
        assert_eq!((alone.digest, alone.events), (watched.digest, watched.events));
    }
}

/// An hour of nothing special at a small host, recorded.
pub(crate) fn record() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
    let mut recorder = FlightRecorder::default();
    let params = Params::from_preset("windtunnel").unwrap();
    let engine = Engine::new(params.clone(), Time::ZERO).unwrap();
    recorder.start(&params, Time::ZERO, &mut sink);
    for (provider, key) in [("azure", "k1"), ("azure", "k2"), ("openai", "k1")] {
        let route = Route::new(provider, "chat", key);
        let added = engine.add(route.clone(), Time::ZERO);
        recorder.add(&route, added, Time::ZERO, &mut sink);
    }
    let model = engine.model("chat").unwrap();
    for n in 0..3_000u64 {
        let now = Time::ZERO + Span::from_millis(10 * n);
        recorder.tick(now, &mut sink);
        engine.tick(now);
        let need = Need {
            model,
            prompt_tokens: 100,
            max_tokens: 100,
            provider: None,
            allowed: None,
            tried: &[],
        };
        let given = engine.decide(now, &need, luck::mix(n, 3));
        recorder.decide(now, &need, luck::mix(n, 3), &given, &mut sink);
        let ticket = given.unwrap();
        let sick =
            (8_000_000_000..12_000_000_000).contains(&now.0) && ticket.route().to_word() == 0;
        let done = Outcome::Done { prompt_tokens: 100, output_tokens: 50 };
        let outcome = if sick { Outcome::ServerError { status: 503 } } else { done };
        let end = now + Span::from_millis(9);
        engine.end(ticket, end, outcome);
        recorder.end(ticket, end, outcome, &mut sink);
    }
    bytes
}

#[test]
fn a_flight_record_is_replayed_and_explained() {
    let desk = Desk::new();
    let bytes = record();
    desk.write("incident.flight", &bytes);
    let text = desk.data(&["replay", "incident.flight"]);
    assert!(text.contains("3,000 decisions") && text.contains("all as recorded"), "{text}");
    assert!(text.contains("azure:chat/k1") && text.contains("→ failed (error rate)"), "{text}");
    let json = desk.data(&["explain", "incident.flight", "--request", "1300", "--format", "json"]);
    let explained = told(&json);
    assert_eq!(choose_again(&explained), 1);
    assert!(explained.steps[0].outcome.is_some() && !explained.counterfactual);
    assert!(!explained.changes.is_empty());
    let args = ["--set", "state.failed=100%", "--set", "state.degraded=100%"];
    let lenient = desk.data(&[&["replay", "incident.flight"][..], &args].concat());
    assert!(lenient.starts_with("COUNTERFACTUAL: state.failed=100%"), "{lenient}");
    assert!(lenient.contains("would have gone elsewhere"), "{lenient}");
    let what_if = [&["explain", "incident.flight", "--request", "1300"][..], &args].concat();
    assert!(desk.data(&what_if).contains("COUNTERFACTUAL"));

    desk.write("cut.flight", &bytes[..bytes.len() - 2]);
    assert!(desk.data(&["replay", "cut.flight"]).contains("ends within a call"));
    for (file, bytes, says) in [
        ("no.flight", &b"hello"[..], "does not begin as a flight record"),
        ("old.flight", &b"WTFLIGHT\x09"[..], "has version 9, not 1"),
    ] {
        desk.write(file, bytes);
        let ended = desk.run(&["replay", file]);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    }
    let unknown = desk.run(&["replay", "incident.flight", "--set", "state.fail=1"]);
    assert!(
        unknown.code == Some(2) && unknown.stderr.contains("did you mean"),
        "{}",
        unknown.stderr
    );
}
