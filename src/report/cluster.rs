//! The nodes of a gateway in the terminal.

use comfy_table::Table;

use crate::record::{ClusterSummary, Summary};

use super::terminal::{table, value};

/// What is between nodes; `None` where there is one.
pub(super) fn cluster(summary: &Summary) -> Option<Table> {
    let ClusterSummary {
        processes,
        convergence_holds_s,
        disagreement,
        disagreement_max,
        gossip_packets_per_s,
        gossip_bytes_per_s,
        probes,
        duplicated_probes,
    } = summary.cluster.as_ref()?;
    let agree = summary.faults.first().and_then(|fault| fault.convergence_weights_s.as_ref());
    let all = [
        ("agree after a fault", agree, 1.0, "s"),
        ("apart, mean", Some(disagreement), 100.0, "%"),
        ("at most", Some(disagreement_max), 100.0, "%"),
        ("all know a revoked key", Some(convergence_holds_s), 1.0, "s"),
        ("packets/s", Some(gossip_packets_per_s), 1.0, ""),
        ("kB/s", Some(gossip_bytes_per_s), 1e-3, ""),
        ("probes", Some(probes), 1.0, ""),
        ("duplicated", Some(duplicated_probes), 100.0, "%"),
    ];
    let known = all.into_iter().filter_map(|(name, measured, scale, unit)| {
        Some((name, measured.filter(|measured| measured.number().is_some())?, scale, unit))
    });
    let (mut names, mut values) = (vec!["processes"], vec![processes.to_string()]);
    for (name, measured, scale, unit) in known {
        names.push(name);
        values.push(value(measured, scale, unit));
    }
    let mut table = table(&names);
    table.add_row(values);
    Some(table)
}
