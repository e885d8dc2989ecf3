//! The monitors and their minute.

use super::*;
use crate::policy::classic::fixture::{
    DONE, FAILED, LIMITED, Stand, at, keeps_the_contract, limited_for, near,
};

/// Whether a provider is in at `secs`; nothing is sent.
fn is_in(stand: &mut Stand, secs: f64, provider: u32) -> bool {
    stand.wake(secs);
    stand.health(provider) == Health::Healthy
}

fn loads(stand: &Stand) -> Vec<f64> {
    stand.views().iter().map(|view| 1.0 / view.weight).collect()
}

#[test]
fn the_contract_holds() {
    keeps_the_contract(&SPEC);
}

#[test]
fn a_check_takes_out_whoever_failed_more_than_a_tenth_of_at_least_twenty() {
    for (good, bad, stays) in [(0, 19, true), (17, 3, false), (18, 2, true), (40, 5, false)] {
        let mut stand = Stand::new(&SPEC, 3, &[]);
        stand.serve(12.0, 0, good, DONE);
        stand.serve(12.0, 0, bad, FAILED);
        assert!(is_in(&mut stand, 14.99, 0), "checks are at whole fives");
        assert_eq!(is_in(&mut stand, 15.0, 0), stays, "{bad} of {}", good + bad);
    }
}

#[test]
fn each_whole_minute_the_dead_are_back_for_one_check() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(31.0, 0, 30, FAILED);
    let expected = [(34.9, true), (35.0, false), (59.9, false), (60.0, true), (64.9, true)];
    for (secs, state) in expected {
        assert_eq!(is_in(&mut stand, secs, 0), state, "{secs} s");
    }
    stand.serve(64.9, 0, 20, FAILED);
    assert!(!is_in(&mut stand, 65.0, 0));
    assert!(!is_in(&mut stand, 119.9, 0), "out, it sends nothing that could speak for it");
    assert!(is_in(&mut stand, 120.0, 0));
}

#[test]
fn what_came_before_the_minute_does_not_count() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(59.0, 0, 15, FAILED);
    stand.serve(61.0, 0, 15, FAILED);
    assert!(is_in(&mut stand, 65.0, 0));
    // A request counts in the minute in which it is sent, its failure in that in which it ends.
    let mut stand = Stand::new(&SPEC, 3, &[]);
    let sent: Vec<Sent> = (0..10).map(|_| stand.to(59.5, 0).unwrap()).collect();
    sent.iter().for_each(|sent| stand.end(60.5, sent, FAILED));
    stand.serve(61.0, 0, 20, DONE);
    assert!(!is_in(&mut stand, 65.0, 0), "10 failures of 20 requests");
}

#[test]
fn a_429_takes_a_provider_out_for_its_hint_and_half_a_minute() {
    for (outcome, lasts) in [(LIMITED, 60.0), (limited_for(12.0), 42.0)] {
        let mut stand = Stand::new(&SPEC, 3, &[]);
        let sent = [stand.to(1.0, 0).unwrap(), stand.to(1.0, 0).unwrap()];
        stand.end(1.0, &sent[0], outcome);
        stand.end(3.0, &sent[1], outcome);
        assert!(!is_in(&mut stand, 1.0 + lasts - 0.01, 0), "the second changes nothing");
        assert!(is_in(&mut stand, 1.0 + lasts, 0));
    }
}

#[test]
fn the_two_ways_out_know_nothing_of_each_other() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(31.0, 0, 30, FAILED);
    let limited = stand.to(31.0, 0).unwrap();
    assert!(!is_in(&mut stand, 35.0, 0));
    stand.end(36.0, &limited, LIMITED);
    assert!(is_in(&mut stand, 60.0, 0), "the minute puts it in, although it is limited until 96 s");
}

#[test]
fn whoever_is_put_in_is_new() {
    let mut stand = Stand::new(&SPEC, 2, &[]);
    let old = stand.to(0.0, 0).unwrap();
    near(&loads(&stand), &[0.5, 0.25], 1e-12);
    stand.serve(31.0, 0, 30, FAILED);
    is_in(&mut stand, 60.0, 0);
    near(&loads(&stand), &[0.25, 0.25 * libm::exp(-2.0)], 1e-12);
    stand.end(75.0, &old, DONE);
    near(&loads(&stand)[..1], &[0.25 * libm::exp(-0.5)], 1e-12);
    let sent = stand.to(75.0, 0).unwrap();
    stand.policy.on_first_token(at(77.0), &sent);
    stand.end(80.0, &Sent { heard: true, ..sent }, DONE);
    near(&loads(&stand)[..1], &[2.0 * libm::exp(-0.1)], 1e-12);
}

#[test]
fn only_broken_answers_are_failures() {
    let broken = Outcome::StreamBroken { prompt_tokens: 1, output_tokens: 1 };
    let caller = Outcome::CallerFault { status: 400 };
    for (outcome, fails) in [(broken, true), (Outcome::Unreachable, true), (caller, false)] {
        let mut stand = Stand::new(&SPEC, 2, &[]);
        stand.serve(1.0, 0, 20, outcome);
        assert_eq!(is_in(&mut stand, 5.0, 0), !fails, "{outcome:?}");
    }
}
