//! Two draws and the better of them (Azar, Broder, Karlin, Upfal 1994; Mitzenmacher 1996), and what share of
//! the draws that gives each route.

use crate::engine::luck;
use crate::policy::RouteId;

const FIRST: u64 = luck::name("first of two");
const SECOND: u64 = luck::name("second of two");

/// Two different routes of a list, none of them in `avoid`; twice the same if only one is left.
pub fn pair(routes: &[RouteId], avoid: &[RouteId], word: u64) -> Option<(RouteId, RouteId)> {
    let n = left(routes, avoid);
    if n <= 1 {
        return nth(routes, avoid, 0).map(|only| (only, only));
    }
    let a = luck::below(luck::mix(word, FIRST), n);
    let b = luck::below(luck::mix(word, SECOND), n - 1);
    let b = if b >= a { b + 1 } else { b };
    nth(routes, avoid, a).zip(nth(routes, avoid, b))
}

/// Two routes of a list, each drawn from all that are not in `avoid`: now and then the same one.
pub fn pair_with_replacement(
    routes: &[RouteId],
    avoid: &[RouteId],
    word: u64,
) -> Option<(RouteId, RouteId)> {
    let n = left(routes, avoid);
    let a = nth(routes, avoid, luck::below(luck::mix(word, FIRST), n));
    a.zip(nth(routes, avoid, luck::below(luck::mix(word, SECOND), n)))
}

/// Two draws in proportion to weights; `None` if all that are left weigh nothing.
pub fn pair_by_weight(
    routes: &[RouteId],
    avoid: &[RouteId],
    word: u64,
    weight: impl Fn(RouteId) -> f64,
) -> Option<(RouteId, RouteId)> {
    let a = by_weight(routes, avoid, luck::mix(word, FIRST), &weight);
    a.zip(by_weight(routes, avoid, luck::mix(word, SECOND), weight))
}

/// One draw in proportion to weights (finite, ≥ 0); `None` if all that are left weigh nothing.
pub fn by_weight(
    routes: &[RouteId],
    avoid: &[RouteId],
    word: u64,
    weight: impl Fn(RouteId) -> f64,
) -> Option<RouteId> {
    let open = || {
        let left = routes.iter().copied().filter(|route| !avoid.contains(route));
        left.map(|route| (route, weight(route))).filter(|(_, weight)| *weight > 0.0)
    };
    let sum: f64 = open().map(|(_, weight)| weight).sum();
    let mut rest = luck::unit(word) * sum;
    let mut last = None;
    for (route, weight) in open() {
        last = Some(route);
        if rest < weight {
            break;
        }
        rest -= weight;
    }
    last
}

/// How many of a list are not in `avoid`.
fn left(routes: &[RouteId], avoid: &[RouteId]) -> u32 {
    if avoid.is_empty() {
        return routes.len() as u32;
    }
    routes.iter().filter(|route| !avoid.contains(route)).count() as u32
}

fn nth(routes: &[RouteId], avoid: &[RouteId], n: u32) -> Option<RouteId> {
    if avoid.is_empty() {
        return routes.get(n as usize).copied();
    }
    routes.iter().filter(|route| !avoid.contains(route)).nth(n as usize).copied()
}

/// Shares of the routes of a list if the one with the lower load of [`pair`] is taken, half of each where
/// they tie.
pub fn shares(routes: &[RouteId], load: impl Fn(RouteId) -> f64, set: impl FnMut(RouteId, f64)) {
    let n = routes.len() as f64;
    let alone = routes.len() == 1;
    ranked(
        routes,
        load,
        |_| 1.0,
        |_, above, equal| {
            if alone { 1.0 } else { (2.0 * above + equal) / (n * (n - 1.0)) }
        },
        set,
    );
}

/// The same for two draws with replacement in proportion to `weight`.
pub fn shares_with_replacement(
    routes: &[RouteId],
    load: impl Fn(RouteId) -> f64,
    weight: impl Fn(RouteId) -> f64,
    set: impl FnMut(RouteId, f64),
) {
    let sum: f64 = routes.iter().map(|route| weight(*route)).sum();
    if sum <= 0.0 {
        return;
    }
    let share = |own: f64, above: f64, equal: f64| own * (own + 2.0 * above + equal);
    ranked(routes, load, |route| weight(route) / sum, share, set);
}

