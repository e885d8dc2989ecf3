//! The figures that vendors print, and what follows from their rules.

use super::*;
use crate::engine::luck::mix;

fn bucket(rules: LimitRules, tpm: Option<u64>, rpm: Option<u64>) -> Bucket {
    Bucket::new(&Limit { name: "pool".into(), rules, tpm, rpm }, 0, 1)
}

fn secs(secs: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(secs)
}

/// How many of `count` requests at the same moment pass.
fn passed(bucket: &mut Bucket, now: Time, count: u32, prompt: u32, max_tokens: u32) -> u32 {
    (0..count).filter(|_| bucket.admit(now, prompt, max_tokens, 1.0, 0).is_ok()).count() as u32
}

#[test]
fn openai_names_the_wait_of_its_own_message() {
    let mut bucket = bucket(LimitRules::OpenAi, Some(10_000), None);
    assert!(bucket.admit(Time::ZERO, 8782, 100, 1.0, 0).is_ok());
    let denied = bucket.admit(Time::ZERO, 8172, 100, 1.0, 0).unwrap_err();
    assert_eq!(denied.retry_after, Some(Span::from_millis(41_724)));
    let just_before = Time(41_723_999_999);
    assert!(bucket.clone().admit(just_before, 8172, 100, 1.0, 0).is_err());
    assert!(bucket.admit(Time(41_724_000_000), 8172, 100, 1.0, 0).is_ok());
}

#[test]
fn openai_charges_the_greater_of_prompt_and_max_tokens_and_refunds_nothing() {
    let mut bucket = bucket(LimitRules::OpenAi, Some(60_000), None);
    let charge = bucket.admit(Time::ZERO, 100, 4000, 1.0, 0).unwrap();
    bucket.settle(Time::ZERO, charge, 100, 10);
    assert_eq!(bucket.limits(Time::ZERO, 1.0).tokens_remaining, Some(56_000));
    assert_eq!(bucket.limits(Time::ZERO, 1.0).reset, Some(Span::from_secs(4)));
    // 1,000 tokens a second come back.
    assert_eq!(bucket.limits(secs(1.0), 1.0).tokens_remaining, Some(57_000));
    assert_eq!(bucket.admit(secs(4.0), 60_001, 0, 1.0, 0), Err(Denied { retry_after: None }));
}

#[test]
fn openai_counts_refused_requests_as_requests() {
    let mut bucket = bucket(LimitRules::OpenAi, None, Some(60));
    assert_eq!(passed(&mut bucket, Time::ZERO, 100, 1, 1), 60);
    // One a second comes back, but whoever asks twice a second keeps the bucket full.
    let hammering =
        (1..100).filter(|n| bucket.admit(secs(f64::from(*n) * 0.5), 1, 1, 1.0, 0).is_ok());
    assert_eq!(hammering.count(), 0);
    assert!(bucket.admit(secs(51.0), 1, 1, 1.0, 0).is_ok(), "a pause helps");
}

#[test]
fn azure_refuses_everybody_until_the_minute_of_the_wall_clock_is_over() {
    let rules = LimitRules::Azure { rpm_window: Span::from_secs(1) };
    // Virtual time zero is 20 s into a minute.
    let limit = Limit { name: "pool".into(), rules, tpm: Some(10_000), rpm: None };
    let mut bucket = Bucket::new(&limit, 1_700_000_000 - 1_700_000_000 % 60 + 20, 1);
    // 1,000 each: the tenth reaches the limit and passes, the eleventh does not.
    assert_eq!(passed(&mut bucket, secs(3.0), 50, 600, 400), 10);
    let denied = bucket.admit(secs(3.0), 1, 1, 1.0, 0).unwrap_err();
    assert_eq!(denied.retry_after, Some(Span::from_secs(37)));
    assert_eq!(bucket.limits(secs(3.0), 1.0).tokens_remaining, Some(0));
    assert!(bucket.admit(secs(39.999), 1, 1, 1.0, 0).is_err());
    assert_eq!(passed(&mut bucket, secs(40.0), 50, 600, 400), 10);
}

