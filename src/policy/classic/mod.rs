//! Rules that no vendor owns.

#[cfg(test)]
pub(in crate::policy) mod fixture;
pub mod least_outstanding;
pub mod p2c;
pub mod p2c_peak_ewma;
pub mod random;
pub mod round_robin;
pub mod smooth_weighted;
pub mod weighted_random;
