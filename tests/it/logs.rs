//! Request logs of every format, written by hand: read alike, described, and never quoted.

use std::path::{Path, PathBuf};

use windtunnel::engine::Span;
use windtunnel::trace::{Census, Choice, Entry, Hide, Source, Status, TraceFormat};

use crate::program::Desk;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// All entries of a log, recognised by itself, and how many rows were about something else.
fn entries(name: &str, choice: &Choice) -> (TraceFormat, Vec<Entry>, u64) {
    let source = Source::open(&data(name), choice).unwrap();
    let mut all = Vec::new();
    let tally = source.each(|entry| all.push(entry.clone())).unwrap();
    (source.format(), all, tally.others)
}

const MAP: &str = "time=created_at,tenant=who,prompt=tokens in,output=tokens out,ttft=first ms@ms,\
                   duration=total ms@ms,status=code";

#[test]
fn one_request_is_the_same_in_every_format() {
    let recognise = Choice::Recognise;
    let cases = [
        ("litellm.csv", recognise.clone(), TraceFormat::LiteLlm, 3, 0),
        ("litellm.json", recognise.clone(), TraceFormat::LiteLlm, 3, 0),
        ("otel-flat.jsonl", recognise.clone(), TraceFormat::Otel, 2, 2),
        ("otel-otlp.jsonl", recognise.clone(), TraceFormat::Otel, 2, 1),
        ("kong.jsonl", recognise, TraceFormat::Kong, 3, 1),
        ("own.csv", Choice::Map(MAP.into()), TraceFormat::Mapped, 3, 0),
    ];
    for (name, choice, format, rows, others) in cases {
        let (found, all, found_others) = entries(name, &choice);
        assert_eq!((found, all.len(), found_others), (format, rows, others), "{name}");
        let first = &all[0];
        // 2025-06-02 12:00:00.1 UTC.
        assert_eq!(first.at, 1_748_865_600_100_000_000, "{name}");
        assert_eq!((first.prompt, first.output), (Some(1200), Some(100)), "{name}");
        assert_eq!(first.ttft, Some(Span::from_millis(500)), "{name}");
        assert_eq!(first.duration, Some(Span::from_millis(2500)), "{name}");
        assert_eq!(first.decode_rate(), Some(50.0), "{name}");
        let tenant = if name == "otel-otlp.jsonl" { "shop" } else { "search" };
        assert_eq!(first.tenant, tenant, "{name}");
        assert!(!first.status.is_error(), "{name}");
        assert_eq!(all[1].status, Status::Http(429), "{name}");
        assert_eq!(all[1].duration, Some(Span::from_millis(80)), "{name}");
        if format != TraceFormat::Mapped {
            assert_eq!(first.cached, Some(512), "{name}");
            assert_eq!(first.model, "chat", "{name}");
            assert!(first.deployment.starts_with("azure"), "{name}: {}", first.deployment);
            assert_ne!(first.print, all[1].print, "{name}");
        }
    }
    let (_, litellm, _) = entries("litellm.csv", &Choice::Recognise);
    assert_eq!(litellm[0].deployment, "azure/east");
    assert_eq!(litellm[0].cost, Some(12_300_000));
    // A tenant that is only a key is shown as neither the key nor its hash.
    assert!(litellm[2].tenant.starts_with("u2") || litellm[2].tenant.starts_with("key-"));
    let (_, kong, _) = entries("kong.jsonl", &Choice::Recognise);
    assert_eq!((kong[2].prompt, kong[2].output), (Some(89), Some(56)), "names before 3.9");
    let (_, otel, _) = entries("otel-flat.jsonl", &Choice::Recognise);
    assert_eq!(otel[0].max_tokens, Some(500));
}

