//! Why a request is refused: which limit, of whom, until when.

use crate::engine::Time;

use super::limit::Kind;
use super::plan::{Plan, Whose};

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub reason: Reason,
    /// Whose limit it was; `None` where no limit is the reason.
    pub whose: Option<Whose>,
    /// When the window of that limit ends; `None` where waiting does not help.
    pub until: Option<Time>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// There is no such virtual key.
    UnknownKey,
    /// The virtual key has been switched off.
    InactiveKey,
    /// The virtual key has expired.
    ExpiredKey,
    /// The virtual key may use no provider (that was asked for).
    ProviderBlocked,
    /// The virtual key may not use this model.
    ModelBlocked,
    /// Too many requests in this window.
    Requests,
    /// Too many tokens in this window.
    Tokens,
    /// Too much money in this window.
    Budget,
}

impl Reason {
    /// All of them, in the order in which they are looked for.
    pub const ALL: [Self; 8] = [
        Self::UnknownKey,
        Self::InactiveKey,
        Self::ExpiredKey,
        Self::ProviderBlocked,
        Self::ModelBlocked,
        Self::Requests,
        Self::Tokens,
        Self::Budget,
    ];

    /// The HTTP status of the answer: 402 for money, 429 for rates, 403 for what is not allowed.
    pub const fn status(self) -> u16 {
        match self {
            Self::Budget => 402,
            Self::Requests | Self::Tokens => 429,
            _ => 403,
        }
    }

    /// The type in the answer's body, as the gateway names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownKey => "virtual_key_not_found",
            Self::InactiveKey => "virtual_key_blocked",
            Self::ExpiredKey => "virtual_key_expired",
            Self::ProviderBlocked => "provider_blocked",
            Self::ModelBlocked => "model_blocked",
            Self::Requests => "request_limited",
            Self::Tokens => "token_limited",
            Self::Budget => "budget_exceeded",
        }
    }

    /// The reason that a limit of this kind gives.
    pub(super) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Requests => Self::Requests,
            Kind::Tokens => Self::Tokens,
            Kind::Budget => Self::Budget,
        }
    }
}

impl Denial {
    pub(super) const fn of_key(reason: Reason, key: u32) -> Self {
        Self { reason, whose: Some(Whose::Key(key)), until: None }
    }

    /// The HTTP status of the answer.
    pub const fn status(&self) -> u16 {
        self.reason.status()
    }

    /// The refusal in words, with the names of a plan.
    pub fn text(&self, plan: &Plan) -> String {
        let whose = self.whose.map(|whose| format!(" of {}", plan.name(whose))).unwrap_or_default();
        let until = self.until.map(|until| format!(", until {until}")).unwrap_or_default();
        format!("{} {}{whose}{until}", self.status(), self.reason.name())
    }
}
