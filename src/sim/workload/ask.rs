//! What a request asks, as a function of its luck.

use std::sync::Arc;

use crate::engine::Time;
use crate::engine::luck::{mix, name, unit};
use crate::sim::prefix::{BlockTree, Chain, Talks};
use crate::sim::spec::{Arrivals, Class};
use crate::sim::tokens::TokenSampler;

use super::Arrival;
use super::replay::Played;

const PROMPT: u64 = name("prompt tokens");
const OUTPUT: u64 = name("output tokens");
const MODEL: u64 = name("model");
const STREAMED: u64 = name("streamed");
const SESSION: u64 = name("session");
const TOPIC: u64 = name("topic");
const TALK: u64 = name("model of a conversation");

/// Draws what the requests of a class ask.
#[derive(Debug)]
pub(super) struct Ask {
    prompt: TokenSampler,
    output: TokenSampler,
    max_tokens: u32,
    models: Choice,
    topics: Choice,
    streamed: f64,
    sessions: u32,
    blocks: Option<Arc<BlockTree>>,
}

impl Ask {
    pub(super) fn new(class: &Class) -> Self {
        Self {
            prompt: TokenSampler::new(&class.prompt),
            output: TokenSampler::new(&class.output),
            max_tokens: class.max_tokens,
            models: Choice::new(&class.models),
            topics: Choice::new(&class.topics),
            streamed: class.streamed,
            sessions: class.sessions,
            blocks: match &class.arrivals {
                Arrivals::Trace(replay) => replay.blocks.clone(),
                Arrivals::Open { .. } | Arrivals::Closed { .. } => None,
            },
        }
    }

    /// The open conversations of the class, if it has any; in closed loop one for each client.
    pub(super) fn talks(&self, class: &Class, seed: u64) -> Option<Talks> {
        let seats = match class.arrivals {
            Arrivals::Closed { clients, .. } => clients,
            Arrivals::Open { .. } | Arrivals::Trace(_) => self.sessions,
        };
        Some(Talks::new(class.conversation?, seats, seed, &self.prompt, &self.output))
    }

    /// Makes a request the next turn of a conversation, which keeps to one model.
    pub(super) fn goes_on(&self, arrival: &mut Arrival, talks: &mut Talks, is_closed: bool) {
        let seat = if is_closed { arrival.client } else { arrival.session as u32 };
        let turn = talks.turn(seat, arrival.luck, arrival.prompt, arrival.output);
        (arrival.prompt, arrival.session, arrival.chain) = (turn.prompt, turn.session, turn.chain);
        arrival.model = self.models.pick(mix(turn.session, TALK), MODEL);
    }

    /// A request from a log, with its part of the log's blocks and who it is from as far as they tell.
    #[inline]
    pub(super) fn replayed(&self, at: Time, luck: u64, row: &Played) -> Arrival {
        let arrival = self.traced(at, luck, row.prompt, row.output);
        match &self.blocks {
            Some(tree) if row.leaf != 0 => {
                let session = mix(u64::from(tree.session(row.leaf)), u64::from(row.copy));
                let chain = Chain::Logged { leaf: row.leaf, copy: row.copy };
                Arrival { session, chain, ..arrival }
            }
            _ => arrival,
        }
    }

    #[inline]
    pub(super) fn draw(&self, at: Time, luck: u64) -> Arrival {
        let prompt = self.prompt.draw(mix(luck, PROMPT));
        let output = self.output.draw(mix(luck, OUTPUT));
        self.traced(at, luck, prompt, output)
    }

    /// Session and topic of the request with this luck.
    pub(super) fn who(&self, luck: u64) -> (u64, u16) {
        let session = match self.sessions {
            0 => luck,
            n => u64::from(crate::engine::luck::below(mix(luck, SESSION), n)),
        };
        (session, self.topics.pick(luck, TOPIC))
    }

    /// A request whose tokens a trace brings.
    #[inline]
    pub(super) fn traced(&self, at: Time, luck: u64, prompt: u32, output: u32) -> Arrival {
        let (session, topic) = self.who(luck);
        Arrival {
            at,
            luck,
            session,
            class: 0,
            model: self.models.pick(luck, MODEL),
            topic,
            streamed: self.streamed >= 1.0
                || (self.streamed > 0.0 && unit(mix(luck, STREAMED)) < self.streamed),
            prompt,
            output: output.min(self.max_tokens),
            max_tokens: self.max_tokens,
            client: 0,
            chain: Chain::Own,
        }
    }
}

/// A weighted choice: all but the last with the probability that a draw must be below; then the
/// last.
#[derive(Debug)]
struct Choice {
    firsts: Vec<(f64, u16)>,
    last: u16,
}

impl Choice {
    /// An empty list always chooses 0.
    fn new(shares: &[(u16, f64)]) -> Self {
        let Some(((last, _), firsts)) = shares.split_last() else {
            return Self { firsts: Vec::new(), last: 0 };
        };
        let mut sum = 0.0;
        let firsts = firsts.iter().map(|&(item, share)| {
            sum += share;
            (sum, item)
        });
        Self { firsts: firsts.collect(), last: *last }
    }

    #[inline]
    fn pick(&self, luck: u64, purpose: u64) -> u16 {
        if self.firsts.is_empty() {
            return self.last;
        }
        let draw = unit(mix(luck, purpose));
        self.firsts.iter().find(|first| draw < first.0).map_or(self.last, |first| first.1)
    }
}
