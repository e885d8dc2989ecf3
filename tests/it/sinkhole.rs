//! A provider that fails fast looks idle: which rules send it more for that, and which notice.
//!
//! Provider 0 answers 500 after 20 ms from 30 s to 60 s; the others take lognormal times of about 0.65 s on
//! average. Nobody retries. The figures to meet are of an independent simulation of the same rules.

use windtunnel::engine::{Span, Time};
use windtunnel::metrics::Tape;
use windtunnel::policy::registry;
use windtunnel::sim::fault::{Effect, Failure};
use windtunnel::sim::plain;
use windtunnel::sim::spec::{Latency, Mix, Spec, Tokens};

use crate::scripted::run;
use crate::{bound, still};

/// Median answer in seconds, e^−½.
const MEDIAN_S: f64 = 0.606_530_659_712_633_4;
const SIGMA: f64 = 0.4;

/// `providers` with one key each, asked for answers that come in one piece.
fn world(providers: u16, rps: f64, seconds: u64, (from, to): (u64, u64)) -> Spec {
    let mut spec = plain::world(providers, 1, rps, seconds);
    spec.history = Span::ZERO;
    let class = &mut spec.classes[0];
    (class.prompt, class.output) = (Tokens::Constant(1), Tokens::Constant(1));
    class.streamed = 0.0;
    for provider in &mut spec.providers {
        provider.services[0].latency = Latency {
            network: Span::ZERO,
            ttft: Span::from_secs_f64(MEDIAN_S),
            mix: Mix { s: SIGMA, w: 0.0, m: 1.0, s2: 0.0 },
            per_prompt_token: Span::ZERO,
            tokens_per_s: 1e9,
            rate_sigma: 0.0,
        };
    }
    let error = Failure::Status(500);
    let effect = Effect::Errors { rate: 1.0, error, after: Span::from_millis(20) };
    spec.faults = vec![still::fault("fails fast", &[0], (from, to), effect)];
    spec
}

/// A run under a policy of the registry with these values set.
fn under(spec: &Spec, name: &str, sets: &[(&str, f64)], seed: u64) -> Tape {
    let policy = registry::find(name).unwrap();
    let mut settings = policy.settings();
    for (id, value) in sets {
        settings.set(id, *value).unwrap();
    }
    run(spec, policy.make(&settings, &spec.pool, Time::ZERO, seed).unwrap(), seed)
}

/// Share of first attempts that go to the provider during its fault.
fn share(tape: &Tape, (from, to): (usize, usize)) -> f64 {
    let fault = &tape.faults[0];
    let sum = |per_s: &[u32]| per_s[from..to].iter().map(|n| u64::from(*n)).sum::<u64>() as f64;
    sum(&fault.first_per_s) / sum(&fault.base_per_s)
}

/// The mean share over runs with the fault from 30 s to 60 s.
fn mean_share(rule: Rule, providers: u16, rps: f64, seeds: u64) -> f64 {
    let spec = world(providers, rps, 70, (30, 60));
    let of = |seed| share(&under(&spec, rule.0, rule.1, seed), (30, 60));
    (1..=seeds).map(of).sum::<f64>() / seeds as f64
}

