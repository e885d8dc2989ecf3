//! Draws, turns, ejections and panic.

use super::*;
use crate::engine::Health;
use crate::policy::classic::fixture::{DONE, FAILED, LIMITED, Stand, keeps_the_contract, near};

fn is_out(stand: &mut Stand, secs: f64, route: u32) -> bool {
    stand.wake(secs);
    stand.health(route) == Health::Failed
}

/// The first whole second after `from` at which a host is back.
fn back(stand: &mut Stand, from: u32, route: u32) -> u32 {
    (from..).find(|secs| !is_out(stand, f64::from(*secs), route)).unwrap()
}

#[test]
fn the_contract_holds() {
    keeps_the_contract(&SPEC);
}

#[test]
fn two_draws_may_be_the_same_host() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.to(0.0, 2).unwrap();
    stand.to(0.0, 2).unwrap();
    stand.to(0.0, 1).unwrap();
    let expected = [5.0 / 9.0, 3.0 / 9.0, 1.0 / 9.0];
    near(&stand.expected(), &expected, 1e-12);
    let share = |stand: &mut Stand| -> Vec<f64> {
        stand.counts(0.0, 20_000).iter().map(|n| f64::from(*n) / 20_000.0).collect()
    };
    near(&share(&mut stand), &expected, 0.012);
    let mut stand = Stand::new(&SPEC, 3, &[("least_request.choices", 1.0)]);
    stand.to(0.0, 2).unwrap();
    near(&share(&mut stand), &[1.0 / 3.0; 3], 0.012);
}

#[test]
fn with_different_weights_turns_follow_weight_over_load() {
    let turns = |sets: &[(&str, f64)]| {
        let mut stand = Stand::weighted(&SPEC, &[4.0, 1.0], sets);
        // Three requests stay on the first.
        for _ in 0..3 {
            stand.to(0.0, 0).unwrap();
        }
        let counts = stand.counts(0.0, 1_000);
        f64::from(counts[0]) / 1_000.0
    };
    let bias = |bias| turns(&[("least_request.bias", bias)]);
    near(&[turns(&[]), bias(0.0), bias(2.0)], &[0.5, 0.8, 0.2], 0.01);
}

#[test]
fn a_new_host_starts_slowly() {
    let share = |sets: &[(&str, f64)], age: f64| {
        let sets = [&[("slow_start.window", 100.0), ("least_request.bias", 0.0)], sets].concat();
        let mut stand = Stand::new(&SPEC, 2, &sets);
        stand.present(200.0, 0, false);
        stand.present(300.0, 0, true);
        let counts = stand.counts(300.0 + age, 1_100);
        f64::from(counts[0]) / f64::from(counts[1])
    };
    near(&[share(&[], 50.0), share(&[], 20.0), share(&[], 2.0)], &[0.5, 0.2, 0.1], 0.01);
    near(&[share(&[("slow_start.aggression", 2.0)], 25.0)], &[0.5], 0.01);
    near(&[share(&[("slow_start.min_weight", 0.3)], 2.0)], &[0.3], 0.01);
}

#[test]
fn five_in_a_row_eject_until_the_first_sweep_after_30_s() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    stand.serve(31.0, 0, 4, FAILED);
    stand.serve(31.0, 0, 1, LIMITED);
    stand.serve(31.0, 0, 4, FAILED);
    assert!(!is_out(&mut stand, 31.0, 0));
    stand.serve(31.0, 0, 1, FAILED);
    near(&stand.expected(), &[0.0, 0.5, 0.5], 1e-12);
    assert!(!stand.open(60.9, 0));
    assert_eq!(back(&mut stand, 61, 0), 70, "61 s is between sweeps");
    // The row of ejections: 60 s, 90 s; each sweep that finds it back takes one from it.
    stand.serve(71.0, 0, 5, FAILED);
    assert_eq!(back(&mut stand, 72, 0), 140);
    stand.serve(140.0, 0, 5, FAILED);
    assert_eq!(back(&mut stand, 141, 0), 230);
    assert!(!is_out(&mut stand, 250.0, 0));
    stand.serve(250.0, 0, 5, FAILED);
    assert_eq!(back(&mut stand, 251, 0), 310, "two sweeps took two of three");
}

