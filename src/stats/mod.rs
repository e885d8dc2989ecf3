//! Statistics over replications: a number that is an estimate carries its interval.

pub mod bootstrap;
pub mod estimate;
pub mod flip;
pub mod paired;
pub mod sequential;

pub use bootstrap::{bca, median};
pub use estimate::{Estimate, Interval, mean, median_of, quantile, restricted_mean, wilson};
pub use flip::sign_flip;
pub use paired::{Paired, holm, letters, paired, share_a_letter};
pub use sequential::{Finding, Look, Looks, Standing};
