//! What one account has cached of one model: names of blocks, the least lately used one leaving first.

use std::collections::BTreeMap;

use crate::engine::{Span, Time};

/// No block.
const NONE: u32 = u32::MAX;

/// The cache of an account. At most as many blocks as [`Shelf::keep`] is told, about 70 bytes each.
#[derive(Debug)]
pub(super) struct Shelf {
    ttl: Span,
    at: BTreeMap<u64, u32>,
    blocks: Vec<Block>,
    free: Vec<u32>,
    /// Ends of the list by use.
    newest: u32,
    oldest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    name: u64,
    /// It can be read from here on: when the answer that wrote it began.
    ready: Time,
    /// It is gone if nobody reads it until then.
    until: Time,
    newer: u32,
    older: u32,
}

impl Shelf {
    pub(super) fn new(ttl: Span) -> Self {
        let (at, blocks, free) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { ttl, at, blocks, free, newest: NONE, oldest: NONE }
    }

    /// How many of these blocks, from the first on, can be read now.
    pub(super) fn held(&self, now: Time, names: &[u64]) -> usize {
        let is_held = |name: &&u64| {
            self.at.get(name).is_some_and(|at| {
                let block = &self.blocks[*at as usize];
                block.ready <= now && now < block.until
            })
        };
        names.iter().take_while(is_held).count()
    }

    /// Keeps these blocks, which are read now, or written and there to be read from `ready` on; then lets go of
    /// what nobody read for too long, and of the least lately read beyond `most`.
    pub(super) fn keep(&mut self, now: Time, ready: Time, names: &[u64], most: usize) {
        // The first block is read last, so that a beginning outlives what follows it.
        for name in names.iter().rev() {
            let at = match self.at.get(name).copied() {
                Some(at) => {
                    self.unlink(at);
                    let block = &mut self.blocks[at as usize];
                    if block.until <= now {
                        block.ready = ready;
                    }
                    // Two that write it at once: the first to answer has it there.
                    block.ready = block.ready.min(ready);
                    block.until = block.until.max(now.max(block.ready) + self.ttl);
                    at
                }
                None => self.insert(*name, ready),
            };
            self.link(at);
        }
        while self.oldest != NONE {
            let block = self.blocks[self.oldest as usize];
            if self.at.len() <= most && now < block.until {
                break;
            }
            let at = self.oldest;
            self.unlink(at);
            self.at.remove(&block.name);
            self.free.push(at);
        }
    }

    fn insert(&mut self, name: u64, ready: Time) -> u32 {
        let until = ready + self.ttl;
        let block = Block { name, ready, until, newer: NONE, older: NONE };
        let at = match self.free.pop() {
            Some(at) => {
                self.blocks[at as usize] = block;
                at
            }
            None => {
                self.blocks.push(block);
                (self.blocks.len() - 1) as u32
            }
        };
        self.at.insert(name, at);
        at
    }

    /// Makes a block the newest.
    fn link(&mut self, at: u32) {
        self.blocks[at as usize].newer = NONE;
        self.blocks[at as usize].older = self.newest;
        match self.newest {
            NONE => self.oldest = at,
            newest => self.blocks[newest as usize].newer = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let Block { newer, older, .. } = self.blocks[at as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.blocks[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.blocks[older as usize].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Span = Span::from_secs(300);
    const ALL: usize = 100;

    fn s(seconds: u64) -> Time {
        Time::from_secs(seconds)
    }

    #[test]
    fn what_was_written_is_there_when_its_answer_began_and_goes_when_nobody_reads_it() {
        let mut shelf = Shelf::new(TTL);
        shelf.keep(s(0), s(2), &[1, 2, 3], ALL);
        assert_eq!(shelf.held(s(1), &[1, 2, 3]), 0, "no answer has begun");
        assert_eq!(shelf.held(s(2), &[1, 2, 3]), 3);
        assert_eq!(shelf.held(s(2), &[1, 9, 3]), 1, "as far as they are the same");
        assert_eq!(shelf.held(s(301), &[1, 2, 3]), 3);
        assert_eq!(shelf.held(s(302), &[1, 2, 3]), 0, "five minutes later");
        // Reading refreshes what was read, and only that.
        shelf.keep(s(200), s(201), &[1, 2], ALL);
        assert_eq!(shelf.held(s(499), &[1, 2, 3]), 2);
        assert_eq!(shelf.held(s(500), &[1, 2]), 0);
    }

    #[test]
    fn a_block_that_was_gone_is_written_anew() {
        let mut shelf = Shelf::new(TTL);
        shelf.keep(s(0), s(1), &[1], ALL);
        shelf.keep(s(400), s(405), &[1], ALL);
        assert_eq!(shelf.held(s(404), &[1]), 0);
        assert_eq!(shelf.held(s(405), &[1]), 1);
    }

    #[test]
    fn what_was_least_lately_read_goes_first_and_ends_before_beginnings() {
        let mut shelf = Shelf::new(TTL);
        shelf.keep(s(0), s(0), &[1, 2, 3], 4);
        shelf.keep(s(1), s(1), &[11, 12], 4);
        assert_eq!((shelf.held(s(1), &[1, 2, 3]), shelf.held(s(1), &[11, 12])), (2, 2));
        shelf.keep(s(2), s(2), &[1, 2], 4);
        shelf.keep(s(3), s(3), &[21, 22, 23], 4);
        assert_eq!((shelf.held(s(3), &[1, 2]), shelf.held(s(3), &[21, 22, 23])), (1, 3));
        assert!(shelf.blocks.len() <= 8, "slots are used again");
    }
}
