//! What prompts have in common, and what providers make of it: each account's prompt cache, with its price and
//! its effect on the first token.
//!
//! A prompt is a [`Chain`] of blocks, each named after all that stands before it, so that two prompts share a
//! beginning as far as the names of their blocks are the same. Nothing here exists unless the scenario says what
//! prompts have in common ([`Spec::has_prefixes`]): then every request under way is kept with its chain, about 50 bytes each, and
//! every account and model of a provider that caches has a `Shelf` of bounded size.

mod chain;
mod conversation;
mod shelf;
mod tree;

use crate::engine::Time;
use crate::policy::RouteInfo;

use super::spec::{Caching, Spec};

pub use chain::Chain;
pub use conversation::Conversation;
pub use tree::{BlockTree, Growing};

pub(super) use conversation::Talks;
use shelf::Shelf;

/// What an attempt found in the cache, and left there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reuse {
    /// Prompt tokens that were read from it.
    pub(super) cached: u32,
    /// Prompt tokens that are written to it, if the attempt is answered.
    pub(super) written: u32,
    /// Prompt tokens that the account's limit does not count.
    pub(super) uncounted: u32,
}

/// A request under way: what its prompt is, whose, and what its present attempt found.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    chain: Chain,
    session: u64,
    reuse: Reuse,
}

/// Everything that concerns prompts' beginnings in a run.
#[derive(Debug)]
pub(super) struct Prefixes<'a> {
    /// By slot.
    asked: Vec<Asked>,
    /// By route: its shelf, if its provider caches.
    homes: Vec<Option<u32>>,
    shelves: Vec<Shelf>,
    rules: Vec<Caching>,
    /// By class: the blocks of its log.
    trees: Vec<Option<&'a BlockTree>>,
    /// Names of the blocks of one prompt.
    names: Vec<u64>,
}

impl<'a> Prefixes<'a> {
    /// Empty shelves for a world that says what prompts have in common.
    ///
    /// Keys that share a limit pool are of one account (an organisation, a subscription, a project), and share its
    /// cache; others do not: no vendor shares caches between accounts. Models and regions never share one.
    pub(super) fn new(spec: &'a Spec) -> Option<Self> {
        if !spec.has_prefixes() {
            return None;
        }
        let mut prefixes = Self {
            asked: Vec::new(),
            homes: Vec::with_capacity(spec.pool.routes.len()),
            shelves: Vec::new(),
            rules: Vec::new(),
            trees: spec.classes.iter().map(|class| class.blocks()).collect(),
            names: Vec::new(),
        };
        let mut known: Vec<(u16, u16, &str, &str)> = Vec::new();
        for route in &spec.pool.routes {
            let rules = spec.providers[usize::from(route.provider.0)].caching;
            let Some(rules) = rules.filter(|rules| rules.capacity > 0) else {
                prefixes.homes.push(None);
                continue;
            };
            let account = (route.provider.0, route.model.0, &*route.pool, &*route.region);
            let home = known.iter().position(|known| *known == account).unwrap_or_else(|| {
                known.push(account);
                prefixes.shelves.push(Shelf::new(rules.ttl));
                prefixes.rules.push(rules);
                known.len() - 1
            });
            prefixes.homes.push(Some(home as u32));
        }
        Some(prefixes)
    }

    /// A request arrived.
    pub(super) fn arrived(&mut self, slot: u32, chain: Chain, session: u64) {
        let slot = slot as usize;
        if slot >= self.asked.len() {
            self.asked.resize(slot + 1, Asked::default());
        }
        self.asked[slot] = Asked { chain, session, reuse: Reuse::default() };
    }

    /// Whose request it is.
    pub(super) fn session(&self, slot: u32) -> u64 {
        self.asked[slot as usize].session
    }

    /// What the last attempt of a request found.
    pub(super) fn reused(&self, slot: u32) -> Reuse {
        self.asked[slot as usize].reuse
    }

    /// What an attempt at a route finds there now.
    pub(super) fn look(
        &mut self,
        now: Time,
        slot: u32,
        class: u16,
        prompt: u32,
        route: u32,
    ) -> Reuse {
        self.names.clear();
        let asked = &mut self.asked[slot as usize];
        asked.reuse = Reuse::default();
        let Some(home) = self.homes[route as usize] else { return asked.reuse };
        let rules = self.rules[home as usize];
        if prompt < rules.min {
            return asked.reuse;
        }
        let tree = self.trees[usize::from(class)];
        let block = asked.chain.blocks(prompt, class, tree, &mut self.names);
        let held = self.shelves[home as usize].held(now, &self.names) as u32;
        let whole = (self.names.len() as u32).saturating_mul(block).min(prompt);
        let cached = held.saturating_mul(block).min(prompt);
        // Less than the vendor's minimum is no hit.
        let cached = if cached < rules.min { 0 } else { cached };
        let uncounted = if rules.counts { 0 } else { cached };
        asked.reuse = Reuse { cached, written: whole - cached, uncounted };
        asked.reuse
    }

    /// The attempt that looked last is answered: its first token comes at `ready`, and with it what it wrote.
    pub(super) fn keep(&mut self, now: Time, ready: Time, route: u32) {
        let Some(home) = self.homes[route as usize] else { return };
        let blocks_max = self.rules[home as usize].capacity / u64::from(chain::BLOCK);
        self.shelves[home as usize].keep(now, ready, &self.names, blocks_max as usize);
    }

    /// What an answered attempt of a request costs, and what it would have cost without a cache; in nano-dollars.
    pub(super) fn bill(
        &self,
        slot: u32,
        route: u32,
        of: &RouteInfo,
        prompt: u32,
        output: u32,
    ) -> [u64; 2] {
        let plain = of.cost_nano_usd(prompt, output);
        let Reuse { cached, written, .. } = self.reused(slot);
        let Some(home) = self.homes[route as usize] else { return [plain; 2] };
        let Caching { read, write, .. } = self.rules[home as usize];
        let parts = u128::from(prompt - cached - written) * 1_000
            + u128::from(cached) * u128::from(read)
            + u128::from(written) * u128::from(write);
        let whole = parts * u128::from(of.price_prompt)
            + u128::from(output) * u128::from(of.price_output) * 1_000;
        [u64::try_from(whole.div_ceil(1_000_000_000)).unwrap_or(u64::MAX), plain]
    }
}

#[cfg(test)]
mod tests;
