//! Tenants of a gateway of many nodes: each counts for itself, and knows of the others what they have told it.

use windtunnel::metrics::{Tape, tenant};

use crate::tape::tape;

/// A hundred requests a second, half a cent each, and a budget that is used up after some fifteen seconds.
fn run(nodes: u32, tables: &str) -> Tape {
    run_with(nodes, "budget = { \"1d\" = \"6 USD\" }", tables)
}

fn run_with(nodes: u32, limits: &str, tables: &str) -> Tape {
    let text = format!(
        "rps = 100\nduration = \"30s\"\npolicy = \"random\"\n\
         [workload]\nprompt = {{ median = 1_000, p90 = 1_500 }}\n\
         output = {{ median = 100, p90 = 200, max_tokens = 400 }}\n\
         [gateway]\nnodes = {nodes}\n\
         [provider]\nazure = {{ profile = \"azure/gpt-4o\", keys = 2 }}\n\
         [tenant.a]\nlimits = {{ {limits} }}\n{tables}"
    );
    tape("random", &text)
}

fn over(tape: &Tape) -> f64 {
    tenant::overshoot(tape).known().unwrap()
}

fn governance(sync: &str, charging: &str) -> String {
    format!("[governance]\nsync = \"{sync}\"\ncharging = \"{charging}\"\n")
}

/// What is spent per second while nobody is refused, and how long nine of ten answers take.
fn rate() -> (f64, f64) {
    let tape = run(1, "").latency.value_at_quantile(0.9) as f64 / 1e6;
    let free = run(
        1,
        "[[change]]\nat = \"0s\"\nkind = \"limit\"\ntenant = \"a\"\nlimits = { budget = { \"1d\" = \"99 USD\" } }\n",
    );
    (free.totals.cost_nano_usd as f64 / 1e9 / 30.0, tape)
}

#[test]
fn what_nodes_exceed_a_limit_by_stays_within_the_bound() {
    let (per_s, answer_s) = rate();
    assert!((0.3..0.6).contains(&per_s), "{per_s}");
    let nodes = 6.0;
    for (sync, every_s) in [("200ms", 0.2), ("1s", 1.0), ("5s", 5.0)] {
        // Median 50 ms, and one message of thousands takes four times as long.
        let stale = (every_s + 0.2) * (nodes - 1.0) / nodes;
        let after = over(&run(6, &governance(sync, "post-paid")));
        // A fifth more than the mean, for chance.
        let bound = 1.2 * per_s * (stale + answer_s) + 0.01;
        assert!(after <= bound, "{sync}: {after} of {bound}");
        let reserved = over(&run(6, &governance(sync, "reserved")));
        assert!(reserved <= 1.2 * per_s * stale, "{sync}: {reserved}");
        assert!(reserved < after);
    }
}

#[test]
fn the_leak_grows_with_the_delay_and_without_news_everybody_has_it_all() {
    let leaks: Vec<f64> =
        ["200ms", "2s", "8s"].map(|sync| over(&run(6, &governance(sync, "post-paid")))).to_vec();
    assert!(leaks.is_sorted() && leaks[2] > leaks[0] + 1.0, "{leaks:?}");
    let one = run(1, &governance("1s", "post-paid"));
    let never = run(6, &governance("never", "post-paid"));
    // All that was asked for: six times six dollars are more than that.
    assert_eq!(never.tenants[0].refusals(), 0);
    assert!(over(&never) > 4.0 && over(&one) < 2.0, "{} and {}", over(&never), over(&one));
    assert!(never.tenants[0].used_nano_usd > 3 * one.tenants[0].budget_nano_usd / 2);
}

#[test]
fn a_partition_hides_what_the_other_side_uses_until_it_heals() {
    let cut = "[[node_event]]\nkind = \"partition\"\non = [\"node-1\", \"node-2\"]\nstart = \"1s\"\nlasts = \"29s\"\n";
    let sync = governance("500ms", "post-paid");
    let (whole, split) = (run(4, &sync), run(4, &format!("{sync}{cut}")));
    // Each half has nearly all of the budget for itself.
    assert!(over(&split) > over(&whole) + 3.0, "{} against {}", over(&split), over(&whole));
    let healed = cut.replace("29s", "10s");
    assert!(over(&run(4, &format!("{sync}{healed}"))) < over(&split) - 2.0);
}

#[test]
fn counts_outlive_a_process_and_the_bytes_are_the_same_every_time() {
    let crash =
        "[[node_event]]\nkind = \"crash\"\non = \"node-1\"\nstart = \"8s\"\nlasts = \"4s\"\n";
    let tables = format!("{}{crash}", governance("1s", "reserved"));
    let (one, two) = (run(3, &tables), run(3, &tables));
    assert_eq!((one.digest, &one.tenants), (two.digest, &two.tenants));
    assert!(over(&one) < 0.6, "{}", over(&one));
}

#[test]
fn a_clock_that_is_ahead_begins_its_window_early_and_what_it_spends_then_is_too_much() {
    // The run begins ten seconds before midnight, and but for ten cents the budget is used up; every node knows.
    let run = |skew: &str| {
        run_with(
            4,
            "budget = { \"1d\" = \"6 USD\" }, spent = \"5.9 USD\", calendar = true",
            &format!(
                "[start]\nepoch = \"2025-06-02T23:59:50Z\"\n\
                 [governance]\nsync = \"200ms\"\nskew = \"{skew}\"\n"
            ),
        )
    };
    let (same, apart) = (run("0s"), run("9s"));
    let good = |tape: &Tape, seconds: std::ops::Range<usize>| {
        tape.tenants[0].bins[seconds].iter().map(|bin| bin.1).sum::<u32>()
    };
    assert!(good(&same, 0..10) < 400 && good(&same, 5..10) == 0, "all wait for midnight");
    assert!(good(&same, 10..14) > 300);
    // A quarter of the clients each: from 1, 4 and 7 s on.
    assert!((250..400).contains(&good(&apart, 5..10)), "{}", good(&apart, 5..10));
}
