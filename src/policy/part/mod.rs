//! Parts that policies are built from.

mod backoff;
mod candidates;
mod retry_budget;
mod throttle;

pub use backoff::{Backoff, Growth};
pub use candidates::{Candidates, least, uniform};
pub use retry_budget::RetryBudget;
pub use throttle::Throttle;
