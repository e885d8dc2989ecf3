//! The list of metrics: help, documents, expectations and reports all read it.

use super::metric::{Direction, Measure, Metric};
use super::{fairness, health, onset, recovery, service, stability};

/// The metric of this name.
pub fn find(id: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.id == id)
}

/// The catalogue as a Markdown page.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         Generated from the catalogue of the program; do not edit.\n\n\
         f0 and f1 are a fault's onset and end, s the share of first attempts that goes to the\n\
         faulted routes among those for their models, s\\* its mean over the minute before f0.\n\
         A value is a number, *censored* (not reached while watched: until the last measured\n\
         arrival, or the start of the first other fault that begins after f1) or *undefined*\n\
         (with a reason).\n",
    );
    for metric in METRICS {
        let unit = if metric.unit.is_empty() { "none" } else { metric.unit };
        let scope = if metric.is_per_fault() { "fault" } else { "run" };
        let better = match metric.better {
            Direction::Neither => "neither (it describes)",
            other => other.name(),
        };
        page.push_str(&format!(
            "\n## `{}`\n\n{}\n\n- symbol: {}\n- unit: {unit}\n- one value a {scope}\n\
             - better: {better}\n- formula: {}\n",
            metric.id,
            metric.doc,
            metric.symbol,
            metric.formula.replace('*', "\\*")
        ));
    }
    page
}

