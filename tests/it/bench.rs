//! `bench` through the library, with next to no effort: every figure is there and is a number.

use windtunnel::experiment::bench::{Effort, Measurements, measure};

const EFFORT: Effort = Effort { batches: 4, calls: 200, paced_s: 1, virtual_s: 1 };

fn finite(measured: &Measurements) -> bool {
    let calls = measured.calls.iter().flat_map(|c| [c.median_ns, c.min_ns, c.p99_ns]);
    let percentiles = measured.percentiles.iter().flat_map(|p| [p.ns, p.empty_ns].concat());
    let simulator = measured
        .simulator
        .iter()
        .flat_map(|s| [s.ns_per_request, s.requests_per_s, s.over_bare_loop]);
    calls.chain(percentiles).chain(simulator).all(|ns| ns.is_finite() && ns >= 0.0)
}

#[test]
fn every_figure_is_a_number_and_the_json_says_the_same() {
    let said = std::cell::RefCell::new(Vec::new());
    let measured = measure(EFFORT, Some(|| 0), &|what| said.borrow_mut().push(what.to_owned()));
    assert!(finite(&measured), "{measured:#?}");
    for routes in [12, 100, 1_000, 10_000] {
        let of: Vec<&str> = (measured.calls.iter())
            .filter(|figure| figure.routes == routes && figure.threads == 1)
            .map(|figure| figure.call.as_str())
            .collect();
        assert_eq!(of.len(), 6, "{of:?}");
    }
    assert!(measured.calls.iter().any(|figure| figure.threads == 2));
    assert!(measured.simulator.iter().all(|figure| figure.requests_per_s > 1_000.0));
    assert_eq!(measured.histograms.len(), measured.percentiles.len());
    assert!(said.borrow().len() > 5);

    let json: serde_json::Value =
        serde_json::from_str(&windtunnel::record::to_json(&measured)).unwrap();
    assert_eq!(json["calls"].as_array().unwrap().len(), measured.calls.len());
    assert_eq!(json["calls"][0]["allocations"], 0.0);
}
