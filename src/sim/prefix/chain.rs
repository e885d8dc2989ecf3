//! A prompt as a chain of blocks.

use crate::engine::luck::{mix, name};

use super::tree::{BlockTree, LOGGED_BLOCK};

/// Tokens of a block of a drawn prompt: the steps in which OpenAI and Azure report hits.
pub(super) const BLOCK: u32 = 128;

const SYSTEM: u64 = name("system prompt");
const TALK: u64 = name("conversation");
const LOGGED: u64 = name("logged block");

/// What a prompt is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chain {
    /// It has nothing in common with any other.
    #[default]
    Own,
    /// A system prompt that others have too, then what was said in one conversation.
    Talk {
        /// Which system prompt of its class.
        system: u32,
        /// How many tokens that has.
        shared: u32,
        /// Which conversation of its class.
        talk: u64,
    },
    /// What a log says.
    Logged {
        /// Its last block in the log's tree.
        leaf: u32,
        /// Which copy of the log's row it is: copies have nothing in common.
        copy: u32,
    },
}

impl Chain {
    /// Names of the blocks of a prompt of a class, first to last, into `names`; gives the tokens of a block. Of drawn
    /// prompts whole blocks only; of a log as many as it names.
    pub(super) fn blocks(
        self,
        prompt: u32,
        class: u16,
        tree: Option<&BlockTree>,
        names: &mut Vec<u64>,
    ) -> u32 {
        names.clear();
        let class = u64::from(class);
        match self {
            Self::Own => BLOCK,
            Self::Talk { system, shared, talk } => {
                let (system, talk) =
                    (mix(SYSTEM ^ class, u64::from(system)), mix(TALK ^ class, talk));
                let block = |at: u32| {
                    let of = if (at + 1) * BLOCK <= shared { system } else { talk };
                    mix(of, u64::from(at))
                };
                names.extend((0..prompt / BLOCK).map(block));
                BLOCK
            }
            Self::Logged { leaf, copy } => {
                let salt = mix(LOGGED ^ class, u64::from(copy));
                if let Some(tree) = tree {
                    names.extend(tree.up(leaf).map(|block| mix(salt, u64::from(block))));
                    names.reverse();
                }
                LOGGED_BLOCK
            }
        }
    }
}
