//! Who may use what, and how much of it: customer → team → virtual key → provider configuration.
//!
//! No clock, no I/O, no hashing, no allocation on the path of a request: time is an argument, names become
//! indices when a [`Plan`] is compiled into a [`Ledger`]. The life of a charge:
//!
//! ```text
//!  admit ──▶ which provider configurations of the key may serve the request now, or a Denial
//!    │           (402, 403 or 429; which limit, of whom, until when)
//!  reserve ─▶ Hold: the request is counted, and with Charging::Reserved the most that it may cost
//!    │
//!  settle ──▶ tokens and money as they were, at every level at once      (or release: nothing was used)
//! ```
//!
//! A hold is one attempt of one request; settling it twice charges once. Levels count independently and are
//! charged the same. The rules are those of the published gateway (docs.getbifrost.ai, Governance, 2026, and
//! the governance plugin of its open source); what differs is said where it does.
//!
//! Reading order: [`Window`] and [`Limit`] (what is limited), [`Plan`] (who is limited), [`Ledger`] (the object a
//! node holds), [`Denial`], [`Usage`] (what nodes tell each other).

mod calendar;
mod clock;
mod compile;
mod counts;
mod denial;
mod hold;
mod ledger;
mod limit;
mod meter;
mod money;
mod plan;
#[cfg(feature = "rules")]
mod rules;
mod sharing;
mod state;
mod weight;
mod window;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod ledger_tests;
#[cfg(test)]
mod sharing_tests;

pub use denial::{Denial, Reason};
pub use hold::Hold;
pub use ledger::{Eligible, Ledger, Need, Spent};
pub use limit::{Kind, Limit};
pub use meter::Reading;
pub use money::NanoUsd;
pub use plan::{
    Charging, List, ModelLimit, Owner, Plan, PlanError, ProviderConfig, Scope, Team, VirtualKey,
    Whose,
};
#[cfg(feature = "rules")]
pub use rules::{Facts, Rule, RuleError, RuleScope, Rules};
pub use sharing::Usage;
pub use state::State;
pub use weight::{draw, fallbacks};
pub use window::{Length, Window};
