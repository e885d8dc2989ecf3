//! What a world is made of. To teach the generator something new: a function here that writes it into the draft.
//!
//! A feature draws from the world's dice by names of its own, writes keys that a user could write, and agrees with
//! the others through what the draft says has been decided; they run in the order of the list.

mod clients;
mod faults;
mod fleet;
mod operator;
mod policy;
mod providers;
mod rules;
mod tenants;

use super::draft::Draft;

/// All features, in order.
pub(super) static FEATURES: &[fn(&mut Draft)] = &[
    policy::policy,
    clients::clients,
    providers::providers,
    fleet::fleet,
    faults::faults,
    operator::operator,
    tenants::tenants,
    rules::rules,
];
