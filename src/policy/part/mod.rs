//! Parts that policies are built from.

mod retry_budget;

pub use retry_budget::RetryBudget;