/// A policy of the registry, and values set for it.
type Rule = (&'static str, &'static [(&'static str, f64)]);

/// linkerd's breaker by streaks only, as the figures have it.
const STREAKS: Rule = ("linkerd-breaker", &[("breaker.success_rate", 0.0)]);

/// LiteLLM's router without its retries.
const LITELLM: Rule = ("litellm-simple-shuffle", &[("mode", 0.0), ("num_retries", 0.0)]);

/// At 1,000 requests per second an attempt that fails after 20 ms is never the busier of two: the dead provider
/// gets all draws that it is in, 2/n, but for the first second, when its last good attempts are still under way.
/// linkerd's penalty of 5 s stands against response time × (in flight + 1), here 0.65 s × 300 and more, so it
/// cures nothing. A breaker or an ejection lets through what it takes to notice, and what is under way then.
/// LiteLLM is met in its worst phase: half of its minute has counted successes, so failures outnumber them only
/// when the minute, and the fault, are over.
#[test]
fn at_a_high_rate_who_fails_fast_gets_twice_its_share_unless_ejected() {
    let figures: [(Rule, [f64; 2], f64); 10] = [
        (("random", &[]), [0.336, 0.086], 0.01),
        (("p2c", &[]), [0.668, 0.168], 0.01),
        (("p2c-peak-ewma", &[]), [0.668, 0.168], 0.01),
        (("linkerd", &[]), [0.662, 0.165], 0.01),
        (STREAKS, [0.004, 0.002], 0.003),
        (("linkerd-breaker", &[]), [0.004, 0.002], 0.003),
        (("agentgateway", &[]), [0.001, 0.001], 0.002),
        (("envoy", &[]), [0.001, 0.000], 0.002),
        (("helicone", &[]), [0.109, 0.028], 0.005),
        (LITELLM, [0.336, 0.083], 0.01),
    ];
    for (rule, [of_three, of_twelve], tolerance) in figures {
        bound::near(mean_share(rule, 3, 1_000.0, 2), of_three, tolerance);
        bound::near(mean_share(rule, 12, 1_000.0, 2), of_twelve, tolerance);
    }
}

/// Two draws with replacement, as HAProxy makes them, are the dead one with probability 1 − (1 − 1/n)², 5/9 of
/// three: there the better has a smaller share than with two different draws.
#[test]
fn with_replacement_who_fails_fast_gets_less() {
    bound::near(mean_share(("haproxy", &[]), 3, 1_000.0, 2), 5.0 / 9.0, 0.01);
    bound::near(mean_share(("haproxy", &[]), 12, 1_000.0, 2), 23.0 / 144.0, 0.01);
}

/// Without eviction agentgateway's worst keeps the draws in which it meets only itself: 1/n².
#[test]
fn health_leaves_the_worst_the_draws_in_which_it_meets_itself() {
    let patient: Rule = ("agentgateway", &[("evict.consecutive", 10_000.0)]);
    bound::near(mean_share(patient, 3, 1_000.0, 2), 1.0 / 9.0, 0.01);
    bound::near(mean_share(patient, 12, 1_000.0, 2), 1.0 / 144.0, 0.003);
}

/// At 10 requests per second the figures are of one run each, of 300 requests: a share of a half has a standard
/// error of 0.03. Ours are means of 30 runs.
///
/// Two differ from the figures. *linkerd*: 0.112 there, 0.20 here; single runs of ours lie between 0.12 and
/// 0.28. Its average is of peaks, about 1.1 s where the mean is 0.65 s, and a healthy endpoint has three or four
/// attempts under way, so that its load, 1.1 × 4.5, is at the penalty of 5 s as soon as that has decayed a
/// little. *Its breaker*: 0.055 there; here 7 in a row, and probes after 1, 2, 4, 8 s, 1 to 1.5 times as long: 3
/// or 4 of them in 30 s. That makes 11 of 300, 0.037, and a streak that an older answer ends adds to it now and
/// then. With the ratio it trips after about 2 failures of 20: 6 of 300.
#[test]
fn at_a_low_rate_penalties_help_and_breakers_need_as_many_failures_as_at_a_high_one() {
    let figures: [(Rule, f64, f64); 9] = [
        (("random", &[]), 1.0 / 3.0, 0.02),
        (("p2c", &[]), 0.584, 0.02),
        (("p2c-peak-ewma", &[]), 0.642, 0.02),
        (("linkerd", &[]), 0.20, 0.03),
        (STREAKS, 11.0 / 300.0, 0.005),
        (("linkerd-breaker", &[]), 6.0 / 300.0, 0.005),
        (("agentgateway", &[]), 0.031, 0.005),
        (("envoy", &[]), 0.016, 0.008),
        (("helicone", &[]), 0.099, 0.01),
    ];
    for (rule, figure, tolerance) in figures {
        bound::near(mean_share(rule, 3, 10.0, 30), figure, tolerance);
    }
}

/// What goes to the dead provider fails, and nothing else does.
#[test]
fn the_share_is_the_share_of_requests_that_fail() {
    let spec = world(3, 1_000.0, 70, (30, 60));
    let tape = under(&spec, "p2c", &[], 1);
    let sent: u64 = tape.faults[0].first_per_s[30..60].iter().map(|n| u64::from(*n)).sum();
    assert_eq!((tape.totals.failed, tape.totals.attempts), (sent, tape.totals.offered));
}

/// Helicone's counts begin anew at each whole minute, so the dead provider is back for one check of 5 s: of the
/// 120 s from 70 s on, 3 × 5 s at two thirds, 8.3 % of all requests. It is well again from 190 s on, and out
/// until 240 s.
#[test]
fn helicone_is_back_at_a_dead_provider_every_minute() {
    let spec = world(3, 300.0, 260, (70, 190));
    let tape = under(&spec, "helicone", &[], 1);
    bound::near(share(&tape, (70, 190)), 2.0 / 3.0 * 15.0 / 120.0, 0.004);
    let moments: Vec<u64> = tape.transitions.iter().map(|t| t.at.0 / 1_000_000_000).collect();
    assert_eq!(moments, [75, 120, 125, 180, 185, 240]);
    assert!(tape.transitions.iter().all(|t| t.route.0 == 0));
    let first = &tape.faults[0].first_per_s;
    for (second, sent) in first.iter().enumerate().take(240).skip(75) {
        let back = (120..125).contains(&second) || (180..185).contains(&second);
        assert_eq!(*sent > 0, back, "{sent} in second {second}");
    }
    // From another second of the minute on: so long until it is found, and 5 s at each minute that is whole.
    for (start, back) in [(62, 3.0 + 5.0 + 2.0), (80, 15.0), (110, 15.0), (118, 7.0 + 5.0)] {
        let spec = world(3, 300.0, start + 140, (start, start + 120));
        let span = (start as usize, start as usize + 120);
        let share = share(&under(&spec, "helicone", &[], 1), span);
        bound::near(share, 2.0 / 3.0 * back / 120.0, 0.005);
    }
}

/// LiteLLM takes a deployment out when more than half of its requests failed in a minute that began with its
/// first success: an outage that begins `s` seconds into it is noticed after min(s, 60 − s). From then on the
/// dead deployment is tried again for a moment every five seconds.
#[test]
fn litellm_notices_an_outage_by_the_phase_of_its_minute() {
    for (start, blind) in [(62, 2.0), (70, 10.0), (90, 30.0), (110, 10.0)] {
        let spec = world(3, 300.0, start + 125, (start, start + 120));
        let span = (start as usize, start as usize + 120);
        let tape = under(&spec, LITELLM.0, LITELLM.1, 1);
        bound::near(share(&tape, span), blind / 120.0 / 3.0, 0.01);
        let first = tape.transitions.iter().find(|t| t.route.0 == 0).unwrap().at.as_secs_f64();
        bound::near(first - start as f64, blind, 1.5);
    }
}
