//! Scores, evictions and returns.

use super::*;
use crate::policy::classic::fixture::{
    DONE, FAILED, LIMITED, Stand, at, keeps_the_contract, limited_for, near,
};

fn scores(stand: &Stand) -> Vec<f64> {
    stand.views().iter().map(|view| view.weight).collect()
}

/// The first moment in steps of 0.1 s from `from` at which a route of three is not evicted.
fn returns(stand: &mut Stand, from: f64, route: u32) -> f64 {
    let later = (1..).map(|n| from + f64::from(n) / 10.0);
    let mut back = later.skip_while(|secs| {
        stand.goes(*secs);
        stand.health(route) == Health::Failed
    });
    back.next().unwrap() - from
}

#[test]
fn the_contract_holds() {
    keeps_the_contract(&SPEC);
}

#[test]
fn the_score_is_health_over_latency_and_load() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    near(&scores(&stand), &[1.0, 1.0, 1.0], 1e-12);
    let sent = stand.to(0.0, 0).unwrap();
    stand.end(2.0, &sent, DONE);
    near(&scores(&stand)[..1], &[1.0 / 3.0], 1e-12);
    let sent = stand.to(2.0, 0).unwrap();
    near(&scores(&stand)[..1], &[1.0 / (1.0 + 2.0 * 1.1)], 1e-12);
    stand.policy.on_first_token(at(3.0), &sent);
    near(&scores(&stand)[..1], &[1.0 / (1.0 + 0.7 * 2.0 + 0.3)], 1e-12);
    stand.end(9.0, &Sent { heard: true, ..sent }, DONE);
    near(&scores(&stand)[..1], &[1.0 / 2.7], 1e-12);
    // A failure lowers health and leaves latency alone.
    stand.serve(9.0, 0, 1, FAILED);
    near(&scores(&stand)[..1], &[0.7 / 2.7], 1e-12);
}

#[test]
fn the_worst_keeps_a_ninth_and_draws_follow_weights() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(0.0, 2, 1, FAILED);
    near(&stand.expected(), &[4.0 / 9.0, 4.0 / 9.0, 1.0 / 9.0], 1e-12);
    let counts: Vec<f64> =
        stand.counts(1.0, 30_000).iter().map(|n| f64::from(*n) / 30_000.0).collect();
    near(&counts, &[4.0 / 9.0, 4.0 / 9.0, 1.0 / 9.0], 0.012);
    let mut stand = Stand::weighted(&SPEC, &[1.0, 3.0], &[]);
    stand.serve(0.0, 1, 1, FAILED);
    near(&stand.expected(), &[7.0 / 16.0, 9.0 / 16.0], 1e-12);
}

#[test]
fn five_in_a_row_evict_and_each_eviction_is_longer_until_an_answer() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(0.0, 0, 4, FAILED);
    stand.serve(0.0, 0, 1, DONE);
    stand.serve(0.0, 0, 4, FAILED);
    assert_eq!(stand.health(0), Health::Healthy);
    stand.serve(0.0, 0, 1, FAILED);
    near(&stand.expected(), &[0.0, 0.5, 0.5], 1e-12);
    near(&[returns(&mut stand, 0.0, 0)], &[3.0], 0.05);
    // The row of failures goes on: the next one evicts, for twice as long.
    stand.serve(10.0, 0, 1, FAILED);
    near(&[returns(&mut stand, 10.0, 0)], &[6.0], 0.05);
    stand.serve(20.0, 0, 1, FAILED);
    near(&[returns(&mut stand, 20.0, 0)], &[9.0], 0.05);
    stand.serve(30.0, 0, 1, DONE);
    stand.serve(30.0, 0, 5, FAILED);
    near(&[returns(&mut stand, 30.0, 0)], &[3.0], 0.05);
    let told: Vec<_> = stand.wake(40.0).iter().map(|told| told.1).collect();
    assert_eq!(told.len(), 8);
    assert_eq!(told[..2], [Health::Failed, Health::Healthy]);
}

#[test]
fn attempts_under_way_do_not_make_an_eviction_longer() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    let sent: Vec<Sent> = (0..9).map(|_| stand.to(0.0, 0).unwrap()).collect();
    sent.iter().for_each(|sent| stand.end(0.0, sent, FAILED));
    near(&[returns(&mut stand, 0.0, 0)], &[3.0], 0.05);
    stand.serve(5.0, 0, 1, FAILED);
    near(&[returns(&mut stand, 5.0, 0)], &[6.0], 0.05);
}

#[test]
fn the_hint_of_a_429_is_the_base_if_429s_count_and_hints_do() {
    for (sets, outcome, lasts) in [
        (vec![], limited_for(20.0), Some(20.0)),
        (vec![], LIMITED, Some(3.0)),
        (vec![("evict.hints", 0.0)], limited_for(20.0), Some(3.0)),
        (vec![("evict.limited", 0.0)], limited_for(20.0), None),
    ] {
        let mut stand = Stand::new(&SPEC, 3, &sets);
        stand.serve(0.0, 0, 5, outcome);
        assert_eq!(stand.health(0) == Health::Failed, lasts.is_some());
        if let Some(lasts) = lasts {
            near(&[returns(&mut stand, 0.0, 0)], &[lasts], 0.05);
        }
    }
}

#[test]
fn low_health_evicts_and_comes_back_as_configured() {
    let sets =
        [("evict.consecutive", 0.0), ("evict.health_below", 0.5), ("evict.restore_health", 0.2)];
    let mut stand = Stand::new(&SPEC, 3, &sets);
    // Health before each failure: 1, 0.7, 0.49.
    stand.serve(0.0, 0, 2, FAILED);
    assert_eq!(stand.health(0), Health::Healthy);
    stand.serve(0.0, 0, 1, FAILED);
    assert_eq!(stand.health(0), Health::Failed);
    stand.goes(3.0);
    near(&scores(&stand)[..1], &[0.2], 1e-12);
    let mut stand = Stand::new(&SPEC, 3, &[("evict.consecutive", 0.0)]);
    stand.serve(0.0, 0, 1, FAILED);
    assert_eq!(stand.health(0), Health::Failed, "with neither condition any failure evicts");
}

#[test]
fn with_all_evicted_the_evicted_are_used() {
    let mut stand = Stand::new(&SPEC, 2, &[]);
    (0..2).for_each(|route| stand.serve(0.0, route, 5, FAILED));
    near(&stand.expected(), &[0.5, 0.5], 0.3);
    assert!(stand.goes(1.0).is_some());
}