#[test]
fn nothing_of_a_prompt_is_ever_shown() {
    let desk = Desk::new();
    for name in ["litellm.csv", "litellm.json", "otel-flat.jsonl", "otel-otlp.jsonl", "kong.jsonl"]
    {
        let path = data(name);
        let path = path.to_str().unwrap();
        for args in [
            vec!["trace", "info", path],
            vec!["trace", "info", path, "--print", "json"],
            vec!["trace", "info", path, "--out", "plots"],
            vec!["trace", "fit", path],
            // Maps that name the very place of a prompt, and rows that are broken there.
            vec!["trace", "info", path, "--map", "time=messages,prompt=response"],
            vec!["trace", "info", path, "--map", "time=startTime,prompt=messages,output=response"],
            vec!["trace", "info", path, "--map", "time=started_at,prompt=ai.proxy.payload.request"],
            vec!["trace", "info", path, "--format", "azure"],
        ] {
            let ended = desk.run(&args);
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!said.contains("CANARY"), "{args:?}: {said}");
        }
    }
    let files = desk.files("plots");
    assert!(files.keys().any(|name| name == "minutes.svg"), "{:?}", files.keys());
    for (name, bytes) in files {
        assert!(!String::from_utf8_lossy(&bytes).contains("CANARY"), "{name}");
    }
}

