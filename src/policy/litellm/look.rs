//! What a strategy is shown: the candidates of a pick, and answers.

use crate::engine::{Span, Time};
use crate::policy::{ModelId, RouteId};

use super::limits::Known;

/// A pick. Strategies give each candidate a weight; they come with 1.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When.
    pub now: Time,
    /// The model asked for.
    pub model: ModelId,
    /// The candidates, in the order of the list.
    pub left: &'a [RouteId],
    /// All deployments.
    pub known: &'a [Known],
    /// Prompt tokens.
    pub prompt: u32,
    /// Whether the answer is to be streamed.
    pub streamed: bool,
}

impl Look<'_> {
    /// What the configuration says of a candidate.
    pub fn known(&self, route: RouteId) -> &Known {
        &self.known[route.index()]
    }

    /// Gives weight 1 to the candidate with the least score, the first of those that tie, and 0 to all
    /// others. Those that score nothing are not taken.
    pub fn take_least<S: Ord>(
        &self,
        weights: &mut [f64],
        mut score: impl FnMut(usize, RouteId) -> Option<S>,
    ) {
        let best = (self.left.iter().enumerate())
            .filter_map(|(at, route)| Some((score(at, *route)?, at)))
            .min();
        weights.fill(0.0);
        if let Some((_, at)) = best {
            weights[at] = 1.0;
        }
    }
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// When it ended.
    pub now: Time,
    /// The model asked for.
    pub model: ModelId,
    /// Who gave it.
    pub route: RouteId,
    /// How long it took.
    pub took: Span,
    /// Its prompt tokens.
    pub prompt: u32,
    /// Its output tokens.
    pub output: u32,
    /// When its first token came after the start, for a stream.
    pub first: Option<Span>,
}

impl Answer {
    /// Prompt and output tokens.
    pub fn tokens(&self) -> u64 {
        u64::from(self.prompt) + u64::from(self.output)
    }
}

#[cfg(test)]
pub mod tests {
    //! Picks for the tests of strategies.

    use super::*;

    /// A deployment with nothing set.
    pub const FREE: Known = Known { weight: 0.0, rpm: None, tpm: None, price: 0 };

    /// The weights that `weigh` gives to all of `known` at this second, prompt of 8 tokens.
    pub fn weights(
        known: &[Known],
        secs: u64,
        weigh: impl FnOnce(&Look<'_>, &mut [f64]),
    ) -> Vec<f64> {
        let left: Vec<RouteId> = (0..known.len() as u32).map(RouteId).collect();
        let now = Time::from_secs(secs);
        let (model, prompt, streamed) = (ModelId(0), 8, false);
        let mut weights = vec![1.0; known.len()];
        weigh(&Look { now, model, left: &left, known, prompt, streamed }, &mut weights);
        weights
    }

    /// An answer of a route at this second: 8 prompt tokens, one second.
    pub fn answer(route: u32, secs: u64, output: u32) -> Answer {
        Answer {
            now: Time::from_secs(secs),
            model: ModelId(0),
            route: RouteId(route),
            took: Span::from_secs(1),
            prompt: 8,
            output,
            first: None,
        }
    }
}
