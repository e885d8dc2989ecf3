//! The model world.

pub mod fault;
pub mod spec;
