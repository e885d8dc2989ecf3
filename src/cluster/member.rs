//! Who a node is, as the others know it.

use foca::Identity;

/// A node in one of its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Its number, which no other node has. The host knows where it is reached.
    pub id: u32,
    /// Its region, as a number.
    pub region: u32,
    /// Which life of it: a node that was declared down comes back as the next. A host that restarts a node may
    /// begin anywhere, since it learns that it is down and goes on from there.
    pub life: u32,
}

impl Member {
    /// A node in its first life.
    pub const fn new(id: u32, region: u32) -> Self {
        Self { id, region, life: 0 }
    }
}

impl Identity for Member {
    type Addr = u32;

    fn renew(&self) -> Option<Self> {
        Some(Self { life: self.life.wrapping_add(1), ..*self })
    }

    fn addr(&self) -> u32 {
        self.id
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.life > adversary.life
    }
}
