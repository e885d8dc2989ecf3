//! `windtunnel solve`: a step that is known is found, in its unit, and mistakes cost nothing.

use crate::program::Desk;

fn solved(desk: &Desk, key: &str, until: &str, extra: &[&str]) -> serde_json::Value {
    let mut args = vec!["solve", "short.toml", "--for", key, "--until", until];
    args.extend(["-R", "3", "--format", "json"]);
    args.extend(extra);
    serde_json::from_str(&desk.data(&args)).unwrap()
}

fn seconds(value: &serde_json::Value) -> f64 {
    value.as_str().unwrap().trim_end_matches('s').parse().unwrap()
}

#[test]
fn the_deadline_that_most_answers_need_is_found_in_seconds() {
    let desk = Desk::new();
    let args = ["--between", "0.1s..20s"];
    let key = "workload.client.deadline";
    let solution = solved(&desk, key, "slo >= 99.5%", &args);
    let schema = serde_json::from_str(&windtunnel::record::Solution::schema()).unwrap();
    assert!(jsonschema::is_valid(&schema, &solution), "{solution:#}");
    assert_eq!(solution["answer"], "at-least");
    let (value, low, high) =
        (seconds(&solution["value"]), seconds(&solution["low"]), seconds(&solution["high"]));
    assert!(low <= value && value <= high && low > 0.1 && high < 20.0, "{solution:#}");
    // The points around the answer are on both sides of the bound, and close.
    let points = solution["points"].as_array().unwrap();
    let at = |value: f64| points.iter().find(|point| seconds(&point["value"]) == value).unwrap();
    assert!(at(value)["mean"].as_f64().unwrap() >= 0.995);
    let below = points.iter().rfind(|point| seconds(&point["value"]) < value).unwrap();
    assert!(below["mean"].as_f64().unwrap() < 0.995);
    assert!(value - seconds(&below["value"]) <= 0.011 * value, "{solution:#}");
    assert_eq!(
        solved(&desk, key, "slo >= 99.5%", &[&args[..], &["--threads", "1"]].concat()),
        solution
    );
}

#[test]
fn what_more_load_breaks_has_a_greatest_value_and_whole_numbers_stay_whole() {
    let desk = Desk::new();
    let limits = ["provider.azure.tpm=200_000", "provider.openai.tpm=200_000"];
    let extra = ["--between", "100..900", "--set", limits[0], "--set", limits[1]];
    let solution = solved(&desk, "rps", "slo_attainment >= 3%", &extra);
    assert_eq!(solution["answer"], "at-most", "{solution:#}");
    let whole = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let (value, low, high) =
        (whole(&solution["value"]), whole(&solution["low"]), whole(&solution["high"]));
    assert!(low <= value && value <= high && (200..400).contains(&value), "{solution:#}");
    assert_eq!(solution["warnings"], serde_json::json!([]), "more load never helps");
    let solution = solved(&desk, "rps", "slo_attainment >= 50%", &extra);
    assert_eq!((&solution["answer"], &solution["value"]), (&"nowhere".into(), &None::<u8>.into()));
}

#[test]
fn mistakes_cost_nothing_and_say_what_to_do() {
    let desk = Desk::new();
    for (key, until, more, says) in [
        ("provider.azrue.tpm", "slo >= 99%", &["--between", "1M..9M"][..], "did you mean `azure`"),
        ("provider.azure.tpn", "slo >= 99%", &["--between", "1M..9M"], "did you mean `tpm`"),
        ("provider.azure.tpm", "slo_atainment >= 99%", &[], "did you mean `slo_attainment`"),
        ("provider.azure.tpm", "slo > 99%", &[], "no condition"),
        ("provider.azure.tpm", "flaps <= 3s", &[], "not in `s`"),
        ("provider.azure.tpm", "slo >= 99%", &["--between", "400%..50%"], "nothing is between"),
        ("provider.azure.tpm", "slo >= 99%", &["--between", "1M..50%"], "two units"),
        ("provider.azure.rpm", "slo >= 99%", &[], "--between"),
        ("policy.state.faild", "slo >= 99%", &[], "did you mean `state.failed`"),
        ("policy.share.mode", "slo >= 99%", &[], "a choice"),
    ] {
        let mut args = vec!["solve", "short.toml", "--for", key, "--until", until];
        args.extend(more);
        let ended = desk.run(&args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{args:?}: {}", ended.stderr);
    }
}
