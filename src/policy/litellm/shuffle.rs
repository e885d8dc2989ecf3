//! Simple shuffle: a weighted draw. Weights are the first of `weight`, `rpm`, `tpm` that any of the
//! remaining candidates has; one that lacks it is not drawn while another has it. With none of them, a uniform
//! draw.
//!
//! Source: LiteLLM 1.106.2, `router_strategy/simple_shuffle.py`. Routes here always have a weight; where all
//! of a model have the same, it counts as not set (our choice).

use crate::policy::RouteId;

use super::limits::Known;
use super::look::Look;

/// Weighs candidates.
pub fn weigh(look: &Look<'_>, weights: &mut [f64]) {
    let metrics: [fn(&Known) -> f64; 3] = [
        |known| known.weight,
        |known| known.rpm.map_or(0.0, |rpm| rpm as f64),
        |known| known.tpm.map_or(0.0, |tpm| tpm as f64),
    ];
    for metric in metrics {
        let of = |route: &RouteId| metric(look.known(*route));
        if look.left.iter().any(|route| of(route) > 0.0) {
            for (route, weight) in look.left.iter().zip(weights) {
                *weight = of(route);
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::litellm::look::tests::{FREE, weights};

    #[test]
    fn the_first_metric_that_a_candidate_has_decides() {
        let [small, heavy, long] = [
            Known { rpm: Some(6), tpm: Some(50), ..FREE },
            Known { weight: 3.0, ..FREE },
            Known { tpm: Some(90), ..FREE },
        ];
        assert_eq!(weights(&[small, heavy, long], 0, weigh), [0.0, 3.0, 0.0]);
        assert_eq!(weights(&[small, long], 0, weigh), [6.0, 0.0], "only the remaining ones count");
        assert_eq!(weights(&[long, FREE], 0, weigh), [90.0, 0.0]);
        assert_eq!(weights(&[FREE, FREE], 0, weigh), [1.0, 1.0]);
    }
}
