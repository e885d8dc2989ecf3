//! Request logs: seven formats as one stream of entries, what a log looks like, and making one.
//!
//! ```text
//! file ─ table | json | parquet ─▶ slots ─ meaning (a map: which field stands where) ─▶ Entry
//!                                             ├─ Census: what `trace info` says
//!                                             ├─ rows:   what a replay plays
//!                                             └─ fit:    a scenario
//! ```
//!
//! A log is read as a stream, so a file of any length fits. [`Source::open`] finds out what it is;
//! [`load`] reads it once, says what is wrong with it by line and column, and gives rows that a replay opens
//! as often as it needs. Of JSON only the places that a map names are kept: text of prompts and
//! answers passes the parser and is gone.

mod bad;
mod census;
mod dispersion;
mod entry;
mod error;
mod field;
mod format;
mod hide;
mod json;
mod ledger;
mod meaning;
mod otlp;
#[cfg(feature = "parquet")]
mod parquet;
mod pick;
mod reader;
mod replayable;
mod slot;
mod source;
mod stamp;
mod synth;
mod table;

#[cfg(test)]
mod tests;

pub use bad::{BadRow, BadRows};
pub(crate) use census::keeps_step;
pub use census::{Census, Clock, Gap, Jump, Minutes, Quantiles, Share, Top};
pub use dispersion::{Dispersion, Spread, dispersion, replayed};
pub use entry::{Entry, Status};
pub use error::TraceError;
pub use format::TraceFormat;
pub use hide::Hide;
pub use ledger::{Deployment, Ledger, Team, write_ledger};
pub use replayable::load;
pub use source::{Choice, Source, Tally};
pub use stamp::{date, moment};
pub use synth::{Synthetic, synth};
