//! Rules that no vendor owns.

pub mod random;