#[test]
fn ejections_last_300_s_at_most() {
    let mut stand = Stand::new(&SPEC, 3, &[]);
    let mut now = 0;
    for times in 1..=12 {
        stand.serve(f64::from(now), 0, 5, FAILED);
        let lasted = back(&mut stand, now + 1, 0) - now;
        assert_eq!(lasted, (30 * times).min(300), "ejection {times}");
        now += lasted;
    }
}

#[test]
fn a_tenth_at_most_is_ejected_but_always_one() {
    let eject = |routes: u32, sets: &[(&str, f64)]| {
        let mut stand = Stand::new(&SPEC, routes as usize, sets);
        (0..routes).for_each(|route| stand.serve(1.0, route, 5, FAILED));
        (0..routes).filter(|route| stand.health(*route) == Health::Failed).count()
    };
    assert_eq!(eject(3, &[]), 1);
    assert_eq!(eject(3, &[("outlier.always_one", 0.0)]), 1, "none is ejected before the first");
    assert_eq!(eject(60, &[]), 6);
    assert_eq!(eject(60, &[("outlier.ejected_max", 0.0), ("outlier.always_one", 0.0)]), 0);
    assert_eq!(eject(60, &[("outlier.ejected_max", 0.0)]), 1);
}

#[test]
fn with_less_than_half_left_ejections_are_ignored() {
    for (out, of, calm) in [(2, 4, true), (5, 9, false)] {
        let mut stand = Stand::new(&SPEC, of, &[("outlier.ejected_max", 1.0)]);
        (0..out).for_each(|route| stand.serve(1.0, route, 5, FAILED));
        assert_eq!(stand.expected()[0] == 0.0, calm, "{out} of {of}");
        assert_eq!(stand.to(1.0, 0).is_none(), calm);
    }
}

/// Five hosts, of which the first fails `bad` of `n` requests in an interval.
fn sweep(n: u32, bad: u32, hosts: u32, sets: &[(&str, f64)]) -> bool {
    let sets = [&[("outlier.consecutive_5xx", 1e6)], sets].concat();
    let mut stand = Stand::new(&SPEC, hosts as usize, &sets);
    for route in 0..hosts {
        let bad = if route == 0 { bad } else { 0 };
        stand.serve(1.0, route, bad, FAILED);
        stand.serve(1.0, route, n - bad, DONE);
    }
    assert!(!is_out(&mut stand, 9.9, 0));
    is_out(&mut stand, 10.0, 0)
}

#[test]
fn a_low_success_rate_ejects_at_a_sweep() {
    // One of five that is off by x: the deviation is 0.4 x, the distance 0.8 x, two deviations.
    assert!(sweep(100, 20, 5, &[]));
    assert!(!sweep(99, 20, 5, &[]), "volume");
    assert!(!sweep(100, 20, 4, &[("outlier.success_rate_stdev", 1.0)]), "hosts");
    assert!(!sweep(100, 20, 5, &[("outlier.success_rate_stdev", 2.01)]));
    assert!(!sweep(100, 20, 5, &[("outlier.enforcing_success_rate", 0.0)]));
    // Two of eight that are off by x: the distance is 0.75 x, √3 deviations.
    let mut stand = Stand::new(&SPEC, 8, &[("outlier.consecutive_5xx", 1e6)]);
    for route in 0..8 {
        stand.serve(1.0, route, if route < 2 { 50 } else { 0 }, FAILED);
        stand.serve(1.0, route, if route < 2 { 50 } else { 100 }, DONE);
    }
    assert!(!is_out(&mut stand, 10.0, 0));
    // Twenty of two hundred, three deviations off: chance spares none.
    let sets = [("outlier.consecutive_5xx", 1e6), ("outlier.ejected_max", 1.0)];
    let mut stand = Stand::new(&SPEC, 200, &sets);
    for route in 0..200 {
        stand.serve(1.0, route, if route < 20 { 50 } else { 0 }, FAILED);
        stand.serve(1.0, route, if route < 20 { 50 } else { 100 }, DONE);
    }
    assert!((0..20).all(|route| is_out(&mut stand, 10.0, route)));
}