/// Calls `share` with a route's weight, that of all with a higher load, and that of all others with the same.
fn ranked(
    routes: &[RouteId],
    load: impl Fn(RouteId) -> f64,
    weight: impl Fn(RouteId) -> f64,
    share: impl Fn(f64, f64, f64) -> f64,
    mut set: impl FnMut(RouteId, f64),
) {
    let mut sorted: Vec<(f64, RouteId)> = routes.iter().map(|r| (load(*r), *r)).collect();
    sorted.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut above = 0.0;
    for group in sorted.chunk_by(|one, other| one.0 == other.0) {
        let all: f64 = group.iter().map(|(_, route)| weight(*route)).sum();
        for (_, route) in group {
            let own = weight(*route);
            set(*route, share(own, above, all - own));
        }
        above += all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [RouteId; 4] = [RouteId(0), RouteId(1), RouteId(2), RouteId(3)];

    /// Shares of the lower of two draws, with load = index, and of draws of twice the same.
    fn drawn(draw: impl Fn(u64) -> Option<(RouteId, RouteId)>) -> ([f64; 4], f64) {
        let n = 100_000;
        let (mut shares, mut same) = ([0.0; 4], 0.0);
        for word in 0..n {
            let (a, b) = draw(luck::mix(word, 3)).unwrap();
            shares[a.min(b).index()] += 1.0 / n as f64;
            same += f64::from(u8::from(a == b)) / n as f64;
        }
        (shares, same)
    }

    fn near(found: &[f64], expected: &[f64]) {
        for (one, other) in found.iter().zip(expected) {
            assert!((one - other).abs() < 0.006, "{found:?} for {expected:?}");
        }
    }

    #[test]
    fn two_draws_are_different_and_the_worst_is_never_the_better() {
        let (found, same) = drawn(|word| pair(&ALL, &[], word));
        assert_eq!((same, found[3]), (0.0, 0.0));
        let mut expected = [0.0; 4];
        shares(&ALL, |r| f64::from(r.0), |r, share| expected[r.index()] = share);
        near(&expected, &[0.5, 1.0 / 3.0, 1.0 / 6.0, 0.0]);
        near(&found, &expected);
    }

    #[test]
    fn with_replacement_the_worst_keeps_its_share_squared() {
        let (found, same) = drawn(|word| pair_with_replacement(&ALL, &[], word));
        let mut expected = [0.0; 4];
        let (load, even) = (|r: RouteId| f64::from(r.0), |_: RouteId| 1.0);
        shares_with_replacement(&ALL, load, even, |r, share| expected[r.index()] = share);
        near(&expected, &[7.0 / 16.0, 5.0 / 16.0, 3.0 / 16.0, 1.0 / 16.0]);
        near(&found, &expected);
        near(&[same], &[0.25]);
    }

    #[test]
    fn draws_by_weight_follow_weights() {
        let weights = [1.0, 0.0, 2.0, 1.0];
        let (found, same) = drawn(|word| pair_by_weight(&ALL, &[], word, |r| weights[r.index()]));
        let mut expected = [0.0; 4];
        let (load, weight) = (|r: RouteId| f64::from(r.0), |r: RouteId| weights[r.index()]);
        shares_with_replacement(&ALL, load, weight, |r, share| expected[r.index()] = share);
        near(&expected, &[7.0 / 16.0, 0.0, 0.5, 1.0 / 16.0]);
        near(&found, &expected);
        near(&[same], &[1.0 / 16.0 + 0.25 + 1.0 / 16.0]);
        assert_eq!(by_weight(&ALL, &[], 5, |_| 0.0), None);
    }

    #[test]
    fn what_is_avoided_is_never_drawn_and_one_alone_is_both() {
        let avoid = [RouteId(1), RouteId(2), RouteId(1)];
        for word in 0..1_000 {
            let word = luck::mix(word, 9);
            let (a, b) = pair(&ALL, &avoid, word).unwrap();
            assert!(a != b && [a, b].iter().all(|r| !avoid.contains(r)));
        }
        let most = [RouteId(0), RouteId(1), RouteId(2)];
        assert_eq!(pair(&ALL, &most, 7), Some((RouteId(3), RouteId(3))));
        assert_eq!(pair(&ALL, &ALL, 7), None);
        assert_eq!(pair_with_replacement(&ALL, &ALL, 7), None);
        assert_eq!(pair_with_replacement(&[], &[], 7), None);
    }

    #[test]
    fn those_that_tie_share_alike() {
        let mut found = [0.0; 4];
        let load = |r: RouteId| if r.0 == 3 { 1.0 } else { 0.0 };
        shares(&ALL, load, |r, share| found[r.index()] = share);
        near(&found, &[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
        let mut alone = 0.0;
        shares(&ALL[..1], load, |_, share| alone = share);
        assert_eq!(alone, 1.0);
    }
}
