//! Closed loop: so many clients, each waiting for its answer and then thinking.
//!
//! Each client thinks before its first request too, so that they do not all ask at time zero (with
//! a think time of zero they do).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::luck::mix;
use crate::engine::{Span, Time};
use crate::sim::quantile::{Law, Table};
use crate::sim::stream::Stream;

/// The clients of one class.
#[derive(Debug)]
pub(super) struct Closed {
    /// Clients that think, by when they are done; ties in order of client.
    thinking: BinaryHeap<Reverse<(Time, u32)>>,
    /// How many requests each client has made.
    asked: Vec<u64>,
    think_s: f64,
    law: Table,
    requests: u64,
    thinks: u64,
}

impl Closed {
    pub(super) fn new(clients: u32, think: Span, seed: u64, entity: u64) -> Self {
        let mut keys = Stream::new(seed, "clients", entity);
        let mut closed = Self {
            thinking: BinaryHeap::with_capacity(clients as usize),
            asked: vec![0; clients as usize],
            think_s: think.as_secs_f64(),
            law: Table::new(Law::Exponential),
            requests: keys.next(),
            thinks: keys.next(),
        };
        for client in 0..clients {
            closed.answered(Time::ZERO, client);
        }
        closed
    }

    #[inline]
    pub(super) fn peek(&self) -> Time {
        self.thinking.peek().map_or(Time::NEVER, |next| next.0.0)
    }

    /// The client that asks next, and its request's luck.
    pub(super) fn pop(&mut self) -> (u32, u64) {
        let Reverse((_, client)) = self.thinking.pop().expect("asked only when somebody thinks");
        let luck = self.luck(self.requests, client);
        self.asked[client as usize] += 1;
        (client, luck)
    }

    /// The client begins to think.
    pub(super) fn answered(&mut self, now: Time, client: u32) {
        let think_s = self.think_s * self.law.at(self.luck(self.thinks, client));
        self.thinking.push(Reverse((now + Span::from_secs_f64(think_s), client)));
    }

    /// The client's luck for its present round.
    fn luck(&self, key: u64, client: u32) -> u64 {
        mix(mix(key, u64::from(client)), self.asked[client as usize])
    }
}