#[test]
fn info_says_what_a_log_is_and_what_it_lacks() {
    let desk = Desk::new();
    let path = data("litellm.csv");
    let text = desk.data(&["trace", "info", path.to_str().unwrap()]);
    for part in [
        "format                           litellm",
        "rows                             3",
        "from 2025-06-02 12:00:00 UTC",
        "1 (33.33 %), 1 (33.33 %)",
        "azure/east",
        "1 rows out of order, the farthest by 500ms on line 4",
        "missing                          max_tokens; assumed: twice the 99th percentile",
    ] {
        assert!(text.contains(part), "{part}\nin\n{text}");
    }
    let json = desk.data(&["trace", "info", path.to_str().unwrap(), "--print", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"], 3);
    assert_eq!(json["rate_limited"], 1);
    assert_eq!(json["tenants"]["first"][0]["name"], "search");
}

#[test]
fn tenants_can_be_hashed_and_are_alike_under_one_key() {
    let desk = Desk::new();
    let path = data("litellm.csv");
    let path = path.to_str().unwrap();
    let with = |key: &str| desk.data(&["trace", "info", path, key]);
    let (one, same, other) =
        (with("--anonymise=k1"), with("--anonymise=k1"), with("--anonymise=k2"));
    assert_eq!(one, same);
    assert_ne!(one, other);
    let fresh = with("--anonymise");
    for text in [one, other, fresh] {
        assert!(!text.contains("search") && text.contains("tenant-"), "{text}");
    }
}

#[test]
fn unreadable_rows_are_counted_shown_and_refused_above_a_share() {
    let desk = Desk::new();
    let mut text = String::from("TIMESTAMP,ContextTokens,GeneratedTokens\n");
    for second in 0..200 {
        text += &format!("2023-11-16 18:{:02}:{:02},100,10\n", second / 60, second % 60);
    }
    desk.write("two.csv", format!("{text}2023-11-16 18:10:00,many,1\nx,1,1\n"));
    let said = desk.data(&["trace", "info", "two.csv"]);
    assert!(said.contains("200, and 2 unreadable"), "{said}");
    assert!(said.contains("line 202: ContextTokens: expected a whole number of tokens"), "{said}");
    assert!(said.contains("line 203: TIMESTAMP: expected a date"), "{said}");
    let ended = desk.run(&["trace", "info", "two.csv", "--unreadable", "0.5%"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("2 of 202 rows cannot be read, more than 0.50 %"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_is_not_recognised_is_told_how_to_be_mapped() {
    let desk = Desk::new();
    desk.write("mine.jsonl", "{\"ts\":\"2025-06-02T12:00:00Z\",\"usage\":{\"input_tokens\":5,\"output_tokens\":6},\"text\":\"CANARY\"}\n");
    let ended = desk.run(&["trace", "info", "mine.jsonl"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("`ts, usage.input_tokens, usage.output_tokens, text`")
            || ended.stderr.contains("usage.input_tokens"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("prompt=usage.input_tokens"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("CANARY"), "{}", ended.stderr);
    let mapped = "time=ts,prompt=usage.input_tokens,output=usage.output_tokens";
    let said = desk.data(&["trace", "info", "mine.jsonl", "--map", mapped]);
    assert!(said.contains("mapped columns"), "{said}");
    for (map, wrong) in [
        ("time=ts", "`prompt` is missing"),
        ("tme=ts,prompt=x", "there is no field `tme`; did you mean `time`?"),
        ("time=ts@h,prompt=x", "`@h` is no unit"),
        ("time,prompt=x", "`time` is not of the form FIELD=COLUMN"),
        ("time=ts,time=x,prompt=y", "`time` is mapped twice"),
    ] {
        let ended = desk.run(&["trace", "info", "mine.jsonl", "--map", map]);
        assert_eq!(ended.code, Some(2), "{map}");
        assert!(ended.stderr.contains(wrong), "{map}: {}", ended.stderr);
    }
}

#[test]
fn clock_trouble_is_found_with_its_remedy() {
    let log = |stamps: &[&str]| {
        let rows = stamps.iter().map(|stamp| format!("{stamp},100,10\n"));
        format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{}", rows.collect::<String>())
    };
    let desk = Desk::new();
    let cases: [(&str, &[&str], &str); 4] = [
        (
            "newest.csv",
            &[
                "2025-01-01 00:00:09",
                "2025-01-01 00:00:06",
                "2025-01-01 00:00:03",
                "2025-01-01 00:00:00",
            ],
            "the newest row comes first",
        ),
        (
            "summer.csv",
            &["2025-10-26 02:59:59.5", "2025-10-26 02:00:00", "2025-10-26 02:10:00.1"],
            "the end of summer time?",
        ),
        (
            "zones.csv",
            &[
                "2025-01-01 00:00:00+00:00",
                "2025-01-01 01:00:01+01:00",
                "2025-01-01 00:00:02.1+00:00",
            ],
            "the zone of stamps changes 2 times",
        ),
        (
            "steps.csv",
            &[
                "2025-01-01 00:00:00",
                "2025-01-01 00:00:03",
                "2025-01-01 00:00:03",
                "2025-01-01 00:00:09",
            ],
            "stamps are multiples of 3s: figures below that are an artefact; replay with [trace] spread \
             = \"3s\"",
        ),
    ];
    for (name, stamps, expected) in cases {
        desk.write(name, log(stamps));
        let said = desk.data(&["trace", "info", name]);
        assert!(said.contains(expected), "{name}: {said}");
    }
    let said = desk.data(&["trace", "info", "steps.csv"]);
    assert!(said.contains("1 rows or more are copies"), "{said}");
}

#[test]
fn a_census_agrees_with_the_dispersion_of_a_replay() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/data/azure-small.csv");
    let source = Source::open(&file, &Choice::Recognise).unwrap();
    assert_eq!(source.format(), TraceFormat::Azure);
    let census = Census::of(&source, &Hide::Nothing).unwrap();
    let (facts, rows, _) = windtunnel::trace::load(&source).unwrap();
    let spread = windtunnel::trace::dispersion((rows.0)(), facts.span);
    // Seconds of the clock against seconds since the first stamp: nearly the same windows.
    for (a, b) in census.requests.index.iter().zip(spread.requests.index) {
        assert!((a / b - 1.0).abs() < 0.15, "{a} and {b}");
    }
    assert_eq!(census.tally.entries, facts.rows);
    let minutes: u64 = census.minutes.requests.iter().sum();
    assert_eq!(minutes, facts.rows);
}

#[test]
fn a_scenario_replays_a_log_that_it_recognises_or_maps() {
    let desk = Desk::new();
    let scenario = |trace: &str| {
        format!(
            "# Who?\nduration = \"2s\"\npolicy = \"windtunnel\"\n[trace]\n{trace}\n[provider]\n\
             a = {{ profile = \"azure/gpt-4o\" }}\n"
        )
    };
    let file = |name: &str| data(name).to_str().unwrap().to_owned();
    desk.write("l.toml", scenario(&format!("file = \"{}\"", file("litellm.csv"))));
    desk.data(&["run", "l.toml", "--out", "l"]);
    assert!(desk.summary("l")["requests"]["offered"].as_u64().unwrap() >= 3);
    let map = "map = { time = \"created_at\", prompt = \"tokens in\", output = \"tokens out\", \
               status = \"code\" }";
    desk.write("m.toml", scenario(&format!("file = \"{}\"\n{map}", file("own.csv"))));
    desk.data(&["run", "m.toml", "--out", "m"]);
    let both = format!("file = \"{}\"\nformat = \"azure\"\n{map}", file("own.csv"));
    desk.write("b.toml", scenario(&both));
    let ended = desk.run(&["run", "b.toml"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("both `format` and `map`"), "{}", ended.stderr);
}
