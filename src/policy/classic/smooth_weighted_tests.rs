//! Turns, failures and returns.

use super::super::fixture::{DONE, FAILED, LIMITED, Stand, keeps_the_contract, near};
use super::*;

#[test]
fn the_contract_holds() {
    keeps_the_contract(&SPEC);
}

#[test]
fn turns_are_smooth() {
    let mut stand = Stand::weighted(&SPEC, &[5.0, 1.0, 1.0], &[]);
    let turns: Vec<u32> = (0..14).map(|_| stand.goes(1.0).unwrap()).collect();
    // The example of the change that brought it in, 2012: a a b a c a a.
    assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
    near(&stand.expected(), &[5.0 / 7.0, 1.0 / 7.0, 1.0 / 7.0], 1e-12);
}

#[test]
fn a_failure_takes_a_route_out_until_the_eleventh_second() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(100.9, 1, 1, FAILED);
    assert_eq!(stand.health(1), Health::Failed);
    near(&stand.expected(), &[0.5, 0.0, 0.5], 1e-12);
    assert!(!stand.open(110.99, 1), "10 whole seconds are not more than 10");
    let sent = stand.to(111.0, 1).unwrap();
    assert!(stand.to(111.5, 1).is_none(), "one is tried, then it is out for as long again");
    stand.end(111.6, &sent, DONE);
    assert!(stand.open(111.6, 1), "one answer clears it");
    let states = [Health::Failed, Health::Recovering, Health::Healthy];
    let told = stand.wake(112.0);
    assert_eq!(told.iter().map(|told| told.1).collect::<Vec<_>>(), states);
}

#[test]
fn a_failure_costs_weight_that_picks_give_back() {
    let mut stand = Stand::weighted(&SPEC, &[10.0, 10.0], &[("fail.max", 4.0)]);
    stand.serve(1.0, 0, 2, FAILED);
    // Two failures at 10/4 each; the second pick gave 1 back.
    near(&[stand.views()[0].weight], &[6.0], 1e-12);
    assert_eq!(stand.health(0), Health::Healthy);
    for _ in 0..3 {
        stand.goes(1.0);
    }
    near(&[stand.views()[0].weight], &[9.0], 1e-12);
    for _ in 0..3 {
        stand.goes(1.0);
    }
    near(&[stand.views()[0].weight], &[10.0], 1e-12);
    stand.serve(2.0, 0, 2, FAILED);
    assert_eq!(stand.health(0), Health::Failed);
}

#[test]
fn what_is_a_failure_is_said_by_switches() {
    for (outcome, sets, out) in [
        (FAILED, [("fail.http_5xx", 0.0)], false),
        (LIMITED, [("fail.http_5xx", 1.0)], false),
        (LIMITED, [("fail.http_429", 1.0)], true),
        (Outcome::Timeout, [("fail.http_5xx", 0.0)], true),
        (Outcome::Unreachable, [("fail.http_5xx", 0.0)], true),
        (Outcome::CallerFault { status: 400 }, [("fail.http_5xx", 1.0)], false),
        (FAILED, [("fail.max", 0.0)], false),
    ] {
        let mut stand = Stand::new(&SPEC, 2, &sets);
        stand.serve(1.0, 0, 1, outcome);
        assert_eq!(stand.health(0) == Health::Failed, out, "{outcome:?} with {sets:?}");
    }
}

#[test]
fn one_route_alone_is_never_out() {
    let mut stand = Stand::new(&SPEC, 1, &[]);
    stand.serve(1.0, 0, 20, FAILED);
    assert!(stand.open(1.0, 0));
}
