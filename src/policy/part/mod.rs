//! Parts that policies are built from.

mod backoff;
pub mod breaker;
mod candidates;
pub mod ewma;
mod journal;
mod peak_load;
pub mod pick;
mod retry_budget;
mod throttle;

pub use backoff::{Backoff, Growth};
pub use candidates::{Candidates, least, uniform};
pub use journal::Journal;
pub use peak_load::PeakLoads;
pub use retry_budget::RetryBudget;
pub use throttle::Throttle;
