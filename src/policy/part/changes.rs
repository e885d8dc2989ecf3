//! Changes of health that wait to be told.

use crate::engine::{Health, Span, Time};
use crate::policy::{RouteId, Transition};

/// How often they are told.
const EVERY: Span = Span::from_secs(1);

/// Changes since they were told last.
#[derive(Clone, Debug)]
pub struct Changes {
    queued: Vec<Transition>,
    next: Time,
}

impl Changes {
    /// An empty one.
    pub fn new(now: Time) -> Self {
        Self { queued: Vec::new(), next: now + EVERY }
    }

    /// A route changes its state, or stays in it, which is not noted.
    pub fn note(
        &mut self,
        at: Time,
        route: RouteId,
        from: Health,
        to: Health,
        reason: &'static str,
    ) {
        if from != to {
            self.queued.push(Transition { at, route, from, to, reason });
        }
    }

    /// When to tell next.
    pub const fn next_wake(&self) -> Time {
        self.next
    }

    /// Tells them in order of time.
    pub fn tell(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.next = now + EVERY;
        self.queued.sort_by_key(|change| (change.at, change.route));
        self.queued.drain(..).for_each(changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once_in_order_of_time_every_second() {
        let mut changes = Changes::new(Time::ZERO);
        let (ok, bad) = (Health::Healthy, Health::Failed);
        changes.note(Time(20), RouteId(1), ok, bad, "late");
        changes.note(Time(10), RouteId(0), ok, bad, "early");
        changes.note(Time(30), RouteId(0), bad, bad, "none");
        assert_eq!(changes.next_wake(), Time::from_secs(1));
        let mut told = Vec::new();
        changes.tell(Time::from_secs(1), &mut |change| told.push(change.reason));
        assert_eq!((told, changes.next_wake()), (vec!["early", "late"], Time::from_secs(2)));
        changes.tell(Time::from_secs(2), &mut |change| panic!("{change:?} again"));
    }
}
