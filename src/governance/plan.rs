//! Who is limited: a configuration, with indices in the place of names.
//!
//! Deny by default: a key without provider configurations may do nothing, a configuration without models
//! serves none.

use std::fmt;

use crate::engine::Time;

use super::limit::Limit;

/// Everything that a ledger is made from. Indices point into the lists of this plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Names of providers.
    pub providers: Vec<String>,
    /// Names of models.
    pub models: Vec<String>,
    /// Customers: name and limits.
    pub customers: Vec<(String, Vec<Limit>)>,
    /// Teams.
    pub teams: Vec<Team>,
    /// Virtual keys.
    pub keys: Vec<VirtualKey>,
    /// Limits of a provider for everybody: (provider, limit).
    pub provider_limits: Vec<(u16, Limit)>,
    /// Limits of models.
    pub model_limits: Vec<ModelLimit>,
    /// Whether money and tokens are reserved before they are spent.
    pub charging: Charging,
    /// Seconds from 1970-01-01 UTC to [`Time::ZERO`]; calendars hang on it.
    pub epoch: u64,
}

/// What is charged, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charging {
    /// As documented: requests are counted before, tokens and money after. What is under way when a limit is
    /// reached may overshoot it; the next request is refused.
    #[default]
    PostPaid,
    /// The most that a request may cost is reserved before, and what it did not use is given back after. A
    /// limit of this node is never overshot, as long as no request uses more than was reserved for it.
    Reserved,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// The customer that it belongs to.
    pub customer: Option<u32>,
    /// Its limits.
    pub limits: Vec<Limit>,
}

/// Who a virtual key belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// Nobody.
    #[default]
    Nobody,
    /// A team, and through it perhaps a customer.
    Team(u32),
    /// A customer.
    Customer(u32),
}

/// A virtual key: what a client presents.
#[derive(Clone, Debug, PartialEq)]
pub struct VirtualKey {
    /// Its name.
    pub name: String,
    /// Who it belongs to.
    pub owner: Owner,
    /// Whether it may be used at all.
    pub active: bool,
    /// From when on it may not be used any more.
    pub expires: Option<Time>,
    /// What it may use, at most 64 providers.
    pub configs: Vec<ProviderConfig>,
    /// Its limits.
    pub limits: Vec<Limit>,
}

/// What a virtual key may use of one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    /// The provider.
    pub provider: u16,
    /// Share of a weighted draw: 0 = a fallback only, `None` = neither drawn nor a fallback.
    pub weight: Option<f64>,
    /// Models that it may ask for.
    pub models: List<u16>,
    /// Models that it may not ask for, whatever `models` says.
    pub blacklist: Vec<u16>,
    /// Keys of the provider that may serve it.
    pub keys: List<String>,
    /// Limits of the key at this provider.
    pub limits: Vec<Limit>,
}

/// What is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List<T> {
    /// Everything.
    All,
    /// These; nothing, if there are none.
    Only(Vec<T>),
}

impl<T> List<T> {
    /// Whether something is on it.
    pub fn has<Q: ?Sized + PartialEq>(&self, what: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
    {
        match self {
            Self::All => true,
            Self::Only(list) => list.iter().any(|one| one.borrow() == what),
        }
    }
}

/// A limit of a model, or of all models.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelLimit {
    /// For whom.
    pub scope: Scope,
    /// The model; `None` = all of them together.
    pub model: Option<u16>,
    /// At this provider only.
    pub provider: Option<u16>,
    /// How much.
    pub limit: Limit,
}

/// For whom a limit of a model holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// For everybody together.
    Global,
    /// For one virtual key.
    Key(u32),
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A provider's, for everybody.
    Provider(u16),
    /// A model's (`None` = of all models), for everybody or for a key, at one provider if one is named.
    Model(Scope, Option<u16>, Option<u16>),
    /// A virtual key's at one provider: (key, provider).
    Config(u32, u16),
    /// A virtual key's.
    Key(u32),
    /// A team's.
    Team(u32),
    /// A customer's.
    Customer(u32),
}

impl Plan {
    /// The name of an owner, with what it is: team `research`.
    pub fn name(&self, whose: Whose) -> String {
        let key = |key: u32| &self.keys[key as usize].name;
        let provider = |provider: u16| &self.providers[usize::from(provider)];
        let model = |model: Option<u16>| match model {
            Some(model) => format!("model `{}`", self.models[usize::from(model)]),
            None => "all models".to_owned(),
        };
        match whose {
            Whose::Provider(at) => format!("provider `{}`", provider(at)),
            Whose::Model(scope, of, at) => {
                let whom = match scope {
                    Scope::Global => String::new(),
                    Scope::Key(at) => format!(" for key `{}`", key(at)),
                };
                let place = at.map(|at| format!(" at `{}`", provider(at))).unwrap_or_default();
                format!("{}{whom}{place}", model(of))
            }
            Whose::Config(at, of) => format!("key `{}` at `{}`", key(at), provider(of)),
            Whose::Key(at) => format!("key `{}`", key(at)),
            Whose::Team(at) => format!("team `{}`", self.teams[at as usize].name),
            Whose::Customer(at) => format!("customer `{}`", self.customers[at as usize].0),
        }
    }
}

/// A plan contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError(pub(super) String);

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PlanError {}
