//! Trips, waits and probes, at their boundaries.

use super::*;

const RULE: Rule = Rule {
    max_failures: 3,
    success_rate: 0.8,
    min_requests: 10,
    window: Span::from_secs(10),
    first: 1.0,
    longest: 10.0,
    jitter: 0.0,
    hints: true,
};

fn at(secs: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(secs)
}

fn tell(breaker: &mut Breaker, secs: f64, verdict: Verdict) -> Option<Change> {
    breaker.answered(&RULE, at(secs), verdict, None, 7)
}

/// Trips it by a streak that ends at `secs`.
fn tripped(secs: f64) -> Breaker {
    let mut breaker = Breaker::new(at(0.0));
    for n in 1..=3 {
        let change = tell(&mut breaker, secs, Verdict::Failure);
        assert_eq!(change, (n == 3).then_some(Change::Shut("failures in a row")));
    }
    breaker
}

#[test]
fn a_streak_trips_it_and_a_429_ends_a_streak() {
    let mut breaker = Breaker::new(at(0.0));
    for verdict in [Verdict::Failure, Verdict::Failure, Verdict::Limited, Verdict::Failure] {
        assert_eq!(tell(&mut breaker, 1.0, verdict), None);
    }
    assert_eq!(tell(&mut breaker, 1.0, Verdict::Failure), None);
    assert!(breaker.admits());
    let change = tell(&mut breaker, 1.0, Verdict::Failure);
    assert_eq!(change, Some(Change::Shut("failures in a row")));
    assert!(!breaker.admits() && breaker.health() == Health::Failed);
}

#[test]
fn the_ratio_counts_429s_and_only_with_enough_answers() {
    let mut breaker = Breaker::new(at(0.0));
    for n in 0..9 {
        let verdict = if n < 3 { Verdict::Limited } else { Verdict::Success };
        assert_eq!(tell(&mut breaker, 1.0, verdict), None, "9 are too few, whatever the ratio");
    }
    // 7 of 10 are below 0.8.
    assert_eq!(tell(&mut breaker, 1.0, Verdict::Success), Some(Change::Shut("success ratio")));
    let mut breaker = Breaker::new(at(0.0));
    for n in 0..10 {
        let verdict = if n < 2 { Verdict::Limited } else { Verdict::Success };
        assert_eq!(tell(&mut breaker, 1.0, verdict), None, "8 of 10 are not below");
    }
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    // The bucket of second 0 is dropped when second 10 begins, not before.
    for (later, trips) in [(9.9, true), (10.0, false)] {
        let mut breaker = Breaker::new(at(0.0));
        for _ in 0..3 {
            tell(&mut breaker, 0.5, Verdict::Limited);
        }
        let changes = (0..7).filter_map(|_| tell(&mut breaker, later, Verdict::Success));
        assert_eq!(changes.count() > 0, trips);
    }
    let mut breaker = Breaker::new(at(0.0));
    tell(&mut breaker, 0.0, Verdict::Limited);
    tell(&mut breaker, 1e6 + 0.25, Verdict::Success);
    assert_eq!(breaker.ring.totals(), [1, 1]);
    assert_eq!(breaker.ring.since, at(1e6), "buckets keep their grid");
}

#[test]
fn waits_double_up_to_the_longest_and_start_anew_after_a_success() {
    let mut breaker = tripped(5.0);
    let mut now = 5.0;
    for wait in [1.0, 2.0, 4.0, 8.0, 10.0, 10.0] {
        assert_eq!(breaker.next(), Some(at(now + wait)));
        assert_eq!(breaker.due(&RULE, at(now + wait - 1e-9), 7), None);
        now += wait;
        assert_eq!(breaker.due(&RULE, at(now), 7), Some(Change::Probing));
        assert!(breaker.admits() && breaker.health() == Health::Recovering);
        breaker.sent();
        assert!(!breaker.admits(), "exactly one");
        assert_eq!(tell(&mut breaker, now, Verdict::Limited), Some(Change::Shut("probe failed")));
    }
    breaker.due(&RULE, at(now + 10.0), 7);
    breaker.sent();
    assert_eq!(tell(&mut breaker, now + 10.1, Verdict::Success), Some(Change::Opened));
    assert_eq!((breaker.streak, breaker.waits, breaker.next()), (0, 0, None));
}

#[test]
fn while_shut_nothing_counts_and_a_probe_may_be_decided_by_another_answer() {
    let mut breaker = tripped(0.0);
    assert_eq!(tell(&mut breaker, 0.5, Verdict::Success), None);
    assert!(!breaker.admits());
    breaker.due(&RULE, at(1.0), 7);
    assert_eq!(tell(&mut breaker, 1.1, Verdict::Success), Some(Change::Opened));
}

#[test]
fn a_probe_without_an_answer_fails_after_the_longest_wait() {
    let mut breaker = tripped(0.0);
    breaker.due(&RULE, at(1.0), 7);
    assert_eq!(breaker.due(&RULE, at(11.0), 7), None, "nobody was sent yet");
    assert_eq!(breaker.next(), Some(at(21.0)));
    breaker.sent();
    assert_eq!(breaker.due(&RULE, at(20.9), 7), None);
    assert_eq!(breaker.due(&RULE, at(21.0), 7), Some(Change::Shut("probe unanswered")));
    assert_eq!(breaker.next(), Some(at(23.0)));
}

#[test]
fn a_hint_is_the_least_wait_but_not_beyond_the_longest() {
    for (hint, wait) in [(0.5, 1.0), (4.0, 4.0), (60.0, 10.0)] {
        let mut breaker = Breaker::new(at(0.0));
        let hint = Some(Span::from_secs_f64(hint));
        for _ in 0..3 {
            breaker.answered(&RULE, at(0.0), Verdict::Failure, hint, 7);
        }
        assert_eq!(breaker.next(), Some(at(wait)));
        let deaf = Rule { hints: false, ..RULE };
        let mut breaker = Breaker::new(at(0.0));
        for _ in 0..3 {
            breaker.answered(&deaf, at(0.0), Verdict::Failure, hint, 7);
        }
        assert_eq!(breaker.next(), Some(at(1.0)));
    }
}

#[test]
fn jitter_makes_waits_longer_by_up_to_its_share() {
    let rule = Rule { jitter: 0.5, max_failures: 1, ..RULE };
    let wait = |word| {
        let mut breaker = Breaker::new(at(0.0));
        breaker.answered(&rule, at(0.0), Verdict::Failure, None, luck::mix(word, 1));
        breaker.next().unwrap().as_secs_f64()
    };
    let waits: Vec<f64> = (0..1_000).map(wait).collect();
    assert!(waits.iter().all(|wait| (1.0..=1.5).contains(wait)));
    assert!(waits.iter().any(|w| *w < 1.02) && waits.iter().any(|w| *w > 1.48));
}
