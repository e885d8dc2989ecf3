//! Tenants in the world: who is refused what, what is charged, and that nobody pays for what another asks.

use std::path::Path;

use windtunnel::engine::Time;
use windtunnel::metrics::{DENIALS, Tape, tenant};
use windtunnel::scenario;

use crate::tape::tape;

const BASE: &str = r#"
rps = 100
duration = "30s"
policy = "windtunnel"
[workload]
prompt = { median = 1_000, p90 = 1_500 }
output = { median = 100, p90 = 200, max_tokens = 400 }
[provider]
azure = { profile = "azure/gpt-4o", keys = 2 }
openai = { profile = "openai/gpt-4o", keys = 2 }
"#;

fn run_under(policy: &str, tables: &str) -> Tape {
    tape(policy, &format!("{BASE}{tables}"))
}

fn run(tables: &str) -> Tape {
    run_under("windtunnel", tables)
}

fn refusals(tape: &Tape, reason: &str) -> u64 {
    let reason = DENIALS.iter().position(|name| *name == reason).unwrap();
    tape.tenants.iter().map(|tenant| tenant.denied[reason]).sum()
}

#[test]
fn a_tenant_that_may_everything_changes_nothing() {
    let (with, without) = (run("[tenant.all]\nkeys = 10\n"), run(""));
    assert_eq!(with.digest, without.digest);
    assert!(without.tenants.is_empty());
    let (tenant, totals) = (&with.tenants[0], &with.totals);
    assert_eq!((tenant.offered, tenant.good), (totals.offered, totals.good));
    assert_eq!((tenant.cost_nano_usd, tenant.refusals()), (totals.cost_nano_usd, 0));
}

#[test]
fn requests_are_shared_out_as_the_scenario_says_under_every_policy() {
    let tables = "[tenant.a]\nshare = 3\n[tenant.b]\nshare = 1\nkeys = 50\n";
    let shares: Vec<_> = ["windtunnel", "kong-default", "random"]
        .iter()
        .map(|name| {
            let tape = run_under(name, tables);
            [tape.tenants[0].offered, tape.tenants[1].offered]
        })
        .collect();
    assert!(shares.iter().all(|share| *share == shares[0]), "{shares:?}");
    let part = shares[0][0] as f64 / (shares[0][0] + shares[0][1]) as f64;
    assert!((part - 0.75).abs() < 0.03, "{part}");
}

#[test]
fn a_budget_that_is_paid_after_is_overshot_and_one_that_is_reserved_is_not() {
    let tables = "[tenant.a.limits]\nbudget = { \"1d\" = \"5 USD\" }\n";
    let after = run(tables);
    assert!(refusals(&after, "budget_exceeded") > 500);
    assert_eq!(after.totals.shed, refusals(&after, "budget_exceeded"), "a 402 is not asked again");
    let over = tenant::overshoot(&after).known().unwrap();
    // What is under way when it is used up: two seconds of a hundred requests at half a cent.
    assert!((0.05..2.0).contains(&over), "{over}");
    let reserved = run(&format!("{tables}[governance]\ncharging = \"reserved\"\n"));
    assert_eq!(tenant::overshoot(&reserved).known(), Some(0.0));
    let used = reserved.tenants[0].used_nano_usd as f64 / 1e9;
    assert!((4.8..=5.0).contains(&used), "{used}");
}

#[test]
fn a_window_begins_anew_and_the_epoch_says_when() {
    let tables = "[start]\nepoch = \"2025-06-02T23:59:45Z\"\n[tenant.a.limits]\ncalendar = true\n\
                  budget = { \"1d\" = \"1_000 USD\" }\nspent = \"1_000 USD\"\n";
    let tape = run(tables);
    let good = |bins: std::ops::Range<usize>| {
        tape.tenants[0].bins[bins].iter().map(|bin| bin.1).sum::<u32>()
    };
    assert_eq!((good(0..15), tape.tenants[0].bins[20].1 > 50), (0, true));
    assert_eq!(tape.measured_until, Time::from_secs(30));
}

