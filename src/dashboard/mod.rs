//! A live page of a running simulation, which can be disturbed while it runs.
//!
//! A session is a scenario text that grows: a fault that is injected, a threshold that is changed, a key that is
//! released become tables at its end, at the virtual time at which they were asked for, and the run is made again
//! up to that moment. So a session is a function of its text, rewinding is running again, and what is saved runs
//! to the same digest. The simulation has a thread of its own; the page gets the newest frame and never more, so
//! that a slow or dead browser costs it nothing.

mod frame;
mod page;
mod server;
mod session;

pub use frame::{Frame, Setup, Side};
pub use server::{ServeError, Served, serve};
pub use session::{Order, Session, SessionError};
