//! Cost-based routing: the lowest price of a prompt and an output token together wins, among those with room
//! in this calendar minute; ties go to the one that entered the map first.
//!
//! The map has no life of its own and so has the cache's 10 minutes. Source: LiteLLM 1.106.2,
//! `router_strategy/lowest_cost.py`. Prices that the product does not know count as 5 each; here all are
//! known.

use crate::engine::Span;

use super::counters::minute;
use super::dict::Dict;
use super::limits::Usage;
use super::look::{Answer, Look};

/// The life of the map.
const KEPT: Span = Span::from_secs(600);

/// The counts of one worker.
#[derive(Clone, Debug)]
pub struct Cost {
    usage: Usage,
    dict: Dict,
}

impl Cost {
    /// Nothing counted.
    pub fn new(models: usize, routes: usize) -> Self {
        Self { usage: Usage::new(routes), dict: Dict::new(models, routes) }
    }

    /// An answer came.
    pub fn answered(&mut self, answer: &Answer) {
        let Answer { model, route, now, .. } = *answer;
        self.usage.answered(route, minute(now), answer.tokens());
        self.dict.enter(model, route, now, now + KEPT);
    }

    /// A pick looks at candidates.
    pub fn looked_at(&mut self, look: &Look<'_>) {
        if self.dict.lives(look.model, look.now) {
            for &route in look.left {
                self.dict.enter(look.model, route, look.now, look.now + KEPT);
            }
        }
    }

    /// Weighs candidates: 1 for the one to take, 0 for the others.
    pub fn weigh(&self, look: &Look<'_>, weights: &mut [f64]) {
        look.take_least(weights, |at, route| {
            let (_, tokens, requests) = self.usage.of(route, minute(look.now));
            let place = self.dict.place(look.model, route, look.now).unwrap_or(at as u32);
            let known = look.known(route);
            let room = known.has_room(tokens, requests, look.prompt, false);
            room.then_some((known.price, place))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::litellm::limits::Known;
    use crate::policy::litellm::look::tests::{FREE, answer, weights};

    fn taken(cost: &Cost, prices: [u128; 2], rpm: Option<u64>, secs: u64) -> Vec<f64> {
        let known = prices.map(|price| Known { rpm, price, ..FREE });
        weights(&known, secs, |look, to| cost.weigh(look, to))
    }

    #[test]
    fn the_cheapest_takes_all_until_its_minute_is_full() {
        let mut cost = Cost::new(1, 2);
        for n in 0..10 {
            assert_eq!(taken(&cost, [3, 2], Some(10), 5), [0.0, 1.0], "{n}");
            cost.answered(&answer(1, 5, 100));
        }
        assert_eq!(taken(&cost, [3, 2], Some(10), 5), [1.0, 0.0], "the whole limit is used");
        assert_eq!(taken(&cost, [3, 2], Some(10), 60), [0.0, 1.0]);
    }

    #[test]
    fn ties_go_to_the_first_of_the_map_for_ten_minutes() {
        let mut cost = Cost::new(1, 2);
        assert_eq!(taken(&cost, [2, 2], None, 5), [1.0, 0.0]);
        cost.answered(&answer(1, 5, 100));
        weights(&[FREE; 2], 5, |look, _| cost.looked_at(look));
        assert_eq!(taken(&cost, [2, 2], None, 604), [0.0, 1.0]);
        assert_eq!(taken(&cost, [2, 2], None, 605), [1.0, 0.0]);
    }
}
