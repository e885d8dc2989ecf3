//! Figures of the real clock.

use super::*;
use crate::record::Quantity;

fn expect(stat: Stat, min: Option<f64>, max: Option<f64>) -> Expect {
    let metric = "time_to_failed".to_owned();
    Expect { metric, fault: None, policy: None, stat, min, max, gate: None }
}

#[test]
fn a_decision_is_timed_in_nanoseconds() {
    let params = Params::from_preset("bifrost-published").expect("a preset");
    let expects = [expect(Stat::P50, None, Some(1.0)), expect(Stat::P99, Some(1.0), None)];
    let figures = clocked(&expects, &params, 4, 1);
    assert_eq!(figures.len(), 2);
    assert_eq!((figures[0].verdict, figures[1].verdict), (Verdict::Holds, Verdict::Fails));
    assert_eq!((figures[0].max, figures[1].min), (Some(1e9), Some(1e9)));
    assert_eq!((figures[0].unit.as_str(), figures[0].n), ("ns", 5));
    let of = |figure: &Evidence| match figure.value {
        Quantity::Number(ns) => ns,
        _ => panic!("no number"),
    };
    assert!(of(&figures[1]) > of(&figures[0]), "{figures:?}");
}
