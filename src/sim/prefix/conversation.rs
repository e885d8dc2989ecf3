//! Conversations: prompts that grow from turn to turn, behind a system prompt that many share.
//!
//! A class keeps a number of conversations open (its `sessions`; in closed loop one for each client). A request is
//! the next turn of one of them, and its prompt is all that was said there before and something new. When a
//! conversation is over, another one takes its place. A run begins in the middle of conversations. All of it is drawn
//! from the requests' luck and their order, so it is the same under every policy. 16 bytes an open conversation.

use crate::engine::luck::{below, mix, name, unit};
use crate::sim::tokens::TokenSampler;

use super::chain::Chain;

const OVER: u64 = name("conversation is over");
const SYSTEM: u64 = name("which system prompt");
const BEGUN: u64 = name("conversation begun before");

/// How the requests of a class hang together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversation {
    /// Mean number of turns, ≥ 1; geometric.
    pub turns: f64,
    /// Tokens of the system prompt.
    pub system: u32,
    /// How many different system prompts there are, ≥ 1; each conversation has one of them.
    pub systems: u32,
    /// Most prompt tokens: a turn that would need more begins a conversation of its own.
    pub window: u32,
}

impl Conversation {
    /// What was said before, in tokens, in a conversation that is looked at by chance.
    pub(in crate::sim) fn past(
        &self,
        luck: u64,
        message: &TokenSampler,
        output: &TokenSampler,
    ) -> u32 {
        let room = self.window.saturating_sub(self.system);
        let (mut said, mut turn) = (0u32, 0);
        loop {
            let luck = mix(luck, u64::from(turn));
            let next = said
                .saturating_add(message.draw(mix(luck, 1)))
                .saturating_add(output.draw(mix(luck, 2)));
            if unit(luck) < 1.0 / self.turns || next > room || turn >= PAST_MAX {
                return said;
            }
            (said, turn) = (next, turn + 1);
        }
    }
}

/// The open conversations of a class.
#[derive(Debug)]
pub(in crate::sim) struct Talks {
    of: Conversation,
    seats: Vec<Seat>,
}

/// A place for a conversation.
#[derive(Clone, Copy, Debug)]
struct Seat {
    /// How many there were here before.
    number: u32,
    /// What was said so far.
    said: u32,
}

/// A turn: the prompt, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Turn {
    pub(in crate::sim) prompt: u32,
    pub(in crate::sim) session: u64,
    pub(in crate::sim) chain: Chain,
}

/// Nobody's past is longer, where a run begins in the middle of it.
const PAST_MAX: u32 = 1_000;

impl Talks {
    /// `seats` open conversations, with what was said in them before the run: as many turns as a conversation has on
    /// average.
    pub(in crate::sim) fn new(
        of: Conversation,
        seats: u32,
        seed: u64,
        message: &TokenSampler,
        output: &TokenSampler,
    ) -> Self {
        let seat = |n: u32| {
            let luck = mix(seed ^ BEGUN, u64::from(n));
            // The turn that went before, and those before that.
            let last = message.draw(mix(luck, 3)).saturating_add(output.draw(mix(luck, 4)));
            Seat { number: 0, said: of.past(luck, message, output).saturating_add(last) }
        };
        Self { of, seats: (0..seats).map(seat).collect() }
    }

    /// The next turn at a seat: something new of `message` tokens, to be answered by `output` tokens.
    pub(in crate::sim) fn turn(&mut self, seat: u32, luck: u64, message: u32, output: u32) -> Turn {
        let Conversation { turns, system, systems, window } = self.of;
        let place = &mut self.seats[seat as usize];
        let all = system.saturating_add(place.said).saturating_add(message);
        if all > window || (place.said > 0 && unit(mix(luck, OVER)) < 1.0 / turns) {
            *place = Seat { number: place.number.wrapping_add(1), said: 0 };
        }
        let prompt = system.saturating_add(place.said).saturating_add(message).min(window);
        place.said = place.said.saturating_add(message).saturating_add(output);
        let talk = u64::from(place.number) << 32 | u64::from(seat);
        let system_of = below(mix(talk, SYSTEM), systems);
        let chain = Chain::Talk { system: system_of, shared: system, talk };
        Turn { prompt, session: talk, chain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::spec::Tokens;

    const OF: Conversation = Conversation { turns: 5.0, system: 1_000, systems: 3, window: 20_000 };

    fn talks(seats: u32) -> Talks {
        let (message, output) = (Tokens::Constant(200), Tokens::Constant(100));
        Talks::new(OF, seats, 7, &TokenSampler::new(&message), &TokenSampler::new(&output))
    }

    #[test]
    fn prompts_grow_by_what_was_said_until_the_conversation_is_over() {
        let mut talks = talks(1);
        let (mut ends, mut last) = (0, talks.turn(0, 0, 200, 100));
        for n in 1..5_000u64 {
            let turn = talks.turn(0, mix(3, n), 200, 100);
            if turn.session == last.session {
                assert_eq!(turn.prompt, last.prompt + 300);
                assert_eq!(turn.chain, last.chain);
            } else {
                assert_eq!(turn.prompt, 1_200);
                ends += 1;
            }
            last = turn;
        }
        // 5,000 turns of 5 each: three standard errors of a geometric sum are 13 %.
        assert!((870..=1_130).contains(&ends), "{ends}");
    }

    #[test]
    fn a_run_begins_in_the_middle_and_no_prompt_exceeds_the_window() {
        let mut talks = talks(2_000);
        let first: Vec<u32> =
            (0..2_000).map(|seat| talks.turn(seat, mix(2, seat.into()), 200, 100).prompt).collect();
        let mean = first.iter().map(|prompt| f64::from(*prompt)).sum::<f64>() / 2_000.0;
        // Four turns before, on average.
        assert!((mean - 1_200.0 - 4.0 * 300.0).abs() < 120.0, "{mean}");
        for n in 0..100 {
            assert!(talks.turn(0, mix(1, n), 9_000, 9_000).prompt <= 20_000);
        }
    }
}
