//! Verdicts from figures that are known.

use super::*;

fn expect(stat: Stat, min: Option<f64>, max: Option<f64>) -> Expect {
    let metric = "time_to_failed".to_owned();
    Expect { metric, fault: None, policy: None, stat, min, max, gate: None }
}

fn judge(values: &[Value], stat: Stat, min: Option<f64>, max: Option<f64>) -> Evidence {
    judged(&expect(stat, min, max), "s", values, stat, 1)
}

const NEVER: Value = Value::Censored { at_s: 60.0 };
const NONE: Value = Value::Undefined { reason: "no traffic" };

fn known(values: &[f64]) -> Vec<Value> {
    values.iter().map(|value| Value::Known(*value)).collect()
}

#[test]
fn a_figure_holds_within_its_bounds_and_on_them() {
    let values = known(&[1.0, 2.0, 3.0]);
    let verdict = |min, max| judge(&values, Stat::Mean, min, max).verdict;
    assert_eq!(verdict(None, Some(2.0)), Verdict::Holds);
    assert_eq!(verdict(Some(2.0), None), Verdict::Holds);
    assert_eq!(verdict(None, Some(1.99)), Verdict::Fails);
    assert_eq!(verdict(Some(2.01), Some(9.0)), Verdict::Fails);
    let figure = judge(&values, Stat::Mean, None, Some(2.5));
    assert_eq!((figure.value, figure.close, figure.n), (Quantity::Number(2.0), true, 3));
    // t(0.975, 2) = 4.30265; standard error 0.57735.
    assert_eq!((figure.low, figure.high), (Some(-0.484_138), Some(4.484_14)));
    assert!(!judge(&values, Stat::Mean, None, Some(5.0)).close);
}

#[test]
fn each_summary_is_its_own() {
    let values = known(&[4.0, 1.0, 2.0, 3.0, 5.0]);
    let of = |stat| judge(&values, stat, None, Some(9.0)).value;
    let expected = [
        (Stat::Mean, 3.0),
        (Stat::Min, 1.0),
        (Stat::P50, 3.0),
        (Stat::P90, 4.6),
        (Stat::P95, 4.8),
        (Stat::P99, 4.96),
        (Stat::Max, 5.0),
    ];
    for (stat, value) in expected {
        assert_eq!(of(stat), Quantity::Number(value), "{stat:?}");
    }
}

#[test]
fn a_time_that_was_not_reached_is_later_than_any() {
    let values = [Value::Known(3.0), NEVER, Value::Censored { at_s: 70.0 }];
    for stat in [Stat::Mean, Stat::P95, Stat::Max] {
        let figure = judge(&values, stat, None, Some(1e6));
        assert_eq!(figure.verdict, Verdict::Fails, "{stat:?}");
        assert_eq!(figure.value, Quantity::from(NEVER), "the shortest watch");
        assert_eq!((figure.censored, figure.n, figure.high), (2, 3, None));
    }
    assert_eq!(judge(&values, Stat::Min, None, Some(3.0)).verdict, Verdict::Holds);
    assert_eq!(judge(&[NEVER, NEVER], Stat::Min, Some(60.0), None).verdict, Verdict::Holds);
}

#[test]
fn what_has_no_meaning_is_counted_and_alone_cannot_be_tested() {
    let figure = judge(&[NONE, Value::Known(1.0)], Stat::Mean, None, Some(1.0));
    assert_eq!((figure.verdict, figure.n, figure.n_a), (Verdict::Holds, 1, 1));
    let figure = judge(&[NONE, NONE], Stat::Mean, None, Some(1.0));
    assert_eq!((figure.verdict, figure.value), (Verdict::Untestable, Quantity::from(NONE)));
}

#[test]
fn one_figure_that_fails_is_enough() {
    let holds = judge(&known(&[1.0]), Stat::Mean, None, Some(1.0));
    let fails = judge(&known(&[1.0]), Stat::Mean, None, Some(0.5));
    let none = judge(&[NONE], Stat::Mean, None, Some(0.5));
    let of = |figures: &[&Evidence]| {
        Verdict::of(&figures.iter().map(|figure| (*figure).clone()).collect::<Vec<_>>())
    };
    assert_eq!(of(&[&holds, &holds]), Verdict::Holds);
    assert_eq!(of(&[&holds, &none, &fails]), Verdict::Fails);
    assert_eq!(of(&[&holds, &none]), Verdict::Untestable);
    assert_eq!(of(&[]), Verdict::Untestable);
}
