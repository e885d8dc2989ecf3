//! What an operator changes meanwhile: limits, quotas, keys, and the whole configuration.

use std::path::Path;

use windtunnel::metrics::Tape;
use windtunnel::policy::POLICIES;
use windtunnel::scenario;

use crate::tape::tape;

const BASE: &str = r#"
rps = 50
duration = "30s"
policy = "windtunnel"
[workload]
prompt = { median = 1_000, p90 = 1_500 }
output = { median = 50, p90 = 100, max_tokens = 200 }
[provider]
azure = { profile = "azure/gpt-4o", keys = 2, tpm = "4M" }
openai = { profile = "openai/gpt-4o", keys = 2 }
"#;

fn run(tables: &str) -> Tape {
    tape("windtunnel", &format!("{BASE}{tables}"))
}

/// Attempts at a route that began in these seconds, and how many of them met a limit.
fn attempts(tape: &Tape, route: usize, seconds: std::ops::Range<usize>) -> (u32, u32) {
    let bins = &tape.routes[route][seconds];
    (bins.iter().map(|bin| bin.attempts).sum(), bins.iter().map(|bin| bin.rate_limited).sum())
}

#[test]
fn a_limit_that_is_raised_or_lowered_holds_from_that_moment() {
    let tenant = "[tenant.a.limits]\nrequests = { \"1m\" = 100 }\n";
    let change = |max: u32| {
        format!(
            "{tenant}[[change]]\nat = \"10s\"\nkind = \"limit\"\ntenant = \"a\"\nlimits = {{ requests = {{ \"1m\" = {max} }} }}\n"
        )
    };
    let sent = |tape: &Tape| tape.totals.attempts;
    assert_eq!(sent(&run(tenant)), 100);
    let raised = run(&change(250));
    assert_eq!(sent(&raised), 250);
    let at_ten: u32 = raised.arrivals[5..10].iter().map(|bin| bin.good).sum();
    assert_eq!(at_ten, 0, "the first hundred are gone in two seconds");
    // What was used stays used, also where it is more than may be from now on.
    assert_eq!(sent(&run(&change(40))), 100);
    // Only some tenants of a team are refused where only their limit falls.
    let team = "[team.t.limits]\nrequests = { \"1m\" = 1_000 }\n[tenant.a]\nteam = \"t\"\n\
                [[change]]\nat = \"5s\"\nkind = \"limit\"\nteam = \"t\"\nlimits = { requests = { \"1m\" = 300 } }\n";
    assert_eq!(sent(&run(team)), 300);
}

#[test]
fn a_quota_that_falls_refuses_and_one_that_grows_admits() {
    let only = "[tenant.a.provider.azure]\n";
    let change = |to: &str| {
        format!(
            "{only}[[change]]\nat = \"15s\"\nkind = \"quota\"\non = \"azure/key-1\"\nto = \"{to}\"\n"
        )
    };
    let limited = |tape: &Tape, route, seconds| attempts(tape, route, seconds).1;
    let run = |tables: &str| tape("random", &format!("{BASE}{tables}"));
    let plain = run(only);
    assert_eq!(limited(&plain, 0, 0..30), 0, "two million a minute are enough");
    let cut = run(&change("2%"));
    assert_eq!(limited(&cut, 0, 0..15), 0);
    assert!(limited(&cut, 0, 15..30) > 100, "40,000 a minute are not");
    assert_eq!(limited(&cut, 1, 0..30), 0, "the other key has its own");
    let narrow = |tables: &str| {
        let text = format!("{BASE}{tables}").replace("\"4M\"", "\"200K\"");
        tape("random", &text)
    };
    let (as_it_was, grown) = (narrow(only), narrow(&change("2_000%")));
    assert!(limited(&as_it_was, 0, 16..30) > 100);
    assert_eq!(limited(&grown, 0, 16..30), 0);
    assert_eq!(limited(&grown, 0, 0..15), limited(&as_it_was, 0, 0..15));
}

#[test]
fn a_new_key_takes_the_place_of_an_old_one_without_its_past() {
    let rotate = "[[change]]\nat = \"15s\"\nkind = \"rotate\"\non = \"azure/key-1\"\n";
    let revoked =
        "[[fault]]\nkind = \"key-fault\"\non = \"azure/key-1\"\nstart = \"5s\"\nlasts = \"25s\"\n";
    for policy in ["windtunnel", "random", "kong-default", "bifrost-oss"] {
        let tape = tape(policy, &format!("{BASE}{rotate}{revoked}"));
        // Routes: azure/key-1, azure/key-2, azure/key-1-new, openai/key-1, openai/key-2.
        assert_eq!(tape.routes.len(), 5, "{policy}");
        let served = |route, seconds| attempts(&tape, route, seconds).0;
        assert_eq!((served(2, 0..15), served(0, 16..30)), (0, 0), "{policy}");
        assert!(served(2, 16..30) > 20, "{policy}: {}", served(2, 16..30));
        let failed: u32 = tape.routes[2].iter().map(|bin| bin.failed).sum();
        assert!(failed <= 3, "{policy}: the fault is on the old key");
    }
    // A tenant that may use the old key may use the new one, and only that.
    let confined = run(&format!("[tenant.a.provider.azure]\nkeys = [\"key-1\"]\n{rotate}"));
    let all = |route| attempts(&confined, route, 0..30).0;
    assert!(all(0) > 500 && all(2) > 500, "{} and {}", all(0), all(2));
    assert_eq!((all(1), all(3) + all(4)), (0, 0));
    // Its limit is unused: the old one had no room left.
    let narrow = format!("{BASE}[tenant.a.provider.azure]\nkeys = [\"key-1\"]\n{rotate}");
    let narrow = narrow.replace("\"4M\"", "\"1M\"");
    let used_up = tape("random", &narrow);
    assert!(attempts(&used_up, 0, 10..15).1 > 50 && attempts(&used_up, 2, 15..20).1 == 0);
}