/// All metrics, headline ones first.
pub static METRICS: &[Metric] = &[
    Metric {
        id: "time_to_recover_user",
        symbol: "TTR_user",
        unit: "s",
        formula: "end of the last 5 s window of arrivals from f0 on whose good share is below 0.99 \
                  of its baseline beyond the 99.9 % binomial bound, minus f0; 0 if none is",
        better: Direction::Lower,
        doc: "How long users feel a fault, seen by when they asked. May precede the end of the \
              fault. The baseline leaves out the 10 s before f0, whose requests the fault meets \
              under way.",
        measure: Measure::Time {
            of: recovery::time_to_recover_user,
            window_s: recovery::user_window_s,
        },
    },
    Metric {
        id: "time_to_detect",
        symbol: "TTD",
        unit: "s",
        formula: "first second from f0 on with s ≤ 0.5 s*, minus f0; censored at f1",
        better: Direction::Lower,
        doc: "When the routing visibly reacts, the same for every policy. Below 50 first attempts \
              to the set per second the share is judged over as many seconds as give 50 (at most \
              30).",
        measure: Measure::Time { of: onset::time_to_detect, window_s: onset::window_s },
    },
    Metric {
        id: "time_to_drain",
        symbol: "TTDrain",
        unit: "s",
        formula: "first second from f0 on with s ≤ 0.05 s* for 5 s, minus f0; censored at f1",
        better: Direction::Lower,
        doc: "When practically no new request goes into the fault any more.",
        measure: Measure::Time { of: onset::time_to_drain, window_s: onset::window_s },
    },
    Metric {
        id: "leak_ratio",
        symbol: "L",
        unit: "",
        formula: "first attempts to the set in [f0, f1) over s* × first attempts for its models",
        better: Direction::Lower,
        doc: "How much traffic the fault got: 1 is blind routing, above 1 a sinkhole.",
        measure: Measure::Fault(onset::leak_ratio),
    },
    Metric {
        id: "leak",
        symbol: "l",
        unit: "requests",
        formula: "first attempts to the set in [f0, f1)",
        better: Direction::Lower,
        doc: "The same in requests.",
        measure: Measure::Fault(onset::leak),
    },
    Metric {
        id: "time_to_recover_share",
        symbol: "TTR_share",
        unit: "s",
        formula: "first second from f1 on with s ≥ 0.9 s* for 10 s, minus f1",
        better: Direction::Lower,
        doc: "When a route that works again has its traffic back.",
        measure: Measure::Time {
            of: recovery::time_to_recover_share,
            window_s: recovery::after_window_s,
        },
    },
    Metric {
        id: "overshoot",
        symbol: "O",
        unit: "",
        formula: "greatest (s − s*)/s* of the 5 s bins in (f1, f1 + 300 s] that are above s* \
                  beyond the 99.9 % binomial bound; 0 if none is",
        better: Direction::Lower,
        doc: "How far the traffic swings past its mark when it comes back.",
        measure: Measure::Fault(stability::overshoot),
    },
    Metric {
        id: "settling",
        symbol: "T_s",
        unit: "s",
        formula: "end of the last 5 s bin after f1 with |s − s*| > 0.05 s* beyond the 99.9 % \
                  bound, minus f1",
        better: Direction::Lower,
        doc: "When the swinging is over.",
        measure: Measure::Time { of: stability::settling, window_s: recovery::after_window_s },
    },
    Metric {
        id: "flaps",
        symbol: "F",
        unit: "",
        formula: "entries into Failed within 60 s of leaving it, on the faulted routes from f0 on",
        better: Direction::Lower,
        doc: "How often a route is called well too soon. Only for policies that have health \
              states.",
        measure: Measure::Fault(health::flaps),
    },
    Metric {
        id: "time_to_state",
        symbol: "TTD_state",
        unit: "s",
        formula: "first moment from f0 on with a faulted route Degraded or Failed, minus f0; \
                  censored at f1",
        better: Direction::Lower,
        doc: "Detection by the policy's own word. Never ranked: most policies have no such states.",
        measure: Measure::Time { of: health::time_to_state, window_s: onset::window_s },
    },
    Metric {
        id: "false_alarms",
        symbol: "FA",
        unit: "1/(route·h)",
        formula: "changes from Healthy on routes without a fault (and 120 s after it), per hour of \
                  such a route",
        better: Direction::Lower,
        doc: "How often the policy cries wolf.",
        measure: Measure::Run(health::false_alarms_per_route_hour),
    },
    Metric {
        id: "transitions",
        symbol: "TR",
        unit: "1/(route·h)",
        formula: "changes of health per route and hour of the run",
        better: Direction::Lower,
        doc: "How restless the states are.",
        measure: Measure::Run(health::transitions_per_route_hour),
    },
    Metric {
        id: "slo_attainment",
        symbol: "A",
        unit: "",
        formula: "good over offered requests; what the gateway shed counts as bad",
        better: Direction::Higher,
        doc: "Share of requests answered within their deadline.",
        measure: Measure::Run(service::attainment),
    },
    Metric {
        id: "goodput",
        symbol: "G",
        unit: "requests/s",
        formula: "good requests over measured seconds",
        better: Direction::Higher,
        doc: "What clients got, by when they asked.",
        measure: Measure::Run(service::goodput),
    },
    Metric {
        id: "goodput_tokens",
        symbol: "G_t",
        unit: "tokens/s",
        formula: "output tokens of good requests over measured seconds",
        better: Direction::Higher,
        doc: "The same in output tokens.",
        measure: Measure::Run(service::goodput_tokens),
    },
    Metric {
        id: "regret",
        symbol: "R",
        unit: "",
        formula: "(good requests of the oracle − good requests of the policy) over offered, same \
                  seed",
        better: Direction::Lower,
        doc: "How far from the best that anyone could have done. Needs a run of the oracle.",
        measure: Measure::Against(service::regret),
    },
    Metric {
        id: "latency_p50",
        symbol: "p50",
        unit: "ms",
        formula: "median latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "Failed requests have no latency here: read it together with the attainment.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.5)),
    },
    Metric {
        id: "latency_p90",
        symbol: "p90",
        unit: "ms",
        formula: "90 % quantile of latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "As latency_p50.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.9)),
    },
    Metric {
        id: "latency_p99",
        symbol: "p99",
        unit: "ms",
        formula: "99 % quantile of latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "As latency_p50.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.99)),
    },
    Metric {
        id: "latency_p999",
        symbol: "p999",
        unit: "ms",
        formula: "99.9 % quantile of latency from intended arrival of requests that were done",
        better: Direction::Lower,
        doc: "As latency_p50.",
        measure: Measure::Run(|tape| service::latency_ms(tape, 0.999)),
    },
    Metric {
        id: "ttft_p50",
        symbol: "TTFT p50",
        unit: "ms",
        formula: "median time from intended arrival to first token of streamed requests that were \
                  done",
        better: Direction::Lower,
        doc: "What a user of a stream waits for. Failed attempts before the good one are included.",
        measure: Measure::Run(|tape| service::ttft_ms(tape, 0.5)),
    },
    Metric {
        id: "ttft_p99",
        symbol: "TTFT p99",
        unit: "ms",
        formula: "99 % quantile of time to first token of streamed requests that were done",
        better: Direction::Lower,
        doc: "As ttft_p50.",
        measure: Measure::Run(|tape| service::ttft_ms(tape, 0.99)),
    },
    Metric {
        id: "amplification",
        symbol: "α",
        unit: "",
        formula: "attempts over offered requests",
        better: Direction::Lower,
        doc: "Load that retries add.",
        measure: Measure::Run(service::amplification),
    },
    Metric {
        id: "rate_limited",
        symbol: "q",
        unit: "",
        formula: "attempts refused with a 429 over attempts",
        better: Direction::Lower,
        doc: "How often the routing runs into limits.",
        measure: Measure::Run(service::rate_limited),
    },
    Metric {
        id: "wasted_tokens",
        symbol: "w",
        unit: "",
        formula: "output tokens of attempts whose request did not become good, over all output \
                  tokens",
        better: Direction::Lower,
        doc: "Work that was paid for and helped nobody.",
        measure: Measure::Run(service::wasted_tokens),
    },
    Metric {
        id: "cost",
        symbol: "C",
        unit: "USD",
        formula: "prompt and output tokens of all attempts at the routes' prices",
        better: Direction::Lower,
        doc: "What the run cost. A policy that serves less costs less: see cost_per_good.",
        measure: Measure::Run(service::cost),
    },
    Metric {
        id: "cost_per_good",
        symbol: "c",
        unit: "USD",
        formula: "cost over good requests",
        better: Direction::Lower,
        doc: "What a good answer cost, failed attempts included.",
        measure: Measure::Run(service::cost_per_good),
    },
    Metric {
        id: "jain",
        symbol: "J",
        unit: "",
        formula: "(Σx)²/(nΣx²), x = attempts done over capacity, relative to the model's mean, \
                  over routes without a fault",
        better: Direction::Higher,
        doc: "Jain's fairness index: 1 if all routes are equally loaded, 1/n if one carries all. \
              Capacity is the token limit where every route of the model has one, else the static \
              weight.",
        measure: Measure::Pooled(fairness::jain_routes),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for metric in METRICS {
            assert_eq!(METRICS.iter().filter(|other| other.id == metric.id).count(), 1);
            assert_eq!(find(metric.id).map(|found| found.symbol), Some(metric.symbol));
            assert!(!metric.doc.is_empty() && !metric.formula.is_empty(), "{}", metric.id);
        }
        assert!(find("speed").is_none());
    }

    #[test]
    fn the_published_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        let published = std::fs::read_to_string(path).unwrap();
        assert_eq!(published, markdown(), "`cargo test --lib -- --ignored publish` renews it");
    }

    #[test]
    #[ignore = "writes docs/; run it when the catalogue changes"]
    fn publish_the_page() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        std::fs::write(path, markdown()).unwrap();
    }
}