#[test]
fn azure_spreads_requests_over_its_evaluation_periods() {
    let per_second = |rpm, window| {
        let rules = LimitRules::Azure { rpm_window: Span::from_secs(window) };
        let mut bucket = bucket(rules, None, Some(rpm));
        let counts: Vec<u32> = (0..60)
            .map(|second| passed(&mut bucket, secs(f64::from(second)), 1000, 1, 1))
            .collect();
        counts
    };
    assert!(per_second(600, 1).iter().all(|count| *count == 10));
    let uneven = per_second(500, 1);
    assert!(uneven.iter().all(|count| (8..=9).contains(count)));
    assert_eq!(uneven.iter().sum::<u32>(), 500);
    let tens = per_second(600, 10);
    assert_eq!((tens[0], tens[1], tens[10]), (100, 0, 100));
    let rules = LimitRules::Azure { rpm_window: Span::from_secs(10) };
    let mut bucket = bucket(rules, None, Some(6));
    assert_eq!(passed(&mut bucket, secs(0.0), 5, 1, 1), 1);
    let denied = bucket.admit(secs(4.0), 1, 1, 1.0, 0).unwrap_err();
    assert_eq!(denied.retry_after, Some(Span::from_secs(6)));
}

#[test]
fn a_cut_limit_binds_and_shows() {
    let rules = LimitRules::Azure { rpm_window: Span::from_secs(1) };
    let mut bucket = bucket(rules, Some(10_000), None);
    let half = (0..50).filter(|_| bucket.admit(Time::ZERO, 600, 400, 0.5, 0).is_ok()).count();
    assert_eq!(half, 5);
    assert_eq!(bucket.limits(Time::ZERO, 0.5).tokens_limit, Some(5000));
    assert_eq!(bucket.limits(Time::ZERO, 1.0).tokens_limit, Some(10_000));
}

#[test]
fn anthropic_has_three_buckets_and_each_can_be_the_one_that_is_empty() {
    let rules = |output_tpm| LimitRules::Anthropic { output_tpm, reserve: true };
    let mut requests = bucket(rules(1_000_000), Some(1_000_000), Some(50));
    assert_eq!(passed(&mut requests, Time::ZERO, 100, 10, 10), 50);
    // 1.2 s to the next request, said as 2.
    let denied = requests.admit(Time::ZERO, 10, 10, 1.0, 0).unwrap_err();
    assert_eq!(denied.retry_after, Some(Span::from_secs(2)));
    let mut input = bucket(rules(1_000_000), Some(40_000), Some(5000));
    assert_eq!(passed(&mut input, Time::ZERO, 100, 1000, 10), 40);
    let mut output = bucket(rules(8000), Some(1_000_000), Some(5000));
    assert_eq!(passed(&mut output, Time::ZERO, 100, 10, 1000), 8);
    assert_eq!(output.limits(Time::ZERO, 1.0).tokens_limit, Some(8000));
    assert_eq!(input.limits(Time::ZERO, 1.0).tokens_remaining, Some(0));
}

#[test]
fn anthropic_reserved_output_comes_back_and_realtime_output_is_charged_as_produced() {
    let rules = |reserve| LimitRules::Anthropic { output_tpm: 8000, reserve };
    let mut reserve = bucket(rules(true), None, None);
    let charge = reserve.admit(Time::ZERO, 10, 8000, 1.0, 0).unwrap();
    assert!(reserve.admit(Time::ZERO, 10, 8000, 1.0, 0).is_err());
    reserve.settle(Time::ZERO, charge, 10, 100);
    assert!(reserve.admit(Time::ZERO, 10, 7900, 1.0, 0).is_ok());

    let mut realtime = bucket(rules(false), None, None);
    let charges: Vec<Charge> =
        (0..100).map(|_| realtime.admit(Time::ZERO, 10, 8000, 1.0, 0).unwrap()).collect();
    for charge in charges {
        realtime.settle(Time::ZERO, charge, 10, 160);
    }
    // 16,000 produced of 8,000 a minute: a minute's overdraft, and room for one more token.
    let denied = realtime.admit(Time::ZERO, 10, 10, 1.0, 0).unwrap_err();
    assert_eq!(denied.retry_after, Some(Span::from_secs(61)));
    assert!(realtime.admit(secs(60.01), 10, 10, 1.0, 0).is_ok());
}

