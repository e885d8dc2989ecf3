//! How cooldowns look from outside: a deployment is failed while it is out at every worker, degraded while it
//! is out at some.

use crate::engine::{Health, Time};
use crate::policy::part::Changes;
use crate::policy::{RouteId, Transition};

use super::cooldown::Cooldowns;

/// Cooldowns that were seen to begin and not yet to end, and the changes of health to tell.
#[derive(Clone, Debug)]
pub struct Watch {
    workers: u16,
    open: Vec<Open>,
    /// Workers at which each route is out.
    out: Vec<u16>,
    changes: Changes,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: Time,
    route: RouteId,
    worker: u16,
}

impl Watch {
    /// Nobody is out.
    pub fn new(workers: u16, routes: usize) -> Self {
        Self { workers, open: Vec::new(), out: vec![0; routes], changes: Changes::new(Time::ZERO) }
    }

    /// The health of a route.
    pub fn health(&self, route: RouteId) -> Health {
        match self.out[route.index()] {
            0 => Health::Healthy,
            out if out < self.workers => Health::Degraded,
            _ => Health::Failed,
        }
    }

    /// A worker took a route out, perhaps again.
    pub fn went_out(
        &mut self,
        now: Time,
        worker: usize,
        route: RouteId,
        known: &[Cooldowns],
        reason: &'static str,
    ) {
        let until = known[worker].until(route).unwrap_or(now);
        let worker = worker as u16;
        let same = |open: &Open| open.route == route && open.worker == worker;
        // What other workers have of it ended in an order of its own, before this.
        self.close(now, known, |open| open.route == route && open.worker != worker);
        if let Some(at) = self.open.iter().position(same) {
            self.open[at].until = until;
            return;
        }
        self.open.push(Open { until, route, worker });
        self.count(now, route, true, reason);
    }

    /// Notes what is over by now, each at its own moment.
    pub fn settle(&mut self, now: Time, known: &[Cooldowns]) {
        self.close(now, known, |_| true);
    }

    /// The same, with these brought up to what is known now.
    fn close(&mut self, now: Time, known: &[Cooldowns], is_read: impl Fn(&Open) -> bool) {
        for open in self.open.iter_mut().filter(|open| is_read(open)) {
            match known[usize::from(open.worker)].until(open.route) {
                Some(until) => open.until = until,
                // No longer in the cache: it is over, or was pushed out.
                None => open.until = open.until.min(now),
            }
        }
        self.open.sort_unstable_by_key(|open| (open.until, open.route, open.worker));
        let over = self.open.partition_point(|open| open.until <= now);
        for at in 0..over {
            let Open { until, route, .. } = self.open[at];
            self.count(until, route, false, "cooldown over");
        }
        self.open.drain(..over);
    }

    /// When to tell next.
    pub const fn next_wake(&self) -> Time {
        self.changes.next_wake()
    }

    /// Gives the changes since the last call, in order of time.
    pub fn tell(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        self.changes.tell(now, changed);
    }

    fn count(&mut self, at: Time, route: RouteId, out: bool, reason: &'static str) {
        let from = self.health(route);
        let count = &mut self.out[route.index()];
        *count = if out { count.saturating_add(1) } else { count.saturating_sub(1) };
        let to = self.health(route);
        self.changes.note(at, route, from, to, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Span;

    const R: RouteId = RouteId(0);

    fn told(watch: &mut Watch) -> Vec<(u64, Health)> {
        let mut told = Vec::new();
        watch.tell(Time::ZERO, &mut |change| told.push((change.at.0 / 1_000_000_000, change.to)));
        told
    }

    fn out(watch: &mut Watch, known: &mut [Cooldowns], worker: usize, secs: u64, lasts: u64) {
        let now = Time::from_secs(secs);
        known[worker].add(R, now, Span::from_secs(lasts));
        watch.went_out(now, worker, R, known, "test");
    }

    #[test]
    fn a_route_is_failed_when_it_is_out_everywhere() {
        let mut known = vec![Cooldowns::new(1, 200), Cooldowns::new(1, 200)];
        let mut watch = Watch::new(2, 1);
        out(&mut watch, &mut known, 0, 1, 5);
        out(&mut watch, &mut known, 1, 3, 5);
        watch.settle(Time::from_secs(10), &known);
        let (degraded, failed) = (Health::Degraded, Health::Failed);
        let all = [(1, degraded), (3, failed), (6, degraded), (8, Health::Healthy)];
        assert_eq!(told(&mut watch), all);
        assert!(told(&mut watch).is_empty());
    }

    #[test]
    fn ends_of_several_workers_are_told_in_the_order_in_which_they_came() {
        let mut known = vec![Cooldowns::new(1, 200), Cooldowns::new(1, 200)];
        let mut watch = Watch::new(2, 1);
        out(&mut watch, &mut known, 0, 1, 5);
        out(&mut watch, &mut known, 1, 2, 5);
        out(&mut watch, &mut known, 1, 9, 5);
        watch.settle(Time::from_secs(10), &known);
        let (degraded, failed) = (Health::Degraded, Health::Failed);
        let all = [(1, degraded), (2, failed), (6, degraded), (7, Health::Healthy), (9, degraded)];
        assert_eq!(told(&mut watch), all);
    }

    #[test]
    fn an_end_that_nobody_read_comes_before_the_next_start() {
        let mut known = vec![Cooldowns::new(1, 200)];
        let mut watch = Watch::new(1, 1);
        out(&mut watch, &mut known, 0, 1, 5);
        out(&mut watch, &mut known, 0, 2, 5);
        out(&mut watch, &mut known, 0, 7, 5);
        watch.settle(Time::from_secs(20), &known);
        let (failed, healthy) = (Health::Failed, Health::Healthy);
        assert_eq!(told(&mut watch), [(1, failed), (6, healthy), (7, failed), (12, healthy)]);
    }
}
