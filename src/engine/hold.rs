//! Held keys: a refusal that says something lasting removes a route at once, without waiting for a rate.
//!
//! A hold ends by a check: when it is due, exactly one request is let through. If it is served, the route is
//! released to Recovering; if it is refused again for the same reason, the next rung of the ladder follows; an
//! answer of another kind leaves the rung as it is.

use super::health::{grown, jittered};
use super::luck;
use super::outcome::Refusal;
use super::params::Params;
use super::time::{Span, Time};

/// Why a key is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldClass {
    /// A lasting refusal.
    Refused(Refusal),
    /// A rate limit.
    Limited,
}

impl HoldClass {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Limited,
        Self::Refused(Refusal::Credential),
        Self::Refused(Refusal::Quota),
        Self::Refused(Refusal::ModelAccess),
        Self::Refused(Refusal::ModelGone),
        Self::Refused(Refusal::RegionBlocked),
    ];

    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Limited => "rate limited",
            Self::Refused(Refusal::Credential) => "key rejected",
            Self::Refused(Refusal::Quota) => "out of quota",
            Self::Refused(Refusal::ModelAccess) => "no model access",
            Self::Refused(Refusal::ModelGone) => "model retired",
            Self::Refused(Refusal::RegionBlocked) => "region blocked",
        }
    }

    const fn code(self) -> u32 {
        match self {
            Self::Limited => 1,
            Self::Refused(Refusal::Credential) => 2,
            Self::Refused(Refusal::Quota) => 3,
            Self::Refused(Refusal::ModelAccess) => 4,
            Self::Refused(Refusal::ModelGone) => 5,
            Self::Refused(Refusal::RegionBlocked) => 6,
        }
    }

    const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::Limited,
            2 => Self::Refused(Refusal::Credential),
            3 => Self::Refused(Refusal::Quota),
            4 => Self::Refused(Refusal::ModelAccess),
            5 => Self::Refused(Refusal::ModelGone),
            6 => Self::Refused(Refusal::RegionBlocked),
            _ => return None,
        })
    }

    /// Whether every model of the key is held, not only the one refused.
    pub(crate) const fn whole_key(self) -> bool {
        matches!(self, Self::Refused(Refusal::Credential | Refusal::Quota))
    }

    const fn cap(self, params: &Params) -> f64 {
        match self {
            Self::Limited => params.hold_cap_limited,
            Self::Refused(Refusal::Credential) => params.hold_cap_credential,
            Self::Refused(Refusal::Quota) => params.hold_cap_quota,
            Self::Refused(Refusal::ModelAccess) => params.hold_cap_access,
            Self::Refused(Refusal::ModelGone) => params.hold_cap_gone,
            Self::Refused(Refusal::RegionBlocked) => params.hold_cap_region,
        }
    }
}

/// A refusal as one word, never 0: the hint in seconds, rounded up (0 = none, at most 18 hours), then the class.
pub(crate) fn refusal_word(class: HoldClass, hint: Option<Span>) -> u32 {
    let hint = hint.map_or(0, |hint| hint.0.div_ceil(1_000_000_000).clamp(1, 0xffff));
    (hint << 8) as u32 | class.code()
}

/// The class and the hint of a [`refusal_word`]; `None` for other words.
pub(crate) fn refusal(word: u32) -> Option<(HoldClass, Option<Span>)> {
    let hint = u64::from(word >> 8);
    Some((HoldClass::from_code(word & 0xff)?, (hint > 0).then(|| Span::from_secs(hint))))
}

/// A hold in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub class: HoldClass,
    /// Since when.
    pub since: Time,
    /// When the next check is due.
    pub due: Time,
    pub(crate) rung: u32,
}

/// A hold that ended: held again soon for the same reason, a key resumes its rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Released {
    class: HoldClass,
    rung: u32,
    pub(crate) at: Time,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Served.
    Served,
    /// Refused, for this reason, with this hint.
    Refused(HoldClass, Option<Span>),
    /// It proved nothing (network, 5xx, cancelled).
    Nothing,
}

impl Released {
    /// The rung at which a hold of this class at `now` begins.
    pub(crate) fn rung(&self, class: HoldClass, now: Time, params: &Params) -> u32 {
        let memory = Span::from_secs_f64(params.hold_memory);
        if self.class == class && now.since(self.at) < memory { self.rung } else { 0 }
    }
}

impl Hold {
    /// A new hold. With a hint the wait is the hint (at least the floor), else the ladder's at `rung`.
    pub(crate) fn begin(
        class: HoldClass,
        now: Time,
        hint: Option<Span>,
        rung: u32,
        identity: u64,
        params: &Params,
    ) -> Self {
        let mut hold = Self { class, since: now, due: now, rung };
        hold.due = now + hold.wait(hint, identity, params);
        hold
    }

