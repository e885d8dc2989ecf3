//! Requests: when they come and what they ask, of all client classes merged into one row in order
//! of time.
//!
//! Arrivals never depend on what a policy does (in closed loop, they depend on when it answers).
//! The luck of the n-th request of a class is the n-th word of the class's own stream; in closed
//! loop it is mixed from the client and its n-th request. All that the request asks is mixed from
//! its luck.

mod ask;
mod closed;
pub(crate) mod gaps;
mod mean;
pub(crate) mod open;
mod rate;
pub mod replay;

use crate::engine::Time;

use super::prefix::{Chain, Talks};
use super::spec::{Arrivals, Spec};
use super::stream::Stream;
use crate::engine::luck::mix;

pub use mean::mean_rate;

use ask::Ask;
use closed::Closed;
use open::Open;
use replay::Player;

/// A request as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Time,
    /// Its 64 bits of luck; every draw about it is mixed from them.
    pub luck: u64,
    /// Its session; the request's luck where the class has no sessions.
    pub session: u64,
    /// Index of its class.
    pub class: u16,
    /// Index of the model asked for.
    pub model: u16,
    /// Topic of the prompt.
    pub topic: u16,
    /// Whether the answer is streamed.
    pub streamed: bool,
    /// Prompt tokens, ≥ 1.
    pub prompt: u32,
    /// Tokens that the answer will have, ≥ 1, already cut to `max_tokens`.
    pub output: u32,
    /// The cap that the client sends.
    pub max_tokens: u32,
    /// Number of the client in a closed-loop class, else 0.
    pub client: u32,
    /// What its prompt is made of.
    pub chain: Chain,
}

/// All arrivals of a run, in order of time; ties in order of class.
#[derive(Debug)]
pub struct Workload {
    classes: Vec<Class>,
    /// The class whose next arrival is the earliest, and when that is.
    next: (Time, usize),
}

#[derive(Debug)]
struct Class {
    source: Source,
    ask: Ask,
    /// What its requests continue, if they do.
    talks: Option<Box<Talks>>,
    luck: Stream,
    /// When its next request comes.
    at: Time,
}

#[derive(Debug)]
enum Source {
    Open(Box<Open>),
    Closed(Closed),
    Trace(Box<Player>),
}

impl Workload {
    /// The arrivals of this world under this seed.
    pub fn new(spec: &Spec, seed: u64) -> Self {
        let classes = spec.classes.iter().enumerate().map(|(index, class)| {
            let entity = index as u64;
            let source = match &class.arrivals {
                Arrivals::Open { gaps, rate } => {
                    Source::Open(Box::new(Open::new(*gaps, rate, seed, entity)))
                }
                Arrivals::Closed { clients, think } => {
                    Source::Closed(Closed::new(*clients, *think, seed, entity))
                }
                Arrivals::Trace(replay) => {
                    Source::Trace(Box::new(Player::new(replay, seed, entity)))
                }
            };
            let luck = Stream::new(seed, "requests", entity);
            let at = source.peek();
            let ask = Ask::new(class);
            let talks = ask.talks(class, mix(seed, entity)).map(Box::new);
            Class { source, ask, talks, luck, at }
        });
        let mut workload = Self { classes: classes.collect(), next: (Time::NEVER, 0) };
        workload.seek();
        workload
    }

    /// When the next request arrives; [`Time::NEVER`] if none does.
    #[inline]
    pub fn peek(&self) -> Time {
        self.next.0
    }

    /// Takes the next request. Must not be called when [`Workload::peek`] says never.
    #[inline]
    pub fn pop(&mut self) -> Arrival {
        let (at, index) = self.next;
        debug_assert!(at < Time::NEVER, "nothing arrives any more");
        let class = &mut self.classes[index];
        let mut arrival = match &mut class.source {
            Source::Open(open) => {
                open.pop();
                class.ask.draw(at, class.luck.next())
            }
            Source::Closed(closed) => {
                let (client, luck) = closed.pop();
                Arrival { client, ..class.ask.draw(at, luck) }
            }
            Source::Trace(player) => {
                let row = player.pop();
                class.ask.replayed(at, class.luck.next(), &row)
            }
        };
        if let Some(talks) = &mut class.talks {
            class.ask.goes_on(&mut arrival, talks, matches!(class.source, Source::Closed(_)));
        }
        class.at = class.source.peek();
        self.seek();
        Arrival { class: index as u16, ..arrival }
    }

    /// Session and topic of the request of this class with this luck, as it arrived with them.
    pub fn who(&self, class: u16, luck: u64) -> (u64, u16) {
        self.classes[usize::from(class)].ask.who(luck)
    }

    /// A request of this class and client got its result: in closed loop the client starts to think.
    pub fn answered(&mut self, now: Time, class: u16, client: u32) {
        let index = usize::from(class);
        if let Source::Closed(closed) = &mut self.classes[index].source {
            closed.answered(now, client);
            self.classes[index].at = self.classes[index].source.peek();
            self.seek();
        }
    }

    /// Finds the class that is next; the first of those that tie.
    #[inline]
    fn seek(&mut self) {
        self.next = (Time::NEVER, 0);
        for (index, class) in self.classes.iter().enumerate() {
            if class.at < self.next.0 {
                self.next = (class.at, index);
            }
        }
    }
}

impl Source {
    #[inline]
    fn peek(&self) -> Time {
        match self {
            Self::Open(open) => open.peek(),
            Self::Closed(closed) => closed.peek(),
            Self::Trace(player) => player.peek(),
        }
    }
}

#[cfg(test)]
mod tests;
