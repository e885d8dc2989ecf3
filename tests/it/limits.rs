//! Limits through whole runs: what passes a limit under 150 % demand, in the vendor's own unit, and what
//! hints and shared pools do.

use windtunnel::engine::{Outcome, Span, Time};
use windtunnel::policy::Step;
use windtunnel::sim::spec::{Gaps, Limit, LimitRules, Place, Spec};

use crate::bound;
use crate::scripted::{Diary, Entry, in_turn, observe, random, script, send, watch};
use crate::still::{self, OUTPUT, PROMPT};

/// Requests per second.
const RPS: f64 = 60.0;
/// What clients reserve, in tokens.
const MAX_TOKENS: u64 = 400;
/// Minutes before the count: a bucket that holds a minute's limit fills in two at 150 % demand.
const WARM: u64 = 3;
/// Whole minutes that are counted.
const MINUTES: u64 = 5;

fn limit(rules: LimitRules, tpm: u64) -> Limit {
    Limit { name: "limit".to_owned(), rules, tpm: Some(tpm), rpm: None }
}

/// `keys` routes of one provider; key k draws on limit `which(k)`.
fn world(keys: u32, limits: Vec<Limit>, which: impl Fn(u32) -> u32) -> Spec {
    let mut spec = still::world(1, keys, RPS, 60 * (WARM + MINUTES));
    spec.classes[0].max_tokens = MAX_TOKENS as u32;
    spec.limits = limits;
    spec.places = (0..keys).map(|k| Place { limit: Some(which(k)), more: 0, service: 0 }).collect();
    spec
}

/// The limit per minute of which demand is 150 %, if a request costs so many tokens.
fn two_thirds(cost: u64) -> u64 {
    (RPS * 60.0 * cost as f64 / 1.5) as u64
}

/// Attempts that were not refused, in the counted minutes.
fn admitted(diary: &Diary) -> usize {
    let passed = |e: &&&Entry| !matches!(e.outcome(), Outcome::RateLimited { .. });
    let counted = diary.attempts.iter().filter(|e| e.within((60 * WARM, 60 * (WARM + MINUTES))));
    counted.collect::<Vec<_>>().iter().filter(passed).count()
}

/// Admitted tokens per minute relative to the limit, at `cost` tokens a request.
fn through(rules: LimitRules, tpm: u64, cost: u64, gaps: Gaps) -> f64 {
    let mut spec = world(1, vec![limit(rules, tpm)], |_| 0);
    spec.classes[0].arrivals = still::arrivals(gaps, RPS);
    let (_, diary) = observe(&spec, in_turn(&[0]), 1, false);
    admitted(&diary) as f64 * cost as f64 / (MINUTES * tpm) as f64
}

#[test]
fn openai_lets_its_limit_through_as_charged_on_arrival() {
    let cost = MAX_TOKENS.max(u64::from(PROMPT));
    let tpm = two_thirds(cost);
    let found = through(LimitRules::OpenAi, tpm, cost, Gaps::Gamma { cv: 2.0 });
    // The bucket stays within a few bursts of full: a hundred requests of 12,000.
    bound::near(found, 1.0, 100.0 * cost as f64 / (MINUTES * tpm) as f64);
}

#[test]
fn azure_lets_its_limit_through_in_each_minute_plus_the_request_that_reaches_it() {
    let cost = MAX_TOKENS + u64::from(PROMPT);
    let tpm = two_thirds(cost) + 1;
    let rules = LimitRules::Azure { rpm_window: Span::from_secs(10) };
    let mut spec = world(1, vec![limit(rules, tpm)], |_| 0);
    spec.classes[0].arrivals = still::arrivals(Gaps::Gamma { cv: 2.0 }, RPS);
    let (_, diary) = observe(&spec, in_turn(&[0]), 1, false);
    for minute in 0..WARM + MINUTES {
        let all = diary.at(0, (60 * minute, 60 * (minute + 1)));
        let passed = all.iter().filter(|e| e.done()).count() as u64;
        assert_eq!(passed, tpm.div_ceil(cost), "minute {minute}");
        // All at the beginning, then nothing until the clock's minute is over.
        let last = all.iter().rposition(|e| e.done()).unwrap();
        assert_eq!(last + 1, passed as usize);
    }
}

