//! Every way to route, behind one contract.

pub mod contract;
pub mod registry;

pub use contract::*;