#[test]
fn a_reload_forgets_what_was_learnt_and_nobody_stumbles_over_late_reports() {
    let outage =
        "[[fault]]\nkind = \"hard-outage\"\non = \"azure\"\nstart = \"5s\"\nlasts = \"20s\"\n";
    let reload = "[[change]]\nat = \"15s\"\nkind = \"reload\"\n";
    let into = |tape: &Tape, seconds: std::ops::Range<usize>| {
        attempts(tape, 0, seconds.clone()).0 + attempts(tape, 1, seconds).0
    };
    let (kept, lost) = (run(outage), run(&format!("{outage}{reload}")));
    assert_eq!(into(&kept, 0..15), into(&lost, 0..15));
    let (lost_s, kept_s) = (into(&lost, 15..20), into(&kept, 15..20));
    assert!(lost_s > kept_s + 20, "{lost_s} against {kept_s}");
    let told: Vec<_> = (lost.transitions.iter())
        .filter(|change| change.reason == "configuration reload")
        .map(|change| (change.at.as_secs_f64(), change.route.0))
        .collect();
    assert_eq!(told, [(15.0, 0), (15.0, 1)]);
    for policy in POLICIES {
        let text = format!("{BASE}{outage}{reload}").replace("rps = 50", "rps = 20");
        let tape = tape(policy.name, &text);
        assert_eq!(tape.totals.unfinished, 0, "{}", policy.name);
        // Ten seconds of the thirty nothing is wrong.
        assert!(tape.totals.good > 150, "{}: {:?}", policy.name, tape.totals);
    }
}

#[test]
fn a_reload_of_many_nodes_is_the_same_bytes_every_time() {
    let text = format!(
        "{BASE}[gateway]\nnodes = 3\nshare = \"full\"\n[[change]]\nat = \"10s\"\nkind = \"reload\"\n"
    );
    let (one, two) = (tape("bifrost-2026", &text), tape("bifrost-2026", &text));
    assert_eq!((one.digest, one.totals), (two.digest, two.totals));
    let without = tape("bifrost-2026", &text.replace("reload", "add\"\non = \"azure"));
    assert_ne!(one.digest, without.digest);
}

#[test]
fn wrong_changes_say_what_would_be_right() {
    let refused = |tables: &str| {
        let text = format!("{BASE}{tables}");
        let error = scenario::parse("test.toml", &text, Path::new(""), &[]).unwrap_err();
        format!("{error} {} {}", error.expected(), error.help().unwrap_or_default())
    };
    let change = |keys: &str| format!("[[change]]\nat = \"5s\"\n{keys}\n");
    let tenant = "[tenant.a.limits]\nbudget = { \"1d\" = \"5 USD\" }\n";
    let cases = [
        (change("kind = \"remove\""), "needs `on`"),
        (change("kind = \"reload\"\non = \"azure\""), "no effect"),
        (change("kind = \"quota\"\non = \"azure\""), "needs `to`"),
        (change("kind = \"quota\"\non = \"openai\"\nto = \"50%\""), "has no limits"),
        (change("kind = \"quota\"\non = \"azure\"\nto = \"0%\""), "above 0"),
        (change("kind = \"rotate\"\non = \"azure\""), "not one key"),
        (change("kind = \"rotate\"\non = \"azrue/key-1\""), "did you mean `azure`"),
        (change("kind = \"rotate\"\non = \"azure/key-7\""), "there is no key `key-7`"),
        (change("kind = \"limit\"\nlimits = { tokens = { \"1m\" = 5 } }"), "nobody has limits"),
        (
            format!(
                "{tenant}{}",
                change("kind = \"limit\"\nlimits = { budget = { \"1d\" = \"9 USD\" } }")
            ),
            "somebody's",
        ),
        (
            format!(
                "{tenant}{}",
                change(
                    "kind = \"limit\"\ntenant = \"a\"\nlimits = { budget = { \"1h\" = \"9 USD\" } }"
                )
            ),
            "no budget of \"1h\"",
        ),
        (
            format!(
                "{tenant}{}",
                change(
                    "kind = \"limit\"\ntenant = \"b\"\nlimits = { budget = { \"1d\" = \"9 USD\" } }"
                )
            ),
            "there is no tenant `b`",
        ),
        (change("kind = \"rotated\"\non = \"azure/key-1\""), "did you mean `rotate`"),
    ];
    for (tables, part) in cases {
        let said = refused(&tables);
        assert!(said.contains(part), "{tables}: {said}");
    }
}
