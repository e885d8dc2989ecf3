//! The list of metrics: help, documents, expectations and reports all read it.

mod of_clusters;
mod of_faults;
mod of_runs;

use super::metric::{Direction, Metric};

use of_clusters::OF_CLUSTERS;
use of_faults::OF_FAULTS;
use of_runs::OF_RUNS;

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
pub static METRICS: &[Metric] = &{
    let (faults, runs) = (OF_FAULTS.len(), OF_FAULTS.len() + OF_RUNS.len());
    let mut all = [OF_FAULTS[0]; OF_FAULTS.len() + OF_RUNS.len() + OF_CLUSTERS.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = match i {
            i if i < faults => OF_FAULTS[i],
            i if i < runs => OF_RUNS[i - faults],
            _ => OF_CLUSTERS[i - runs],
        };
        i += 1;
    }
    all
};

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
}
