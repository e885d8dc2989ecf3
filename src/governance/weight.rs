//! The weighted choice among the provider configurations of a virtual key, where nothing adaptive ranks them.
//!
//! Weights are normalised over what is eligible. No weight: neither drawn nor a fallback (the documents, the
//! code and a review of it differ here; this is the code of 2026). Weight 0: a fallback only.

use crate::engine::luck;

use super::ledger::Eligible;
use super::plan::ProviderConfig;

/// Draws one of the eligible configurations by weight; `None` if none of them has a weight above zero.
pub fn draw(configs: &[ProviderConfig], eligible: Eligible, word: u64) -> Option<usize> {
    let weighted = || {
        let weight = |config: &ProviderConfig| config.weight.filter(|weight| *weight > 0.0);
        let all = configs.iter().enumerate().filter(move |(at, _)| eligible.has(*at));
        all.filter_map(move |(at, config)| Some((at, weight(config)?)))
    };
    let total: f64 = weighted().map(|(_, weight)| weight).sum();
    let mut left = luck::unit(word) * total;
    let mut last = None;
    for (at, weight) in weighted() {
        last = Some(at);
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last
}

/// The eligible configurations to fall back on after `drawn`, highest weight first, of those that tie the
/// first in the list.
pub fn fallbacks(configs: &[ProviderConfig], eligible: Eligible, drawn: usize) -> Vec<usize> {
    let mut rest: Vec<(usize, f64)> = (configs.iter().enumerate())
        .filter(|(at, _)| *at != drawn && eligible.has(*at))
        .filter_map(|(at, config)| Some((at, config.weight?)))
        .collect();
    rest.sort_by(|left, right| right.1.total_cmp(&left.1));
    rest.into_iter().map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::config;
    use super::*;

    fn weighted(weight: Option<f64>) -> ProviderConfig {
        ProviderConfig { weight, ..config(0) }
    }

    #[test]
    fn weights_are_normalised_over_what_is_left() {
        let configs =
            [weighted(Some(3.0)), weighted(Some(1.0)), weighted(Some(0.0)), weighted(None)];
        let mut drawn = [0; 4];
        for word in 0..4_000 {
            let word = luck::mix(word, 1);
            drawn[draw(&configs, Eligible::all(4), word).unwrap()] += 1;
        }
        assert!((2_900..3_100).contains(&drawn[0]) && drawn[2] == 0 && drawn[3] == 0, "{drawn:?}");
        assert_eq!(draw(&configs, Eligible::all(4).without(0), 5), Some(1));
        assert_eq!(draw(&configs, Eligible::all(4).without(0).without(1), 5), None);
    }

    #[test]
    fn fallbacks_are_ordered_by_weight_and_leave_out_who_has_none() {
        let configs =
            [weighted(Some(1.0)), weighted(None), weighted(Some(0.0)), weighted(Some(2.0))];
        assert_eq!(fallbacks(&configs, Eligible::all(4), 0), [3, 2]);
        assert_eq!(fallbacks(&configs, Eligible::all(4).without(3), 2), [0]);
    }
}
