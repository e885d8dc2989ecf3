//! Parts of a search whose answers are known.

use crate::engine::Settings;
use crate::metrics::{Value, catalog};
use crate::policy::registry;
use crate::policy::settable::PRODUCTS;

use super::axes::{axes, candidate};
use super::export::{product_file, thresholds};
use super::front::{Row, front, is_hopeless, knee};
use super::study::Study;

fn ours() -> Settings {
    registry::find("windtunnel").unwrap().settings()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn patterns_and_ranges_make_axes() {
    let start = ours();
    let found =
        axes(&start, &words(&["backoff.*"]), &words(&["state.failed=1%..20%"]), None).unwrap();
    let ids: Vec<&str> = found.iter().map(|axis| axis.id).collect();
    assert!(ids.contains(&"backoff.first") && ids.contains(&"state.failed"), "{ids:?}");
    let failed = found.iter().find(|axis| axis.id == "state.failed").unwrap();
    assert_eq!((failed.low, failed.high, failed.at(0.0), failed.at(1.0)), (0.01, 0.2, 0.01, 0.2));
    for (search, ranges, says) in [
        (&["state.faild"][..], &[][..], "did you mean `state.failed`"),
        (&["nothing.*"], &[], "no parameter is `nothing.*`"),
        (&[], &["state.failed=20%..1%"], "contradict each other"),
        (&[], &["state.failed=1%..300%"], "cannot be 3"),
        (&[], &["state.failed"], "is no range"),
        (&["*"], &[], "too many"),
    ] {
        let error = axes(&start, &words(search), &words(ranges), None).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
    let random = registry::find("random").unwrap().settings();
    assert!(axes(&random, &[], &[], None).unwrap_err().contains("nothing to search"));
}

#[test]
fn a_product_is_searched_only_where_it_can_be_set() {
    for product in PRODUCTS {
        let start = registry::find(product.policies[0]).unwrap().settings();
        let usual = axes(&start, &[], &[], Some(product)).unwrap();
        assert_eq!(usual.len(), product.search.len(), "{}", product.name);
    }
    let start = registry::find("litellm-simple-shuffle").unwrap().settings();
    let error = axes(&start, &words(&["cooldown.window"]), &[], Some(&PRODUCTS[0])).unwrap_err();
    assert!(error.contains("cannot be set: a constant of its code"), "{error}");
    let error = axes(&start, &words(&["layer.retry"]), &[], Some(&PRODUCTS[0])).unwrap_err();
    assert!(error.contains("is nothing that litellm has"), "{error}");
}

#[test]
fn every_candidate_of_the_engine_is_one_that_it_accepts() {
    let start = ours();
    let found = axes(&start, &words(&["state.*", "backoff.*", "interval"]), &[], None).unwrap();
    let spec = registry::find("windtunnel").unwrap();
    let study = Study::new(found.len(), 1, 1);
    let mut refused = 0;
    for _ in 0..100 {
        let asked = study.ask();
        let values: Vec<f64> =
            found.iter().zip(&asked.parts).map(|(axis, part)| axis.at(*part)).collect();
        let settings = candidate(&start, &found, &values);
        let made =
            spec.make(&settings, &crate::policy::Pool::default(), crate::engine::Time::ZERO, 0);
        refused += usize::from(made.is_err());
        study.tell(asked, Some(vec![1.0]));
    }
    // A window that fits no odd interval within its range may be left.
    assert!(refused <= 20, "{refused}");
}

#[test]
fn the_optimiser_repeats_itself_and_leans_towards_a_bowl() {
    let best = || {
        let study = Study::new(3, 2, 7);
        let mut path = Vec::new();
        for _ in 0..120 {
            let asked = study.ask();
            path.push(asked.parts.clone());
            let away: f64 = asked.parts.iter().map(|part| (part - 0.7) * (part - 0.7)).sum();
            study.tell(asked, Some(vec![away, away * 2.0]));
        }
        path
    };
    let (one, two) = (best(), best());
    assert_eq!(one, two);
    let away = |parts: &Vec<f64>| -> f64 { parts.iter().map(|p| (p - 0.7) * (p - 0.7)).sum() };
    let mean = |path: &[Vec<f64>]| path.iter().map(away).sum::<f64>() / path.len() as f64;
    // A sampler of many objectives explores a good deal: it is no descent.
    assert!(mean(&one[90..]) < mean(&one[..30]) * 0.9, "{} {}", mean(&one[90..]), mean(&one[..30]));
}

#[test]
fn fronts_and_knees_are_those_of_the_book() {
    let points = vec![
        vec![5.0, 5.0],
        vec![0.0, 9.0],
        vec![9.0, 0.0],
        vec![3.0, 3.0],
        vec![4.0, 4.0],
        vec![1.0, 4.9],
        vec![3.0, 3.0],
    ];
    assert_eq!(front(&points), [1, 2, 3, 5]);
    assert_eq!(knee(&points, &[1, 2, 3, 5], &points[0]), (3, true));
    // Nothing is better than (0, 9) in everything: the nearest of all.
    assert_eq!(knee(&points, &[1, 2, 3, 5], &points[1]), (3, false));
}

#[test]
fn only_the_hopeless_are_stopped() {
    let metrics = [catalog::find("leak_ratio").unwrap(), catalog::find("regret").unwrap()];
    let rows = |leak: f64, regret: f64| -> Vec<Row> {
        (0..6)
            .map(|n| vec![Value::Known(leak + 0.01 * f64::from(n)), Value::Known(regret)])
            .collect()
    };
    let refs = |rows: &'static [Row]| -> Vec<&'static Row> { rows.iter().collect() };
    let leaked = |rows: Vec<Row>| -> &'static [Row] { Box::leak(rows.into_boxed_slice()) };
    let base = refs(leaked(rows(0.2, 0.01)));
    assert!(is_hopeless(&metrics, &refs(leaked(rows(0.4, 0.02))), &base));
    assert!(!is_hopeless(&metrics, &refs(leaked(rows(0.4, 0.005))), &base), "better in something");
    assert!(!is_hopeless(&metrics, &base, &base), "equal");
}

#[test]
fn what_is_written_is_read_back() {
    let spec = registry::find("windtunnel").unwrap();
    let mut settings = spec.settings();
    settings.set("state.failed", 0.08).unwrap();
    settings.set("state.window", 15.0).unwrap();
    let text = thresholds(spec, &settings, &words(&["found in a test"]));
    let (params, rest) = crate::engine::Config::parse(&text).unwrap().params().unwrap();
    assert_eq!((params.state_failed, params.state_window), (0.08, 15.0));
    assert!(rest.is_empty());
    let toml: toml_edit::DocumentMut = text.parse().unwrap();
    assert_eq!(toml["state"]["failed"].as_str(), Some("8%"));
}

#[test]
fn products_get_their_own_files() {
    let file = |product: &str, sets: &[(&str, f64)]| {
        let product = PRODUCTS.iter().find(|known| known.name == product).unwrap();
        let mut settings = registry::find(product.policies[0]).unwrap().settings();
        for (id, value) in sets {
            settings.set(id, *value).unwrap();
        }
        product_file(product, &settings, &words(&["azure", "openai"]), &words(&["a test"]))
    };
    let (name, text) =
        file("litellm", &[("cooldown.time", 12.5), ("cooldown.failure_threshold", 0.3)]);
    assert_eq!(name, "litellm.yaml");
    assert!(text.contains("#   export DEFAULT_FAILURE_THRESHOLD_PERCENT=0.3\n"), "{text}");
    let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(read["router_settings"]["cooldown_time"], 12.5);
    assert_eq!(read["router_settings"]["routing_strategy"], "simple-shuffle");
    assert!(read["router_settings"].get("allowed_fails").is_none(), "not set: {text}");
    let (_, text) = file("kong", &[("breaker.fail_timeout", 4.2)]);
    let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let balancer = &read["plugins"][0]["config"]["balancer"];
    assert_eq!(balancer["fail_timeout"], 4_200);
    assert_eq!(balancer["algorithm"], "least-connections");
    let criteria = balancer["failover_criteria"].as_array().unwrap();
    assert!(criteria.contains(&"http_503".into()) && !criteria.contains(&"http_404".into()));
    let (_, text) = file("bifrost", &[("retry.max", 2.0)]);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["providers"]["azure"]["network_config"]["max_retries"], 2);
    assert_eq!(read["providers"]["openai"]["network_config"]["retry_backoff_initial"], 500);
}
