//! What is told of nodes is possible: losses are of what was sent, distances are distances, a hold is known to all
//! only after somebody met it.

use super::super::evidence::Evidence;

pub(super) fn check(seen: &Evidence) -> Result<(), String> {
    let Some(cluster) = &seen.tape.cluster else {
        return if seen.processes == 1 {
            Ok(())
        } else {
            Err("nothing is told of several processes".to_owned())
        };
    };
    if cluster.processes as usize != seen.processes || cluster.lost > cluster.packets {
        return Err(format!("{} packets, {} of them lost", cluster.packets, cluster.lost));
    }
    if cluster.duplicated > cluster.probes {
        return Err(format!(
            "{} probes, {} of them duplicated",
            cluster.probes, cluster.duplicated
        ));
    }
    if !cluster.shares && cluster.packets > 0 {
        return Err(format!("{} packets, and nothing is shared", cluster.packets));
    }
    let wrong = cluster
        .distances
        .iter()
        .find(|d| !(0.0..=d.max + 1e-9).contains(&d.mean) || d.max > 1.0 + 1e-9);
    if let Some(distance) = wrong {
        return Err(format!("no distance of probabilities: {distance:?}"));
    }
    match cluster.holds.iter().find(|hold| hold.last.is_some_and(|last| last < hold.first)) {
        None => Ok(()),
        Some(hold) => Err(format!("all knew before anybody did: {hold:?}")),
    }
}
