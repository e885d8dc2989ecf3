//! Several gateway nodes: who they are, how clients are spread over them, and what happens to them.
//!
//! Each process of each node has a policy of its own. One process is the world as it is without all this.

mod front;
mod life;
mod mesh;
mod network;
mod node;
mod rounds;
pub mod spec;

pub use node::Maker;
pub use spec::{Delay, Fleet, Network, NodeChange, NodeEvent, NodeSpec, Partition, Spread};

pub(super) use front::Front;
pub(super) use life::{configure, leave_out, next_wake, start};
pub(super) use mesh::Mesh;
pub(super) use node::Node;
pub(super) use rounds::Rounds;
