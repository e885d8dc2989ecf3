//! Loads, penalties and the breaker, driven as a gateway would.

use super::*;
use crate::policy::classic::fixture::{
    DONE, FAILED, LIMITED, Stand, at, keeps_the_contract, limited_for, near,
};

/// Loads of all endpoints when something was told last.
fn loads(stand: &Stand) -> Vec<f64> {
    stand.views().iter().map(|view| 1.0 / view.weight).collect()
}

fn broken() -> Stand {
    let sets = [("breaker.backoff_jitter", 0.0), ("breaker.success_rate", 0.0)];
    Stand::new(&LINKERD_BREAKER, 3, &sets)
}

#[test]
fn the_contract_holds() {
    keeps_the_contract(&LINKERD);
    keeps_the_contract(&LINKERD_BREAKER);
}

#[test]
fn load_is_the_projected_peak_times_the_number_under_way_and_one() {
    let mut stand = Stand::new(&LINKERD, 2, &[]);
    let sent = stand.to(0.0, 0).unwrap();
    near(&loads(&stand), &[0.06, 0.03], 1e-12);
    stand.end(2.0, &sent, DONE);
    near(&loads(&stand), &[2.0, 0.03 * libm::exp(-0.2)], 1e-12);
    near(&stand.expected(), &[0.0, 1.0], 1e-12);
    let sent = stand.to(12.0, 0).unwrap();
    near(&loads(&stand)[..1], &[4.0 * libm::exp(-1.0)], 1e-12);
    stand.end(12.5, &sent, DONE);
    // Reading at 12 s changed nothing: 10.5 s lie between the samples.
    let kept = libm::exp(-1.05);
    near(&loads(&stand)[..1], &[2.0 * kept + 0.5 * (1.0 - kept)], 1e-12);
}

#[test]
fn an_error_counts_as_the_penalty_and_a_hint_above_it_as_itself() {
    let cases = [
        (FAILED, 5.0),
        (LIMITED, 5.0),
        (limited_for(4.0), 5.0),
        (limited_for(60.0), 60.0),
        (limited_for(900.0), 300.0),
        (Outcome::ServerError { status: 408 }, 0.5),
        (Outcome::CallerFault { status: 400 }, 0.5),
        (Outcome::Unreachable, 0.5),
        (Outcome::Cancelled, 0.5),
    ];
    for (outcome, counts) in cases {
        let mut stand = Stand::new(&LINKERD, 2, &[]);
        let sent = stand.to(0.0, 0).unwrap();
        stand.end(0.5, &sent, outcome);
        near(&loads(&stand)[..1], &[counts], 1e-12);
    }
}

#[test]
fn a_stream_is_measured_at_its_first_token_only() {
    let mut stand = Stand::new(&LINKERD, 2, &[]);
    assert!(stand.policy.wants_first_token());
    let sent = stand.to(0.0, 0).unwrap();
    stand.policy.on_first_token(at(1.0), &sent);
    let sent = Sent { heard: true, ..sent };
    stand.end(9.0, &sent, Outcome::StreamBroken { prompt_tokens: 1, output_tokens: 1 });
    near(&loads(&stand)[..1], &[libm::exp(-0.8)], 1e-12);
}

#[test]
fn seven_failures_in_a_row_shut_it_and_one_probe_opens_it() {
    let mut stand = broken();
    stand.serve(1.0, 0, 6, FAILED);
    stand.serve(1.0, 0, 1, LIMITED);
    stand.serve(1.0, 0, 6, FAILED);
    assert!(stand.open(1.0, 0));
    stand.serve(1.0, 0, 1, FAILED);
    assert!(!stand.open(1.99, 0));
    assert_eq!((stand.health(0), stand.expected()[0]), (Health::Failed, 0.0));
    let probe = stand.to(2.0, 0).unwrap();
    assert!(stand.to(2.1, 0).is_none(), "exactly one");
    stand.end(2.5, &probe, FAILED);
    assert!(!stand.open(4.4, 0), "then 2 s");
    let probe = stand.to(4.5, 0).unwrap();
    stand.end(5.0, &probe, DONE);
    assert!(stand.open(5.0, 0));
    let told: Vec<_> = stand.wake(6.0).iter().map(|told| (told.1, told.2)).collect();
    let wait = (Health::Recovering, "wait over");
    assert_eq!(told[0], (Health::Failed, "failures in a row"));
    assert_eq!(told[1..4], [wait, (Health::Failed, "probe failed"), wait]);
    assert_eq!(told[4..], [(Health::Healthy, "probe answered")]);
}

#[test]
fn the_longest_wait_is_a_minute() {
    let mut stand = broken();
    stand.serve(0.0, 0, 7, FAILED);
    let mut now = 0.0;
    for wait in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
        assert!(stand.to(now + wait - 0.001, 0).is_none(), "{wait} s after {now} s");
        now += wait;
        stand.serve(now, 0, 1, FAILED);
    }
}

#[test]
fn at_its_defaults_the_ratio_trips_it_below_95_percent_of_20() {
    for (good, trips) in [(18, true), (19, false)] {
        let mut stand = Stand::new(&LINKERD_BREAKER, 2, &[]);
        stand.serve(1.0, 0, 20 - good, LIMITED);
        stand.serve(1.0, 0, good - 1, DONE);
        assert!(stand.health(0) == Health::Healthy, "19 answers are too few");
        stand.serve(10.9, 0, 1, DONE);
        assert_eq!(stand.health(0) == Health::Failed, trips);
    }
    let mut stand = Stand::new(&LINKERD_BREAKER, 2, &[]);
    stand.serve(1.0, 0, 6, LIMITED);
    stand.serve(11.1, 0, 19, DONE);
    assert!(stand.health(0) == Health::Healthy, "the window is 10 s");
}

#[test]
fn waits_are_longer_by_chance_and_hints_are_heard_if_asked_for() {
    let wait = |key: u32| {
        let mut stand = Stand::new(&LINKERD_BREAKER, 3, &[]);
        stand.serve(f64::from(key), 0, 7, FAILED);
        (0..).find(|ms| stand.open(f64::from(key) + f64::from(*ms) / 1e3, 0)).unwrap()
    };
    let waits: Vec<i32> = (0..40).map(wait).collect();
    assert!(waits.iter().all(|ms| (1_000..=1_501).contains(ms)), "{waits:?}");
    assert!(waits.iter().any(|ms| *ms < 1_050) && waits.iter().any(|ms| *ms > 1_450));
    let on: &[(&str, f64)] = &[("breaker.hints", 1.0)];
    for (sets, open) in [(&[][..], true), (on, false)] {
        let mut stand = Stand::new(&LINKERD_BREAKER, 2, sets);
        stand.serve(0.0, 0, 20, limited_for(30.0));
        assert_eq!(stand.to(29.9, 0).is_some(), open);
        assert_eq!(stand.to(30.0, 0).is_some(), !open);
    }
}

#[test]
fn with_all_shut_nobody_is_left() {
    let mut stand = broken();
    (0..3).for_each(|route| stand.serve(0.0, route, 7, FAILED));
    assert!(stand.goes(0.9).is_none());
    assert!(stand.goes(1.0).is_some());
}
