//! Blocks of a log's prompts, as a tree: the name of a block stands for all that comes before it, so it has one
//! block before it and a prompt is named by its last block alone. About 50 bytes a distinct block.

use std::collections::BTreeMap;

/// Tokens of a block of a log (Mooncake FAST'25 traces: `hash_ids` of 512 tokens each).
pub(super) const LOGGED_BLOCK: u32 = 512;

/// Most distinct blocks of a log (our choice): 16 million, 800 MB.
const BLOCKS_MAX: usize = 16 << 20;

/// A block that more than this part of all rows begin with is a system prompt, and says nothing of who asks (our
/// choice).
const COMMON: u32 = 10;

/// The blocks of a log.
#[derive(Debug)]
pub struct BlockTree {
    /// By block: the one before it (itself at the beginning), and how many rows have it.
    blocks: Vec<(u32, u32)>,
    of: BTreeMap<u64, u32>,
    rows: u32,
}

/// A tree while its log is read.
#[derive(Debug)]
pub struct Growing(BlockTree);

impl Default for Growing {
    fn default() -> Self {
        // Block 0 is no block: the end of a row without any.
        Self(BlockTree { blocks: vec![(0, 0)], of: BTreeMap::new(), rows: 0 })
    }
}

impl Growing {
    /// Adds the blocks of a row, first to last. A block that stood behind another one before stays there. Blocks
    /// beyond the most that are kept are left out.
    pub fn add(&mut self, ids: &[u64]) {
        let BlockTree { blocks, of, rows } = &mut self.0;
        *rows = rows.saturating_add(1);
        let mut before = 0;
        for id in ids {
            let at = match of.get(id) {
                Some(at) => *at,
                None if blocks.len() > BLOCKS_MAX => return,
                None => {
                    let at = blocks.len() as u32;
                    blocks.push((before, 0));
                    of.insert(*id, at);
                    at
                }
            };
            blocks[at as usize].1 += 1;
            before = at;
        }
    }

    /// The tree of all rows.
    pub fn done(self) -> BlockTree {
        self.0
    }
}

impl BlockTree {
    /// The block of this name; 0 for none.
    pub fn leaf(&self, id: Option<u64>) -> u32 {
        id.and_then(|id| self.of.get(&id)).copied().unwrap_or(0)
    }

    /// Distinct blocks.
    pub fn len(&self) -> usize {
        self.blocks.len() - 1
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A block and all before it, last to first.
    pub fn up(&self, leaf: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = leaf;
        std::iter::from_fn(move || {
            let here = at;
            at = self.blocks[here as usize].0;
            (here != 0).then_some(here)
        })
    }

    /// Whose prompt it is that ends so, as far as a log without names can say: the first block of it that at most a
    /// tenth of all rows have.
    pub fn session(&self, leaf: u32) -> u32 {
        let own = |block: &u32| self.blocks[*block as usize].1 <= self.rows / COMMON;
        self.up(leaf).take_while(own).last().unwrap_or(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_named_by_its_last_block_and_belongs_to_its_first_own_one() {
        let mut growing = Growing::default();
        let rows: Vec<Vec<u64>> = (0..40)
            .flat_map(|talk| (0..3).map(move |turn| (talk, turn)))
            .map(|(talk, turn)| {
                let own = (0..=turn).map(|block| 100 + talk * 10 + block);
                std::iter::once(7).chain(own).collect()
            })
            .collect();
        rows.iter().for_each(|row| growing.add(row));
        let tree = growing.done();
        assert_eq!(tree.len(), 1 + 40 * 3);
        for row in &rows {
            let leaf = tree.leaf(row.last().copied());
            let mut up: Vec<u32> = tree.up(leaf).collect();
            up.reverse();
            let ids: Vec<u32> = row.iter().map(|id| tree.leaf(Some(*id))).collect();
            assert_eq!(up, ids);
            assert_eq!(tree.session(leaf), tree.leaf(Some(row[1])), "the system prompt is skipped");
        }
        assert_eq!((tree.leaf(None), tree.leaf(Some(1))), (0, 0));
        assert_eq!(tree.up(0).count(), 0);
    }
}
