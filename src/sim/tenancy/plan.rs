//! Tenants as plain data: part of a [`Spec`](crate::sim::Spec).

use std::ops::Range;
use std::sync::Arc;

use crate::engine::Span;
use crate::governance::{Eligible, Plan, Rules};
use crate::policy::SetId;

/// Who may use what.
#[derive(Clone, Debug, Default)]
pub struct Tenancy {
    /// Customers, teams, keys and limits. Providers and models have the indices of the pool.
    pub plan: Plan,
    /// Tenants, each with keys of its own.
    pub tenants: Vec<Tenant>,
    /// What routing rules do.
    pub rules: Vec<Redirect>,
    /// When they do it: their conditions, in the same order. The key of a scope is the number of a tenant, whose
    /// keys are alike.
    pub conditions: Option<Arc<Rules>>,
    /// How often a node tells the others what its keys have used; `None` = each counts for itself.
    pub sync: Option<Span>,
    /// How far ahead the clock of the last process is; the first is right, the others lie evenly in between. Windows begin
    /// by a process's own clock.
    pub skew: Span,
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

/// What a routing rule does with a request that it matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// Its name.
    pub name: String,
    /// Where the request goes: one of these, each with the running sum of shares up to it; the last sum is 1.
    pub targets: Vec<(Leg, f64)>,
    /// Where it goes after that, one after the other.
    pub fallbacks: Vec<Leg>,
    /// Whether rules are asked again with what this one made of the request.
    pub chain: bool,
}

/// Where a routing rule leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// The provider; `None` = whoever it would be.
    pub provider: Option<u16>,
    /// The model; `None` = as asked.
    pub model: Option<u16>,
    /// By tenant, the routes, where a provider is named; `None` = the tenant may not use them.
    pub sets: Vec<Option<SetId>>,
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
