//! What servers report to policies that see it, and what the world tells the oracle.
//!
//! Both are counted only for policies that declare it ([`Sees`]); to all others the world is silent.

use std::collections::VecDeque;

use crate::engine::{Outcome, Span, Time};
use crate::policy::{Deadline, Report, Sees, Truth};

use super::attempt::Stage;
use super::fleet::Node;
use super::spec::Client;

/// Reports under way and the books they are made from.
#[derive(Debug)]
pub(super) struct Telling {
    sees: Sees,
    /// When servers report next; `NEVER` for policies that do not listen.
    pub(super) next: Time,
    books: Vec<Report>,
    /// Reports that are not old enough yet, oldest first.
    under_way: VecDeque<(Time, Vec<Report>)>,
    truth: Vec<Truth>,
}

/// A client's deadline, as the oracle is told.
pub(super) fn deadline(client: &Client) -> Deadline {
    Deadline {
        base_s: client.deadline.as_secs_f64(),
        per_token_s: client.per_output_token.as_secs_f64(),
    }
}

/// The grid of reports where a policy asks for old ones but not how often.
const GRID: Span = Span::from_millis(100);

impl Telling {
    pub(super) fn new(sees: Sees, routes: usize) -> Self {
        let sees = match sees {
            Sees::Reports { every: Span::ZERO, delay } if delay > Span::ZERO => {
                Sees::Reports { every: GRID, delay }
            }
            other => other,
        };
        let grid = matches!(sees, Sees::Reports { every, .. } if every > Span::ZERO);
        let told = |what: bool| if what { routes } else { 0 };
        Self {
            sees,
            next: if grid { Time::ZERO } else { Time::NEVER },
            books: vec![Report::default(); told(matches!(sees, Sees::Reports { .. }))],
            under_way: VecDeque::new(),
            truth: vec![Truth::default(); told(sees == Sees::Truth)],
        }
    }

    /// An attempt begins.
    #[inline]
    pub(super) fn sent(&mut self, route: u32) {
        if let Some(book) = self.books.get_mut(route as usize) {
            book.in_flight += 1;
        }
    }

    /// An attempt ended.
    #[inline]
    pub(super) fn ended(&mut self, route: u32, took: Span, outcome: Outcome) {
        if let Some(book) = self.books.get_mut(route as usize) {
            book.in_flight = book.in_flight.saturating_sub(1);
            if outcome.is_done() {
                book.done += 1;
                book.busy_s += took.as_secs_f64();
            } else {
                book.failed += 1;
            }
        }
    }

    /// Before a decision: what is told that often.
    #[inline]
    pub(super) fn before_decision(
        &mut self,
        now: Time,
        stage: &mut Stage,
        node: &mut Node,
        client: &Client,
    ) {
        match self.sees {
            Sees::Client => {}
            Sees::Reports { every, .. } => {
                if every == Span::ZERO {
                    stage.look(now);
                    stage.report(now, &mut self.books);
                    node.policy.on_reports(now, now, &self.books);
                }
            }
            Sees::Truth => {
                stage.look(now);
                stage.truth(now, node.region, &mut self.truth);
                node.policy.on_truth(now, &self.truth, deadline(client));
            }
        }
    }

    /// Servers report, and what is old enough arrives.
    pub(super) fn on_grid(&mut self, now: Time, stage: &mut Stage, nodes: &mut [Node]) {
        let Sees::Reports { every, delay } = self.sees else { return };
        stage.look(now);
        stage.report(now, &mut self.books);
        self.under_way.push_back((now, self.books.clone()));
        let mut newest = None;
        while self.under_way.front().is_some_and(|(at, _)| *at + delay <= now) {
            newest = self.under_way.pop_front();
        }
        if let Some((as_of, reports)) = newest {
            for node in nodes {
                node.policy.on_reports(now, as_of, &reports);
            }
        }
        self.next = now + every;
    }
}