#[test]
fn anthropic_lets_each_of_its_token_limits_through() {
    let plenty = 100_000_000;
    for reserve in [true, false] {
        let output_tpm = two_thirds(u64::from(OUTPUT));
        let rules = LimitRules::Anthropic { output_tpm, reserve };
        let mut spec = world(1, vec![limit(rules, plenty)], |_| 0);
        spec.classes[0].arrivals = still::arrivals(Gaps::Poisson, RPS);
        let (_, diary) = observe(&spec, in_turn(&[0]), 1, false);
        let found = admitted(&diary) as f64 * f64::from(OUTPUT) / (MINUTES * output_tpm) as f64;
        // Reserved: a bucket of a minute's limit stays within what is in flight (40 a second, 1.52 s, 400
        // tokens each) of full. As produced: overdrawn by at most what is in flight at 60 a second.
        let swing = if reserve { 40.0 * 1.52 * 400.0 } else { 60.0 * 1.52 * f64::from(OUTPUT) };
        bound::near(found, 1.0, swing / (MINUTES * output_tpm) as f64);
    }
    let tpm = two_thirds(u64::from(PROMPT));
    let rules = LimitRules::Anthropic { output_tpm: plenty, reserve: true };
    let found = through(rules, tpm, u64::from(PROMPT), Gaps::Poisson);
    bound::near(found, 1.0, 50.0 * f64::from(PROMPT) / (MINUTES * tpm) as f64);
}

#[test]
fn bedrock_lets_its_limit_through_at_the_settled_cost() {
    let prompt = u64::from(PROMPT);
    let settled = prompt + u64::from(OUTPUT);
    let tpm = two_thirds(settled);
    let found = through(LimitRules::Bedrock { burndown: 1.0 }, tpm, settled, Gaps::Poisson);
    // Each minute ends within one reservation of the limit, and those in flight then (40 a second for
    // 1.52 s) give nothing back: at most they were reserved at 400 where 80 was used. What settles in a
    // later minute is free there, so no minute is short by more.
    let slack = (prompt + MAX_TOKENS + 61 * (MAX_TOKENS - u64::from(OUTPUT))) as f64 / tpm as f64;
    bound::near(found, 1.0, slack);
    // At five tokens for one of output the reservation is spent: the whole of it is the cost.
    let settled = prompt + 5 * u64::from(OUTPUT);
    assert_eq!(settled, prompt + MAX_TOKENS);
    let tpm = two_thirds(settled);
    let found = through(LimitRules::Bedrock { burndown: 5.0 }, tpm, settled, Gaps::Poisson);
    bound::near(found, 1.0, settled as f64 / tpm as f64);
}

#[test]
fn vertex_lets_its_baseline_through_when_the_pool_is_full_and_more_when_it_is_not() {
    let cost = u64::from(PROMPT + OUTPUT);
    let tpm = two_thirds(cost);
    let offered = RPS * 60.0 * MINUTES as f64;
    // A third of demand is excess; a full pool refuses all of it, binomially.
    let noise = 4.0 * (offered * 2.0 / 9.0).sqrt() / (offered / 1.5);
    let full = through(LimitRules::Vertex { pool_load: 1.0 }, tpm, cost, Gaps::Even);
    // The rate over a sliding second is that of 60 requests give or take one.
    bound::near(full, 1.0, noise + 1.5 / 60.0);
    // Half the excess passes at half the load; minutes swing by at most a tenth each, the day by a tenth.
    let half = through(LimitRules::Vertex { pool_load: 0.5 }, tpm, cost, Gaps::Even);
    bound::near(half, 1.25, noise + 1.5 / 60.0 + 0.5 * 0.2);
}

#[test]
fn another_seed_is_another_day_of_the_shared_pool() {
    let cost = u64::from(PROMPT + OUTPUT);
    let mut spec =
        world(1, vec![limit(LimitRules::Vertex { pool_load: 0.5 }, two_thirds(cost))], |_| 0);
    spec.classes[0].arrivals = still::arrivals(Gaps::Even, RPS);
    spec.horizon = Span::from_secs(180);
    // Refusals in one minute spread over seeds more than binomially if the pool itself differs: its load by
    // 0.041, so they by 49 of 600, where chance alone gives 22.
    let minute = |seed| {
        let (_, diary) = observe(&spec, in_turn(&[0]), seed, false);
        let all = diary.at(0, (120, 180));
        all.iter().filter(|e| !e.done()).count() as f64
    };
    let counts: Vec<f64> = (1..=40).map(minute).collect();
    let mean = counts.iter().sum::<f64>() / 40.0;
    let variance = counts.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 39.0;
    let binomial = mean * (1.0 - mean / (RPS * 60.0));
    // χ² with 39 degrees of freedom is above 72 once in a thousand: 1.85 times its mean.
    assert!(variance > 1.85 * binomial, "{variance} for {binomial}: {counts:?}");
}