#[test]
fn bedrock_s_example_of_what_an_unset_max_tokens_costs() {
    let rules = LimitRules::Bedrock { burndown: 5.0 };
    assert_eq!(
        passed(&mut bucket(rules, Some(2_000_000), None), Time::ZERO, 5000, 500, 1000),
        1333
    );
    assert_eq!(
        passed(&mut bucket(rules, Some(2_000_000), None), Time::ZERO, 5000, 500, 64_000),
        31
    );
}

#[test]
fn bedrock_settles_at_five_times_the_output_and_forgets_at_the_minute() {
    let rules = LimitRules::Bedrock { burndown: 5.0 };
    let mut quota = bucket(rules, Some(10_000), None);
    let charge = quota.admit(Time::ZERO, 1000, 4000, 1.0, 0).unwrap();
    // 1,000 + 5 × 100: 8,500 of 10,000 are left.
    quota.settle(secs(1.0), charge, 1000, 100);
    assert!(quota.clone().admit(secs(1.0), 500, 8001, 1.0, 0).is_err());
    let late = quota.admit(secs(1.0), 500, 8000, 1.0, 0).unwrap();
    let denied = quota.admit(secs(59.9), 10, 10, 1.0, 0).unwrap_err();
    assert_eq!(denied.retry_after, None);
    // 500 + 5 × 3,000 = 15,500 were charged 8,500 in a minute that is over: 7,000 fall on this one.
    quota.settle(secs(61.0), late, 500, 3000);
    assert_eq!(passed(&mut quota, secs(61.0), 100, 500, 500), 3);
    assert_eq!(passed(&mut quota, secs(120.0), 100, 500, 500), 10);
}

/// Share of refused requests at `rate` requests of 1,000 prompt tokens per second for two minutes,
/// the second of which counts.
fn refused(bucket: &mut Bucket, rate: u64) -> f64 {
    let mut refused = 0;
    for n in 0..rate * 120 {
        let now = Time(n * 1_000_000_000 / rate);
        let denied = bucket.admit(now, 1000, 1000, 1.0, mix(n, 1)).is_err();
        refused += u64::from(denied && n >= rate * 60);
    }
    refused as f64 / (rate * 60) as f64
}

#[test]
fn vertex_refuses_nobody_below_the_baseline_and_a_share_of_the_excess_above() {
    let rules = LimitRules::Vertex { pool_load: 0.6 };
    // The baseline is 2M a minute: 33.3 requests a second.
    assert_eq!(refused(&mut bucket(rules, Some(2_000_000), None), 30), 0.0);
    // At twice the baseline half is excess, of which the pool's load (0.4 to 0.8) is refused.
    let share = refused(&mut bucket(rules, Some(2_000_000), None), 67);
    assert!((0.2..=0.4).contains(&share), "{share}");
    assert_eq!(refused(&mut bucket(rules, None, None), 67), 0.0);
}

#[test]
fn vertex_counts_the_output_it_has_learnt() {
    let rules = LimitRules::Vertex { pool_load: 1.0 };
    let mut pool = bucket(rules, Some(2_000_000), None);
    for _ in 0..500 {
        pool.settle(Time::ZERO, Charge::default(), 0, 3000);
    }
    // 1,000 + 3,000 tokens at 30 a second are 3.6 times the baseline: 72 % excess, all of it
    // refused.
    let share = refused(&mut pool, 30);
    assert!((share - 0.72).abs() < 0.03, "{share}");
}
