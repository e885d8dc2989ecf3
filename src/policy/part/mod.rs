//! Parts that policies are built from.

mod affinity;
mod backoff;
pub mod breaker;
mod candidates;
mod changes;
pub mod ewma;
mod max_fails;
mod peak_load;
pub mod pick;
mod retry_budget;
mod sliding;
mod throttle;

pub use affinity::Affinity;
pub use backoff::{Backoff, Growth};
pub use candidates::{Candidates, least, uniform};
pub use changes::Changes;
pub use max_fails::{MaxFails, MaxFailsRule};
pub use peak_load::PeakLoads;
pub use retry_budget::RetryBudget;
pub use sliding::Sliding;
pub use throttle::Throttle;
