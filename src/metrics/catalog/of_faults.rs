//! Metrics with one value a fault.

use crate::metrics::metric::{Direction, Measure, Metric};
use crate::metrics::{budget, health, onset, oscillation, penalty, recovery, stability, weight};

/// In the order of reports.
pub(super) const OF_FAULTS: &[Metric] = &[
    Metric {
        id: "time_to_recover_user",
        symbol: "TTR_user",
        unit: "s",
        formula: "end of the last 5 s window of arrivals from f0 on whose good share is below \
                  0.99 of its baseline beyond the 99.9 % binomial bound, minus f0; 0 if none is",
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
        doc: "When the routing visibly reacts, the same for every policy. Below 50 first \
              attempts to the set per second the share is judged over as many seconds as give 50 \
              (at most 30).",
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
        id: "reversals",
        symbol: "N_rev",
        unit: "",
        formula: "turns of s/s* from f1 on that are left by more than 0.1, or where traffic is \
                  thin by more than chance moves it (0.1 %)",
        better: Direction::Lower,
        doc: "Whether the traffic swings when the fault is over. One turn is an overshoot that \
              comes back.",
        measure: Measure::Fault(oscillation::reversals),
    },
    Metric {
        id: "oscillation_period",
        symbol: "T_osc",
        unit: "s",
        formula: "lag of the first peak of the autocorrelation of s from f1 on behind its first \
                  negative value; undefined below two reversals",
        better: Direction::Neither,
        doc: "How fast it swings: twice the policy's clock or more tells that the clock drives \
              it.",
        measure: Measure::Fault(oscillation::period),
    },
    Metric {
        id: "damping",
        symbol: "ζ",
        unit: "",
        formula: "geometric mean of each swing between turns over the one before; undefined \
                  below three reversals",
        better: Direction::Lower,
        doc: "Below 1 the swings die out; from 1 on they do not.",
        measure: Measure::Fault(oscillation::damping),
    },
    Metric {
        id: "budget_spent",
        symbol: "B",
        unit: "",
        formula: "(bad arrivals from f0 − 10 s until the watch ends − the baseline's part of \
                  them) over 0.1 % of the baseline rate × 30 days",
        better: Direction::Lower,
        doc: "Which part of a month's error budget at 99.9 % one such fault takes. Slightly \
              negative where chance favoured it.",
        measure: Measure::Fault(budget::spent),
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
        doc: "Detection by the policy's own word. Never ranked: most policies have no such \
              states.",
        measure: Measure::Time { of: health::time_to_state, window_s: onset::window_s },
    },
    Metric {
        id: "time_to_failed",
        symbol: "TTD_failed",
        unit: "s",
        formula: "first moment from f0 on with a faulted route Failed, minus f0; censored at f1",
        better: Direction::Lower,
        doc: "The same for Failed alone: when the policy takes a route out. Never ranked.",
        measure: Measure::Time { of: health::time_to_failed, window_s: onset::window_s },
    },
    Metric {
        id: "penalty_left",
        symbol: "P_30",
        unit: "",
        formula: "greatest sum of the error parts of the faulted routes' scores in a view from \
                  f1 + 30 s on, over the greatest in a view of [f0, f1)",
        better: Direction::Lower,
        doc: "How much of a penalty for errors is left half a minute after the last cause, or comes \
              back with the traffic. Only for policies that show the parts of a score; never \
              ranked.",
        measure: Measure::Fault(penalty::penalty_left),
    },
    Metric {
        id: "time_to_weight",
        symbol: "TTD_w",
        unit: "s",
        formula: "first view from f0 on in which the weights of the faulted routes together are \
                  at most 0.9 of those at f0, minus f0; censored at f1",
        better: Direction::Lower,
        doc: "Detection by the policy's own weights. Never ranked: weights are in each policy's \
              own unit, and seen at its own ticks.",
        measure: Measure::Time { of: weight::time_to_weight, window_s: onset::window_s },
    },
];
