//! The adaptive balancer that a gateway embeds.
//!
//! No clock, no I/O, no threads, no globals, no random generator: time is an argument, chance is an argument.
//! [`Engine`] is the object to hold; the call order is in its documentation.
//!
//! Two levels: providers are weighed, then the keys of each. Each has a score of four parts (`score`):
//! error penalty, token-aware latency (`latency`), utilization, and a momentum bonus; the score becomes a
//! weight, the weight a probability (`select`). Four health states (`health`) and held keys (`hold`)
//! decide who takes part at all. Everything slow happens in [`Engine::tick`], which publishes an immutable
//! snapshot; deciding and reporting threads meet only atomics (`cell`).

mod balancer;
mod cell;
mod check;
mod choice;
mod config;
mod explain;
mod feedback;
mod flight;
mod health;
mod hold;
mod holding;
mod identity;
mod latency;
pub mod luck;
mod openmetrics;
mod outcome;
mod param;
mod params;
mod publish;
mod score;
mod select;
mod sharing;
mod silence;
mod snapshot;
mod sync;
mod tick;
mod time;
mod track;
mod window;

pub use balancer::{Engine, View};
pub use choice::How;
pub use config::{Config, ConfigError, Entry};
pub use explain::{
    Chosen, Drawing, Explanation, Fate, Flip, Inputs, Lever, ProviderInput, RouteInput, Windowed,
};
pub use flight::{
    Damage, Decided, FlightRecorder, MAGIC as FLIGHT_MAGIC, OwnedNeed, Replay, Replayed,
};
pub use health::{Health, Reason};
pub use hold::{Hold, HoldClass};
pub use identity::{Allowed, ModelKey, Need, NoRoute, Past, ProviderKey, Route, RouteKey, Ticket};
pub use openmetrics::OPENMETRICS_TYPE;
pub use outcome::{Limits, Outcome, Refusal};
pub use param::{Param, ParamError, Settings, Unit};
pub use params::{PARAMS, PRESETS, Params, Preset};
pub use score::{Parts, blended_error, error_penalty, momentum, utilization_penalty};
pub use sharing::{HoldReport, Report, RouteReport};
pub use tick::Change;
pub use time::{Span, Time};
pub use window::Tally;
