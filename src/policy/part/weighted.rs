//! A draw in proportion to weights.

use crate::engine::luck;
use crate::policy::RouteId;

/// Draws among the routes of a list that are not in `avoid`, each with a probability proportional to its
/// weight (finite, ≥ 0). `None` if no route has any.
pub fn weighted(
    routes: &[RouteId],
    avoid: &[RouteId],
    word: u64,
    weight: impl Fn(RouteId) -> f64,
) -> Option<RouteId> {
    let left = || routes.iter().copied().filter(|route| !avoid.contains(route));
    let total: f64 = left().map(&weight).sum();
    let mut rest = luck::unit(word) * total;
    let mut last = None;
    for route in left() {
        let weight = weight(route);
        if weight > 0.0 {
            if rest < weight {
                return Some(route);
            }
            rest -= weight;
            last = Some(route);
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights_and_pass_over_what_is_avoided() {
        let routes = [RouteId(0), RouteId(1), RouteId(2), RouteId(3)];
        let weights = [1.0, 0.0, 3.0, 4.0];
        let mut seen = [0u32; 4];
        for i in 0..40_000u64 {
            let word = luck::mix(i, 3);
            let route = weighted(&routes, &[RouteId(3)], word, |route| weights[route.index()]);
            seen[route.unwrap().index()] += 1;
        }
        assert_eq!((seen[1], seen[3]), (0, 0));
        assert!((9_700..10_300).contains(&seen[0]), "{seen:?}");
        assert_eq!(weighted(&routes, &[], 7, |_| 0.0), None);
        assert_eq!(weighted(&[], &[], 7, |_| 1.0), None);
    }
}
