//! A policy that writes down whatever it is asked and told, and hands everything on: what a gateway process saw,
//! independently of what the world says of itself.

use std::sync::{Arc, Mutex};

use crate::engine::{self, Engine, Explanation, Limits, Outcome, Span, Time};
use crate::policy::{
    Attempt, Deadline, Past, Policy, Report, Request, RouteHistory, RouteId, RouteView, Sees, Sent,
    Share, Step, Transition, Truth,
};

/// What all processes of a world wrote down, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Note>>>);

/// One thing that a process was asked or told.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// When.
    pub(super) now: Time,
    /// Which policy: the n-th that was made. A process that starts anew has a new one.
    pub(super) made: usize,
    pub(super) what: What,
}

/// What happened to it.
#[derive(Clone, Debug)]
pub(super) enum What {
    Made,
    Asked {
        request: Request,
        step: Step,
    },
    Headers {
        sent: Sent,
    },
    FirstToken {
        sent: Sent,
    },
    Ended {
        sent: Sent,
        outcome: Outcome,
    },
    /// With all changes of health, and what it shows afterwards.
    Woke {
        changed: Vec<Transition>,
        views: Vec<RouteView>,
    },
    Reports {
        as_of: Time,
        reports: Vec<Report>,
    },
    /// A peer's report, and its own before and after.
    Heard {
        sent_at: Time,
        report: engine::Report,
        before: engine::Report,
        after: engine::Report,
    },
}

impl Log {
    /// Everything so far.
    pub(super) fn notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }

    /// How many policies have been made.
    pub(super) fn made(&self) -> usize {
        let notes = self.0.lock().expect("nobody panics with it");
        notes.iter().filter(|note| matches!(note.what, What::Made)).count()
    }

    /// A policy that writes into this log.
    pub(super) fn spy(&self, now: Time, inner: Box<dyn Policy>, routes: usize) -> Box<dyn Policy> {
        let spy = Spy { made: self.made(), log: self.clone(), inner, routes };
        spy.write(now, What::Made);
        Box::new(spy)
    }
}

struct Spy {
    made: usize,
    log: Log,
    inner: Box<dyn Policy>,
    routes: usize,
}

impl Spy {
    fn write(&self, now: Time, what: What) {
        let note = Note { now, made: self.made, what };
        self.log.0.lock().expect("nobody panics with it").push(note);
    }
}

impl Policy for Spy {
    fn choose(
        &mut self,
        now: Time,
        request: &Request,
        avoid: &[RouteId],
        luck: u64,
    ) -> Option<Attempt> {
        self.inner.choose(now, request, avoid, luck)
    }

    fn next(&mut self, now: Time, request: &Request, past: &[Past], waits: u32, luck: u64) -> Step {
        let step = self.inner.next(now, request, past, waits, luck);
        self.write(now, What::Asked { request: *request, step });
        step
    }

    fn on_headers(&mut self, now: Time, sent: &Sent, limits: &Limits) {
        self.write(now, What::Headers { sent: *sent });
        self.inner.on_headers(now, sent, limits);
    }

    fn on_first_token(&mut self, now: Time, sent: &Sent) {
        self.write(now, What::FirstToken { sent: *sent });
        self.inner.on_first_token(now, sent);
    }

    fn on_end(&mut self, now: Time, sent: &Sent, outcome: &Outcome) {
        self.write(now, What::Ended { sent: *sent, outcome: *outcome });
        self.inner.on_end(now, sent, outcome);
    }

    fn on_wake(&mut self, now: Time, changed: &mut dyn FnMut(Transition)) {
        let mut all = Vec::new();
        self.inner.on_wake(now, &mut |change| {
            all.push(change);
            changed(change);
        });
        let mut views = vec![RouteView::default(); self.routes];
        self.inner.show(&mut views);
        self.write(now, What::Woke { changed: all, views });
    }

    fn on_reports(&mut self, now: Time, as_of: Time, reports: &[Report]) {
        self.write(now, What::Reports { as_of, reports: reports.to_vec() });
        self.inner.on_reports(now, as_of, reports);
    }

    fn hear(&mut self, now: Time, peer: u64, sent_at: Time, report: &engine::Report) {
        let before = self.inner.report(now);
        self.inner.hear(now, peer, sent_at, report);
        let after = self.inner.report(now);
        self.write(now, What::Heard { sent_at, report: report.clone(), before, after });
    }

    fn wants_first_token(&self) -> bool {
        self.inner.wants_first_token()
    }

    fn next_wake(&self) -> Option<Time> {
        self.inner.next_wake()
    }

    fn set_present(&mut self, now: Time, route: RouteId, present: bool) {
        self.inner.set_present(now, route, present);
    }

    fn remember(&mut self, now: Time, span: Span, history: &[RouteHistory]) {
        self.inner.remember(now, span, history);
    }

    fn show(&self, views: &mut [RouteView]) {
        self.inner.show(views);
    }

    fn retune(&mut self, now: Time, values: &[(&'static str, f64)]) {
        self.inner.retune(now, values);
    }

    fn release(&mut self, now: Time, routes: &[RouteId]) {
        self.inner.release(now, routes);
    }

    fn engine(&self) -> Option<&Engine> {
        self.inner.engine()
    }

    fn note(&mut self, on: bool) -> Vec<Explanation> {
        self.inner.note(on)
    }

    fn ranks_providers(&self) -> bool {
        self.inner.ranks_providers()
    }

    fn sees(&self) -> Sees {
        self.inner.sees()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn shares(&self) -> Share {
        self.inner.shares()
    }

    fn report(&self, now: Time) -> engine::Report {
        self.inner.report(now)
    }

    fn on_truth(&mut self, now: Time, truth: &[Truth], deadline: Deadline) {
        self.inner.on_truth(now, truth, deadline);
    }
}
