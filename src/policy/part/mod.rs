//! Parts that policies are built from.

mod backoff;
mod candidates;
mod max_fails;
mod retry_budget;
mod sliding;
mod throttle;
mod weighted;

pub use backoff::{Backoff, Growth};
pub use candidates::{Candidates, least, uniform};
pub use max_fails::{MaxFails, MaxFailsRule};
pub use retry_budget::RetryBudget;
pub use sliding::Sliding;
pub use throttle::Throttle;
pub use weighted::weighted;
