//! The lines of the protocol are those of its page.

use super::*;
use crate::engine::Refusal;
use crate::policy::{ModelId, Pool, SetId};

#[test]
fn the_page_shows_what_is_said() {
    let page = include_str!("../../../docs/shim-protocol.md");
    let keys = |line: &str| -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let object = value.as_object().expect("a line is an object");
        object.keys().map(|key| format!("\"{key}\":")).collect()
    };
    let sent = Sent {
        request: 1,
        arrived: Time(1),
        model: ModelId(0),
        route: RouteId(3),
        at: Time(2),
        tag: 7,
        prompt_tokens: 1,
        streamed: true,
        heard: false,
        number: 0,
    };
    let request = Request {
        id: 1,
        arrived: Time(1),
        model: ModelId(0),
        class: 0,
        prompt_tokens: 1,
        max_tokens: 1,
        streamed: true,
        session: 1,
        topic: 0,
        set: SetId::ALL,
    };
    let rule = Rule { is_alone: false, avoid: &[], waits: 0, luck: 0.5 };
    let lines = [
        Question::Hello(wire::Hello::of(&Pool::default(), 1)).line(),
        Question::Decide(wire::Decide::of(Time(1), &request, &[], &rule, 7)).line(),
        Question::Tick { now: 1 }.line(),
        wire::line(&Fact::headers(Time(1), &sent, &Limits::default())),
        wire::line(&Fact::FirstToken { now: 1, attempt: 7, route: 3 }),
        wire::line(&Fact::end(
            Time(1),
            &sent,
            &Outcome::Done { prompt_tokens: 1, output_tokens: 1 },
        )),
        wire::line(&Fact::history(Time(1), Span(1), &[])),
        wire::line(&Fact::Present { now: 1, route: 3, present: false }),
    ];
    for line in &lines {
        for key in keys(line) {
            assert!(page.contains(&key), "{key} of {line}");
        }
    }
    // Each kind of outcome has a word of its own, and the page has it.
    let outcomes = [
        Outcome::Done { prompt_tokens: 1, output_tokens: 1 },
        Outcome::RateLimited { retry_after: Some(Span(5)) },
        Outcome::ServerError { status: 503 },
        Outcome::Unreachable,
        Outcome::Timeout,
        Outcome::StreamBroken { prompt_tokens: 1, output_tokens: 1 },
        Outcome::KeyRefused { class: Refusal::Quota },
        Outcome::CallerFault { status: 400 },
        Outcome::Cancelled,
    ];
    for outcome in outcomes {
        let line = wire::line(&Fact::end(Time(1), &sent, &outcome));
        let value: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
        let word = value["outcome"].as_str().expect("a word").to_owned();
        assert!(page.contains(&format!("| `{word}` |")), "{word}");
        assert_eq!(value["status"], outcome.status());
    }
}

#[test]
fn answers_are_read_and_nothing_else_is() {
    let read = |line: &str| wire::read::<Answer>(line, "decide", "x");
    assert!(matches!(read("{\"type\":\"send\",\"route\":3}"), Ok(Answer::Send { route: 3, .. })));
    assert!(matches!(read("{\"type\":\"wait\",\"ns\":5}"), Ok(Answer::Wait { ns: 5 })));
    assert!(matches!(read("{\"type\":\"stop\",\"status\":503}"), Ok(Answer::Stop { status: 503 })));
    for wrong in
        ["", "[]", "{\"type\":\"go\"}", "{\"type\":\"send\"}", "{\"type\":\"wait\",\"ns\":-1}"]
    {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let seen =
        wire::read::<wire::Seen>("{\"type\":\"seen\",\"routes\":[{\"route\":9}]}", "tick", "x");
    assert!(seen.and_then(|seen| seen.checked(9)).is_err());
}