#[test]
fn what_a_tenant_may_not_use_it_does_not_use() {
    let tables = "[tenant.a.provider]\nopenai = { keys = [\"key-2\"] }\n";
    let tape = run(tables);
    assert_eq!(
        tape.route_totals.iter().map(|route| route.attempts > 0).collect::<Vec<_>>(),
        [false, false, false, true]
    );
    let nothing = run("[tenant.a.provider]\nopenai = { models = [] }\n");
    assert_eq!(refusals(&nothing, "model_blocked"), nothing.totals.offered);
}

#[test]
fn weights_are_drawn_where_the_policy_does_not_weigh_providers_itself() {
    let tables = "[tenant.a.provider]\nazure = { weight = 9 }\nopenai = { weight = 1 }\n";
    let share = |name| {
        let tape = run_under(name, tables);
        let first = |range: std::ops::Range<usize>| {
            tape.route_totals[range].iter().map(|route| f64::from(route.first)).sum::<f64>()
        };
        first(0..2) / first(0..4)
    };
    let drawn = share("random");
    assert!((drawn - 0.9).abs() < 0.03, "{drawn}");
    assert!(share("windtunnel") < 0.8, "it weighs them by what it measures");
}

#[test]
fn an_answer_from_the_store_costs_nothing_and_asks_no_provider() {
    let stored = run("[workload.cache]\nhits = \"40%\"\n[tenant.a]\n");
    let plain = run("[tenant.a]\n");
    let part = stored.stored as f64 / stored.totals.offered as f64;
    assert!((part - 0.4).abs() < 0.04, "{part}");
    assert_eq!(stored.totals.offered, plain.totals.offered);
    let saved = 1.0 - stored.totals.cost_nano_usd as f64 / plain.totals.cost_nano_usd as f64;
    assert!((saved - 0.4).abs() < 0.06, "{saved}");
    assert!(stored.totals.attempts + stored.stored <= plain.totals.attempts + 50);
}

#[test]
fn wrong_tables_say_what_would_be_right() {
    let refused = |tables: &str| {
        let text = format!("{BASE}{tables}");
        let error = scenario::parse("test.toml", &text, Path::new(""), &[]).unwrap_err();
        format!("{error} {} {}", error.expected(), error.help().unwrap_or_default())
    };
    let cases = [
        ("[tenant.a]\nteam = \"reserch\"\n[team.research]\n", "did you mean `research`"),
        ("[tenant.a.provider.azrue]\n", "did you mean `azure`"),
        ("[tenant.a.limits]\nbudget = { \"2d\" = \"5 USD\" }\n", "no window of a limit"),
        ("[tenant.a.limits]\nbudget = { \"1d\" = 5 }\n", "such as \"5 USD\""),
        ("[tenant.a.limits]\nspent = \"5 USD\"\n", "no effect without a budget"),
        ("[team.research]\n", "no effect without tenants"),
        ("[tenant.a]\nkeys = 0\n", "1 to 1_000_000 virtual keys"),
        ("[tenant.a]\nclass = \"al\"\n", "did you mean `all`"),
        ("[tenant.a.provider.azure]\nkeys = [\"key-9\"]\n", "there is no key `key-9`"),
    ];
    for (tables, part) in cases {
        let said = refused(tables);
        assert!(said.contains(part), "{tables}: {said}");
    }
}

#[test]
fn limits_are_read_at_the_end_of_the_measured_time_whatever_comes_next() {
    let tape = run("[tenant.a]\nshare = 50\n[tenant.a.limits]\nbudget = { \"1m\" = \"5 USD\" }\n\
         spent = \"2 USD\"\nrequests = { \"1m\" = 1 }\nrunning = \"30s\"\n[tenant.b]\nshare = 50\n");
    // The minute ends with the measured time, and what comes next is a request of the first tenant.
    assert!(tape.arrived > tape.totals.offered, "something was under way");
    assert!(tape.tenants[0].used_nano_usd >= 2_000_000_000, "{:?}", tape.tenants[0]);
}