    /// After a check: `None` if the route is released, else the hold that follows.
    pub(crate) fn checked(
        self,
        verdict: Verdict,
        now: Time,
        identity: u64,
        params: &Params,
    ) -> Option<Self> {
        let (rung, hint) = match verdict {
            Verdict::Served => return None,
            Verdict::Refused(class, hint) if class == self.class => {
                (self.rung.saturating_add(1), hint)
            }
            // The old point is settled. A rate limit is a new one only where rate limits hold.
            Verdict::Refused(HoldClass::Limited, _) if params.hold_limited == 0.0 => return None,
            Verdict::Refused(class, hint) => {
                return Some(Self::begin(class, now, hint, 0, identity, params));
            }
            Verdict::Nothing => (self.rung, None),
        };
        let mut next = Self { rung, ..self };
        next.due = now + next.wait(hint, identity, params);
        Some(next)
    }

    pub(crate) const fn released(self, at: Time) -> Released {
        Released { class: self.class, rung: self.rung, at }
    }

    fn wait(&self, hint: Option<Span>, identity: u64, params: &Params) -> Span {
        if let Some(hint) = hint {
            return hint.max(Span::from_secs_f64(params.hold_floor));
        }
        let cap = self.class.cap(params);
        let full = grown(params.hold_first, params.hold_factor, self.rung, cap);
        jittered(full, params.hold_jitter, luck::mix(identity, 1 << 32 | u64::from(self.rung)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIAL: HoldClass = HoldClass::Refused(Refusal::Credential);

    fn exact() -> Params {
        Params { hold_jitter: 0.0, ..Params::default() }
    }

    #[test]
    fn the_ladder_doubles_to_its_cap_while_the_reason_stays() {
        let params = exact();
        let mut now = Time::from_secs(100);
        let mut hold = Hold::begin(CREDENTIAL, now, None, 0, 9, &params);
        let mut waits = Vec::new();
        for _ in 0..7 {
            waits.push(hold.due.since(now).0 / 1_000_000_000);
            now = hold.due;
            hold = hold.checked(Verdict::Refused(CREDENTIAL, None), now, 9, &params).unwrap();
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn a_hint_replaces_the_ladder_but_not_its_floor() {
        let params = exact();
        let due = |secs| {
            Hold::begin(HoldClass::Limited, Time::ZERO, Some(Span::from_secs(secs)), 0, 9, &params)
                .due
        };
        assert_eq!(due(3), Time::from_secs(10));
        assert_eq!(due(77), Time::from_secs(77));
    }

    #[test]
    fn a_check_that_proves_nothing_keeps_the_rung() {
        let params = exact();
        let hold = Hold::begin(CREDENTIAL, Time::ZERO, None, 0, 9, &params);
        let again = hold.checked(Verdict::Nothing, Time::from_secs(30), 9, &params).unwrap();
        assert_eq!(again.due, Time::from_secs(60));
        assert_eq!(hold.checked(Verdict::Served, Time::from_secs(30), 9, &params), None);
    }

    #[test]
    fn another_refusal_settles_the_old_point_and_raises_its_own() {
        let mut params = exact();
        let hold = Hold { rung: 3, ..Hold::begin(CREDENTIAL, Time::ZERO, None, 0, 9, &params) };
        let at = Time::from_secs(100);
        let quota = Verdict::Refused(HoldClass::Refused(Refusal::Quota), None);
        let next = hold.checked(quota, at, 9, &params).unwrap();
        assert_eq!((next.since, next.due), (at, Time::from_secs(130)), "from the first rung");
        let limited = Verdict::Refused(HoldClass::Limited, Some(Span::from_secs(77)));
        assert_eq!(hold.checked(limited, at, 9, &params), None, "429s only exclude here");
        params.hold_limited = 1.0;
        let next = hold.checked(limited, at, 9, &params).unwrap();
        assert_eq!((next.class, next.due), (HoldClass::Limited, Time::from_secs(177)));
    }

    #[test]
    fn held_again_within_ten_minutes_a_key_resumes_its_rung() {
        let params = exact();
        let hold = Hold { class: CREDENTIAL, since: Time::ZERO, due: Time::ZERO, rung: 3 };
        let released = hold.released(Time::from_secs(1000));
        let rung = |class, secs| released.rung(class, Time::from_secs(secs), &params);
        assert_eq!(rung(CREDENTIAL, 1500), 3);
        assert_eq!(rung(HoldClass::Limited, 1500), 0, "another reason");
        assert_eq!(rung(CREDENTIAL, 1700), 0, "too long ago");
    }
}
