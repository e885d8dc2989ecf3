//! Metrics of gateways of several processes (nodes × workers); undefined for one.

use crate::metrics::cluster;
use crate::metrics::metric::{Direction, Measure, Metric};

/// In the order of reports.
pub(super) const OF_CLUSTERS: &[Metric] = &[
    Metric {
        id: "convergence_weights",
        symbol: "T_w",
        unit: "s",
        formula: "from f0 until no two processes are further apart than 0.1 for the rest of the \
                  minute after f0, by second; 0 if none are; censored after that minute",
        better: Direction::Lower,
        doc: "How long the nodes of a gateway judge differently after a fault begins. Apart: total \
              variation between the probabilities with which two processes would choose next.",
        measure: Measure::Time {
            of: cluster::convergence_weights,
            window_s: cluster::convergence_window,
        },
    },
    Metric {
        id: "convergence_holds",
        symbol: "T_h",
        unit: "s",
        formula: "mean over lasting refusals of a key of the time from the first refusal of any \
                  process until every process knows, by hearing or by being refused itself",
        better: Direction::Lower,
        doc: "How long a revoked key is tried again by somebody. Refusals that the key recovered \
              from before all knew do not count.",
        measure: Measure::Run(cluster::convergence_holds),
    },
    Metric {
        id: "disagreement",
        symbol: "D",
        unit: "",
        formula: "mean over seconds, pairs of processes and models of the total variation between \
                  the probabilities with which they would choose next",
        better: Direction::Neither,
        doc: "How far apart the nodes judge. Neither is better: in another region, the truth may be \
              another.",
        measure: Measure::Run(cluster::disagreement),
    },
    Metric {
        id: "disagreement_max",
        symbol: "D_max",
        unit: "",
        formula: "greatest of the same over seconds, pairs of processes and models",
        better: Direction::Neither,
        doc: "As disagreement, at its worst.",
        measure: Measure::Run(cluster::disagreement_max),
    },
    Metric {
        id: "gossip_packets",
        symbol: "m",
        unit: "1/s",
        formula: "packets that all processes send each other, over the length of the run",
        better: Direction::Lower,
        doc: "What membership and sharing cost together. Undefined where nothing is shared.",
        measure: Measure::Run(cluster::packets),
    },
    Metric {
        id: "gossip_bytes",
        symbol: "B_g",
        unit: "B/s",
        formula: "bytes in those packets, over the length of the run",
        better: Direction::Lower,
        doc: "As gossip_packets; without the heads of IP and UDP.",
        measure: Measure::Run(cluster::bytes),
    },
    Metric {
        id: "probes",
        symbol: "n_p",
        unit: "",
        formula: "attempts at routes under a fault that were made to learn about them (explorations \
                  and checks of held keys)",
        better: Direction::Lower,
        doc: "What a provider in trouble gets from nodes that want to know.",
        measure: Measure::Run(cluster::probes),
    },
    Metric {
        id: "duplicated_probes",
        symbol: "d_p",
        unit: "",
        formula: "share of those that came within 5 s of another process's probe of the same route",
        better: Direction::Lower,
        doc: "Probes that one node would not have needed, had it known of the other's.",
        measure: Measure::Run(cluster::duplicated_probes),
    },
];