#[test]
fn a_shared_pool_is_one_bucket_however_many_keys_draw_on_it() {
    let cost = MAX_TOKENS.max(u64::from(PROMPT));
    let tpm = two_thirds(cost);
    let pool = |keys, shared: bool| {
        let limits = vec![limit(LimitRules::OpenAi, tpm); if shared { 1 } else { keys as usize }];
        let spec = world(keys, limits, move |k| if shared { 0 } else { k });
        let (_, diary) = observe(&spec, random(&spec), 1, false);
        admitted(&diary) as f64 * cost as f64 / (MINUTES * tpm) as f64
    };
    let slack = 100.0 * cost as f64 / (MINUTES * tpm) as f64;
    bound::near(pool(1, true), 1.0, slack);
    bound::near(pool(4, true), 1.0, slack);
    // With a bucket each, demand is below the limits and all of it passes.
    bound::near(pool(4, false), 1.5, 4.0 * 1.5 / (RPS * 60.0 * MINUTES as f64).sqrt());
}

#[test]
fn keys_of_a_shared_pool_read_the_same_headers() {
    let cost = MAX_TOKENS.max(u64::from(PROMPT));
    let spec = world(2, vec![limit(LimitRules::OpenAi, 2 * two_thirds(cost))], |_| 0);
    let (_, diary) = watch(&spec, random(&spec), 1);
    let mut told: Vec<(Time, u32, u64)> = (diary.attempts.iter())
        .filter_map(|e| Some((e.headers?.0, e.route, e.headers?.1.tokens_remaining?)))
        .collect();
    told.sort_unstable();
    // Headers of two keys within a millisecond differ by what drains and arrives in it.
    let close = told.windows(2).filter(|w| w[0].1 != w[1].1 && w[1].0.since(w[0].0).0 < 1_000_000);
    let apart: Vec<u64> = close.map(|w| w[0].2.abs_diff(w[1].2)).collect();
    assert!(apart.len() > 100 && apart.iter().all(|&d| d <= 2 * cost), "{apart:?}");
}

/// What a client of a full bucket is told, and what a policy makes of it.
fn refused_then(policy: Box<dyn windtunnel::policy::Policy>) -> Diary {
    let tpm = two_thirds(u64::from(PROMPT));
    let spec = world(1, vec![limit(LimitRules::OpenAi, tpm)], |_| 0);
    watch(&spec, policy, 1).1
}

#[test]
fn nobody_waits_for_retry_after_unless_the_policy_does() {
    let at_once = script(|_, _, past, _, _| match past.len() {
        0 | 1 => send(0),
        _ => Step::Stop { status: 429 },
    });
    let waits = script(|_, _, past, waited, _| match (past.last().map(|p| p.outcome), waited) {
        (Some(Outcome::RateLimited { retry_after: Some(hint) }), 0) if past.len() == 1 => {
            Step::Wait(hint)
        }
        (Some(_), 0) => Step::Stop { status: 429 },
        _ => send(0),
    });
    for (policy, patient) in [(at_once, false), (waits, true)] {
        let diary = refused_then(policy);
        let mut pairs = 0;
        let mut first = std::collections::BTreeMap::new();
        for entry in diary.attempts.iter().filter(|e| e.within((60 * WARM, 60 * (WARM + MINUTES))))
        {
            let Some(earlier) = first.insert(entry.request.id, entry.clone()) else { continue };
            let (refused, outcome) = earlier.end.unwrap();
            let Outcome::RateLimited { retry_after: Some(hint) } = outcome else { panic!() };
            assert!(hint > Span::ZERO);
            assert_eq!(entry.at.since(refused), if patient { hint } else { Span::ZERO });
            pairs += 1;
        }
        assert!(pairs > 1_000, "{pairs}");
    }
}

#[test]
fn a_lone_client_that_waits_as_told_is_let_in() {
    // One request in flight at a time, a limit of ten a minute: after a burst of ten, one every 6 s.
    let mut spec = world(1, vec![limit(LimitRules::OpenAi, 10 * u64::from(PROMPT))], |_| 0);
    spec.classes[0].arrivals =
        windtunnel::sim::spec::Arrivals::Closed { clients: 1, think: Span::from_millis(1) };
    let waits = script(|_, _, past, waited, _| match (past.last().map(|p| p.outcome), waited) {
        (Some(Outcome::RateLimited { retry_after: Some(hint) }), 0) => Step::Wait(hint),
        _ => send(0),
    });
    let (tape, diary) = watch(&spec, waits, 1);
    let retried = diary.attempts.iter().filter(|e| e.number > 0);
    let refused = retried.filter(|e| !e.done()).count();
    assert_eq!((refused, tape.totals.failed), (0, 0), "told once, let in once");
    assert!(tape.totals.rate_limited > 40, "{}", tape.totals.rate_limited);
}
