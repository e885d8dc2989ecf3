//! What is under way: one hold per attempt, in a slab whose slots are used again.
//!
//! A hold names its slot and the slot's generation. Once it is settled or released the generation moves on, so
//! a second report of the same attempt, however late, finds nothing and charges nothing.

/// One attempt of one request, as the ledger knows it. Keep it with the attempt and hand it back once; handing
/// it back twice does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

impl Hold {
    /// The hold as one word, for hosts that keep it in a tagged slot or write it down.
    pub const fn to_word(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// The hold from [`Hold::to_word`].
    pub const fn from_word(word: u64) -> Self {
        Self { slot: word as u32, generation: (word >> 32) as u32 }
    }
}

/// What was reserved for an attempt, and where: one cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Open {
    /// When, in nanoseconds since 1970: what was reserved before a window began is not in it.
    pub(super) at: u64,
    pub(super) tokens: u64,
    pub(super) cost: u64,
    /// Charged so far, of a stream.
    pub(super) tokens_charged: u64,
    pub(super) cost_charged: u64,
    /// Index of the path whose meters it is in.
    pub(super) path: u32,
    pub(super) generation: u32,
    pub(super) is_open: bool,
}

/// All holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    slots: Vec<Open>,
    free: Vec<u32>,
}

impl Holds {
    pub(super) fn open(&mut self, open: Open) -> Hold {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Open::default());
            self.slots.len() as u32 - 1
        });
        let place = &mut self.slots[slot as usize];
        let generation = place.generation;
        *place = Open { generation, is_open: true, ..open };
        Hold { slot, generation }
    }

    pub(super) fn get_mut(&mut self, hold: Hold) -> Option<&mut Open> {
        let open = self.slots.get_mut(hold.slot as usize)?;
        (open.is_open && open.generation == hold.generation).then_some(open)
    }

    pub(super) fn get(&self, hold: Hold) -> Option<&Open> {
        self.slots.get(hold.slot as usize)
    }

    /// Closes a hold; `None` if it was closed before.
    pub(super) fn close(&mut self, hold: Hold) -> Option<Open> {
        let open = self.get_mut(hold)?;
        let was = *open;
        open.is_open = false;
        open.generation = open.generation.wrapping_add(1);
        self.free.push(hold.slot);
        Some(was)
    }

    /// Those that are open, in order of their slots.
    pub(super) fn all(&self) -> impl Iterator<Item = Hold> + '_ {
        let open = self.slots.iter().enumerate().filter(|(_, open)| open.is_open);
        open.map(|(slot, open)| Hold { slot: slot as u32, generation: open.generation })
    }
}
