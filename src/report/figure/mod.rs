//! A run to pages: what each figure shows, without drawing it. One figure a file.

pub mod compare;
pub mod front;
pub mod gates;
pub mod goodput;
pub mod groups;
pub mod health;
pub mod latency;
pub mod overhead;
pub mod parts;
pub mod recovery;
pub mod share;
pub mod sweep;
pub mod time;
pub mod together;
pub mod weights;
