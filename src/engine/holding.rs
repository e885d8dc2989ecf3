//! A route's hold as the tick follows it: from the first refusal through its checks to the release.

use super::cell::{Gate, Shared};
use super::check::{CheckCell, Progress};
use super::health::{Health, Reason};
use super::hold::{Hold, refusal};
use super::params::Params;
use super::time::{Span, Time};
use super::track::Track;

impl Track {
    /// Begins, continues or ends a hold. Returns the reason if the state changed.
    pub(super) fn hold_step(
        &mut self,
        gate: &Gate,
        shared: &Shared,
        now: Time,
        params: &Params,
    ) -> Option<Reason> {
        let heard = (self.heard_hold.take(), self.heard_release.take());
        let Some(hold) = self.hold else {
            return self.begin_hold(gate, shared, heard.0, now, params);
        };
        if let Some(at) = heard.1 {
            return Some(self.release(hold, gate, shared, at, now, params));
        }
        match shared.check.progress() {
            Progress::Waiting => {}
            Progress::Sent(at) => {
                // A check that never reports frees its place.
                let limit = Span::from_secs_f64(params.hold_check_timeout);
                if CheckCell::lost(at, now, limit) {
                    shared.check.plan(hold.due);
                }
            }
            Progress::Ended(verdict) => match hold.checked(verdict, now, self.identity, params) {
                Some(next) => {
                    self.hold = Some(next);
                    shared.check.plan(next.due);
                }
                None => return Some(self.release(hold, gate, shared, now, now, params)),
            },
        }
        None
    }

    fn begin_hold(
        &mut self,
        gate: &Gate,
        shared: &Shared,
        heard: Option<(Time, u32)>,
        now: Time,
        params: &Params,
    ) -> Option<Reason> {
        let (class, hint) = refusal(gate.held())?;
        let resumed = self.released.map_or(0, |released| released.rung(class, now, params));
        let rung = heard.map_or(resumed, |(_, rung)| rung.max(resumed));
        let mut hold = Hold::begin(class, now, hint, rung, self.identity, params);
        // A peer's hold is as old here as there, so that its release ends both.
        hold.since = heard.map_or(now, |(since, _)| since);
        shared.check.plan(hold.due);
        self.hold = Some(hold);
        let failed = self.health == Health::Failed;
        if !failed {
            self.enter(Health::Failed, Reason::Held, Time::ZERO, now, params);
        }
        (!failed).then_some(Reason::Held)
    }

    fn release(
        &mut self,
        hold: Hold,
        gate: &Gate,
        shared: &Shared,
        at: Time,
        now: Time,
        params: &Params,
    ) -> Reason {
        self.hold = None;
        self.released = Some(hold.released(at));
        shared.check.clear();
        gate.release();
        self.enter(Health::Recovering, Reason::Released, Time::ZERO, now, params);
        Reason::Released
    }
}
