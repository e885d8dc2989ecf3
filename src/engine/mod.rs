//! The adaptive balancer that a gateway embeds.

pub mod luck;
pub mod outcome;
pub mod param;
pub mod time;

pub use outcome::{Limits, Outcome, Refusal};
pub use param::{Param, ParamError, Settings, Unit};
pub use time::{Span, Time};