#[test]
fn a_sweep_counts_its_own_interval_only() {
    let mut stand = Stand::new(&SPEC, 5, &[]);
    (0..5).for_each(|route| stand.serve(1.0, route, 60, DONE));
    stand.wake(10.0);
    stand.serve(11.0, 0, 4, FAILED);
    (0..5).for_each(|route| stand.serve(11.0, route, 60, DONE));
    assert!(!is_out(&mut stand, 20.0, 0));
}

#[test]
fn failure_percentage_and_gateway_failures_eject_if_enforced() {
    let enforce = ("outlier.enforcing_failure_percentage", 1.0);
    let off = ("outlier.enforcing_success_rate", 0.0);
    assert!(sweep(100, 85, 5, &[enforce, off]));
    assert!(!sweep(100, 84, 5, &[enforce, off]));
    assert!(sweep(50, 45, 5, &[enforce, off]) && !sweep(49, 45, 5, &[enforce, off]));
    assert!(!sweep(100, 90, 4, &[enforce, off]) && !sweep(100, 90, 5, &[off]));
    let gateway = |status, n, enforcing| {
        let sets = [
            ("outlier.enforcing_consecutive_gateway", enforcing),
            ("outlier.enforcing_consecutive_5xx", 0.0),
        ];
        let mut stand = Stand::new(&SPEC, 3, &sets);
        stand.serve(1.0, 0, n, Outcome::ServerError { status });
        stand.health(0) == Health::Failed
    };
    assert!(gateway(503, 5, 1.0) && !gateway(503, 4, 1.0));
    assert!(!gateway(500, 50, 1.0) && !gateway(503, 50, 0.0));
}

#[test]
fn what_counts_as_a_5xx() {
    for (outcome, sets, out) in [
        (Outcome::Unreachable, [("outlier.limited_is_failure", 0.0)], true),
        (Outcome::Timeout, [("outlier.limited_is_failure", 0.0)], true),
        (Outcome::ServerError { status: 529 }, [("outlier.limited_is_failure", 0.0)], true),
        (Outcome::ServerError { status: 408 }, [("outlier.limited_is_failure", 0.0)], false),
        (LIMITED, [("outlier.limited_is_failure", 0.0)], false),
        (LIMITED, [("outlier.limited_is_failure", 1.0)], true),
        (Outcome::Cancelled, [("outlier.limited_is_failure", 1.0)], false),
    ] {
        let mut stand = Stand::new(&SPEC, 3, &sets);
        stand.serve(1.0, 0, 5, outcome);
        assert_eq!(stand.health(0) == Health::Failed, out, "{outcome:?}");
    }
}

#[test]
fn enforcing_is_a_chance() {
    let ejected = |enforcing| {
        let sets = [("outlier.enforcing_consecutive_5xx", enforcing), ("outlier.ejected_max", 1.0)];
        let mut stand = Stand::new(&SPEC, 400, &sets);
        (0..400).for_each(|route| stand.serve(1.0, route, 5, FAILED));
        stand.views().iter().filter(|view| view.health == Health::Failed).count()
    };
    assert_eq!([ejected(0.0), ejected(1.0)], [0, 400]);
    assert!((80..=120).contains(&ejected(0.25)));
}

/// Two of the four detectors are on unless told otherwise.
#[test]
fn gateway_failures_and_failure_percentage_are_not_enforced_by_themselves() {
    let settings = SPEC.settings();
    for off in ["outlier.enforcing_consecutive_gateway", "outlier.enforcing_failure_percentage"] {
        assert_eq!(settings.get(off), 0.0, "{off}");
    }
}
