//! How the metrics answer to parameters: axes, the points of a design, their runs, and what follows from them.

pub mod axis;
pub mod boundary;
pub mod design;
pub mod plan;
mod sensitivity;
mod summary;

pub use axis::Axis;
pub use boundary::{axis_of, boundary};
pub use design::Design;
pub use plan::{Asked, SweepError, SweepPlan};
pub use summary::summary;
