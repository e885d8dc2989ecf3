//! One gateway process: its policy, its clock, and what stands in its place when it is gone.

use crate::engine::Time;
use crate::policy::{Attempt, Policy, Pool, Request, RouteId, Sent};
use crate::policy::{Past, Step};

/// Makes the policy of a process: over this pool, from this moment, with this key for what it draws by
/// itself.
///
/// # Errors
/// A sentence, if its settings contradict each other.
pub type Maker<'a> = Box<dyn Fn(&Pool, Time, u64) -> Result<Box<dyn Policy>, String> + 'a>;

/// One process.
pub(in crate::sim) struct Node {
    pub(in crate::sim) policy: Box<dyn Policy>,
    /// From when on it has sent what is sent: of earlier attempts it knows nothing.
    pub(in crate::sim) since: Time,
    /// When its policy wakes next.
    pub(in crate::sim) wake: Time,
    /// Attempts in flight from here.
    pub(in crate::sim) flying: u32,
    /// Region of its node.
    pub(in crate::sim) region: u8,
    /// It is running.
    pub(in crate::sim) up: bool,
}

impl Node {
    /// One that starts now. A policy that names a moment which is over wakes at once.
    pub(in crate::sim) fn new(policy: Box<dyn Policy>, region: u8, now: Time) -> Self {
        let wake = policy.next_wake().map_or(Time::NEVER, |wake| wake.max(now));
        Self { policy, since: Time::ZERO, wake, flying: 0, region, up: true }
    }

    /// Another policy takes over; what is under way stays so.
    pub(in crate::sim) fn begin(
        &mut self,
        policy: Box<dyn Policy>,
        now: Time,
        at: usize,
        of: usize,
    ) {
        let fresh = Self::new(policy, self.region, now).out_of_phase(now, at, of);
        *self = Self { since: now, flying: self.flying, ..fresh };
    }

    /// Shifts the clock of the `at`-th process of `of`: clocks of processes tick out of phase. It wakes early
    /// once, which a policy that has nothing to do by then does not mind.
    pub(in crate::sim) fn out_of_phase(mut self, now: Time, at: usize, of: usize) -> Self {
        if at > 0 && self.wake < Time::NEVER {
            self.wake = now + self.wake.since(now).times(at as f64 / of as f64);
        }
        self
    }
}

/// Nobody: what is asked of a process that has crashed.
#[derive(Debug)]
pub(in crate::sim) struct Gone;

/// What the front balancer answers for it.
pub(in crate::sim) const BAD_GATEWAY: u16 = 502;

impl Policy for Gone {
    fn choose(&mut self, _: Time, _: &Request, _: &[RouteId], _: u64) -> Option<Attempt> {
        None
    }

    fn next(&mut self, _: Time, _: &Request, _: &[Past], _: u32, _: u64) -> Step {
        Step::Stop { status: BAD_GATEWAY }
    }

    fn on_end(&mut self, _: Time, _: &Sent, _: &crate::engine::Outcome) {}

    fn set_present(&mut self, _: Time, _: RouteId, _: bool) {}
}

#[cfg(test)]
mod tests {
    use crate::engine::Span;
    use crate::policy::registry;

    use super::*;

    #[test]
    fn a_policy_that_starts_late_wakes_late() {
        let spec = registry::find("litellm-simple-shuffle").unwrap();
        let (pool, now) = (Pool::default(), Time::from_secs(15));
        // Its clock knows nothing of the moment at which it is made.
        let policy = spec.make(&spec.settings(), &pool, now, 1).unwrap();
        assert!(policy.next_wake().unwrap() < now);
        assert_eq!(Node::new(policy, 0, now).wake, now);
        let policy = spec.make(&spec.settings(), &pool, Time::ZERO, 1).unwrap();
        assert_eq!(Node::new(policy, 0, Time::ZERO).wake, Time::ZERO + Span::from_secs(1));
    }
}
