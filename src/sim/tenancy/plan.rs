//! Tenants as plain data: part of a [`Spec`](crate::sim::Spec).

use std::ops::Range;

use crate::engine::Span;
use crate::governance::{Eligible, Plan};
use crate::policy::SetId;

/// Who may use what.
#[derive(Clone, Debug, Default)]
pub struct Tenancy {
    /// Customers, teams, keys and limits. Providers and models have the indices of the pool.
    pub plan: Plan,
    /// Tenants, each with keys of its own.
    pub tenants: Vec<Tenant>,
}

/// One tenant: virtual keys that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Its name.
    pub name: String,
    /// The class of client whose requests are all this tenant's; `None` = a share of the classes that
    /// nobody owns.
    pub class: Option<u16>,
    /// Its share of those, over the sum of all such tenants'.
    pub share: f64,
    /// Its keys in the plan.
    pub keys: Range<u32>,
    /// How uneven its keys are: the n-th gets a share of 1/n to this power.
    pub skew: f64,
    /// For each set of eligible configurations, by its bits, what requests are confined to. One entry where it
    /// is always the same.
    pub sets: Vec<SetId>,
    /// By provider, the number of its configuration; `None` = it may not be used.
    pub configs: Vec<Option<u8>>,
    /// Whether its weights are drawn from where the policy does not weigh providers itself.
    pub draws: bool,
}

impl Tenant {
    /// What requests are confined to while these configurations are eligible.
    pub fn set(&self, eligible: Eligible) -> SetId {
        let at = if self.sets.len() == 1 { 0 } else { eligible.0 as usize };
        self.sets[at]
    }
}

/// Answers that a gateway has stored, by class of client.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cache {
    /// Share of requests that are answered from it, in [0, 1].
    pub hits: f64,
    /// How long that takes.
    pub latency: Span,
}
